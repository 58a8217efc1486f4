/// Settings as plain structs. A struct lists its fields once, in `fields`; parsing, printing and documentation follow:
///
///   struct Config {
///     long k = 256;
///     bool share = true;
///     void fields(auto&& f) {
///       f("k", k, "rows that keys are projected to", at_least(1));
///       f("share", share, "one projection for both");
///     }
///   };
///
/// A field may be bool, int, long, double or std::string. A number may have a range; values outside it are refused.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "core/error.h"

namespace lra {

/// A JSON value that cannot be a setting (a list, an object, null, an integer beyond 64 bits), as its JSON text. It is
/// kept so that the error message can quote it.
struct Unfit {
  std::string json;
  bool operator==(const Unfit&) const = default;
};

/// The value of one setting. json.h converts it from and to JSON without loss.
using Setting = std::variant<bool, std::int64_t, double, std::string, Unfit>;

/// Settings by name, in alphabetical order.
struct Settings : std::map<std::string, Setting, std::less<>> {
  using map::map;
};

/// Return the value as JSON text: 3, 0.001, true, "cls".
std::string text_of(const Setting& value);

/// The range of values that a number may have, both ends included.
struct Range {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
};

/// The upper bound of sizes and counts: a value above 2³¹ − 1 is a typing error, and the bound keeps arithmetic on
/// sizes from overflowing.
constexpr double kMostOfASetting = 2147483647;
constexpr Range at_least(double least) { return {least, kMostOfASetting}; }
constexpr Range between(double least, double most) { return {least, most}; }
/// The upper bound of sizes that multiply the cost of a model or a step: with more, a run would take days to show a
/// result.
constexpr double kMostOfASize = 65536;
constexpr Range positive() { return at_least(std::numeric_limits<double>::denorm_min()); }

/// One documented setting with its default.
struct Field {
  std::string name, type, help;  // type: bool, int, float, string
  Setting value;
};

template <typename T, typename... Types>
concept OneOf = (std::same_as<T, Types> || ...);

/// One field of a struct, by reference.
struct FieldPlace {
  const char* name;
  std::variant<bool*, int*, long*, double*, std::string*> value;
  const char* help;
  Range range;
};

template <typename Config>
std::vector<FieldPlace> places_of(Config& config) {
  std::vector<FieldPlace> all;
  config.fields([&all](const char* name, auto& field, const char* help, const Range& range = {}) {
    constexpr bool is_setting = OneOf<std::remove_reference_t<decltype(field)>, bool, int, long, double, std::string>;
    static_assert(is_setting, "a field of a Config must be a bool, int, long, double or std::string");
    if constexpr (is_setting) all.push_back({name, &field, help, range});
  });
  return all;
}

/// The non-template implementation of the four templates below.
std::vector<Field> describe_fields(const std::vector<FieldPlace>& places);
Settings write_fields(const std::vector<FieldPlace>& places);
void read_fields(const Settings& settings, std::string_view who, const std::vector<FieldPlace>& places);
void check_fields(std::string_view who, const std::vector<FieldPlace>& places);

/// Return every field of `config` with its current value.
template <typename Config>
std::vector<Field> fields_of(Config config) {
  return describe_fields(places_of(config));
}

template <typename Config>
Settings settings_of(Config config) {
  return write_fields(places_of(config));
}

/// Return `base` with the keys of `settings` replaced. Throws a usage error, which begins with `who`, for an unknown
/// key (naming the nearest), a wrong type or a number outside its range.
template <typename Config>
Config parse(const Settings& settings, std::string_view who, Config base = {}) {
  read_fields(settings, who, places_of(base));
  return base;
}

/// Check the ranges of a struct that was not parsed. Throws a usage error for a number outside its range.
template <typename Config>
void expect_in_range(Config config, std::string_view who) {
  check_fields(who, places_of(config));
}

/// Parse the value of a `key=value` argument: a JSON scalar (3, 1e-3, true), or else text.
Setting parse_scalar(const std::string& text);

/// Parse an integer in any notation: 100, 1e2, 100.0. Returns nothing for any other text and for integers beyond 63
/// bits.
std::optional<std::int64_t> whole_number(std::string_view text);

}  // namespace lra
