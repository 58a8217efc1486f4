/// JSON, and settings from and to it. For what stores, prints and exchanges results: no model and no header that models
/// include needs it (tools/check_layers).
#pragma once

#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "harness/core/config.h"

namespace lra {

using Json = nlohmann::json;

/// The conversions that the library looks for: Json json = settings; Settings settings = json; null has no settings.
void to_json(Json& json, const Unfit& value);
void to_json(Json& json, const Setting& value);
void to_json(Json& json, const Settings& settings);
/// Throws a usage error for what is neither an object nor null.
void from_json(const Json& json, Settings& settings);

Setting to_setting(const Json& json);
/// Settings from JSON, as above; `who` opens the sentence of the error.
Settings to_settings(const Json& json, std::string_view who);

/// Every field of `config` with its current value.
template <typename Config>
Json to_json(Config config) {
  return settings_of(std::move(config));
}

/// As `parse` of settings (config.h).
template <typename Config>
Config parse(const Json& json, std::string_view who, Config base = {}) {
  return parse<Config>(to_settings(json, who), who, std::move(base));
}

}  // namespace lra
