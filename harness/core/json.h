/// JSON, and conversions between JSON and settings. Code that stores, prints or exchanges results includes it; models
/// and the headers that they include must not (tools/check_layers).
#pragma once

#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/config.h"

namespace lra {

using Json = nlohmann::json;

/// The conversions that nlohmann::json looks up: Json json = settings; Settings settings = json; null is empty
/// settings.
void to_json(Json& json, const Unfit& value);
void to_json(Json& json, const Setting& value);
void to_json(Json& json, const Settings& settings);
/// Throws a usage error unless the value is an object or null.
void from_json(const Json& json, Settings& settings);

Setting to_setting(const Json& json);
/// Return settings from JSON, as above. Errors begin with `who`.
Settings to_settings(const Json& json, std::string_view who);

/// Return every field of `config` with its current value.
template <typename Config>
Json to_json(Config config) {
  return settings_of(std::move(config));
}

/// Parse JSON as config.h parses settings.
template <typename Config>
Config parse(const Json& json, std::string_view who, Config base = {}) {
  return parse<Config>(to_settings(json, who), who, std::move(base));
}

}  // namespace lra
