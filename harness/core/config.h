/// Settings as plain structs. A struct lists its fields once, in `fields`; parsing, printing and documentation follow:
///
///   struct Config {
///     long k = 256;
///     bool share = true;
///     void fields(auto&& f) {
///       f("k", k, "rows that keys are projected to");
///       f("share", share, "one projection for both");
///     }
///   };
///
/// A field may be bool, int, long, double or std::string.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/core/error.h"

namespace lra {

using Json = nlohmann::json;

/// One documented setting with its default.
struct Field {
  std::string name, type, help;  // type: bool, int, float, string
  Json value;
};

/// One field of a struct, by reference.
struct FieldPlace {
  const char* name;
  std::variant<bool*, int*, long*, double*, std::string*> value;
  const char* help;
};

template <typename Config>
std::vector<FieldPlace> places_of(Config& config) {
  std::vector<FieldPlace> all;
  config.fields([&all](const char* name, auto& field, const char* help) { all.push_back({name, &field, help}); });
  return all;
}

/// The work behind the three templates below, compiled once.
std::vector<Field> describe_fields(const std::vector<FieldPlace>& places);
Json write_fields(const std::vector<FieldPlace>& places);
void read_fields(const Json& settings, std::string_view who, const std::vector<FieldPlace>& places);

/// Every field of `config` with its current value.
template <typename Config>
std::vector<Field> fields_of(Config config) {
  return describe_fields(places_of(config));
}

template <typename Config>
Json to_json(Config config) {
  return write_fields(places_of(config));
}

/// `base` with the keys of `settings` replaced (null: none). Throws a usage error for an unknown key (naming the
/// nearest) or a wrong type; `who` opens the sentence.
template <typename Config>
Config parse(const Json& settings, std::string_view who, Config base = {}) {
  read_fields(settings, who, places_of(base));
  return base;
}

/// The value of a `key=value` argument: JSON when it parses as a scalar (3, 1e-3, true), text otherwise.
Json parse_scalar(const std::string& text);

}  // namespace lra
