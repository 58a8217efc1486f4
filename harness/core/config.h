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
/// A field may be bool, int, long, double or std::string. A number may have a range, outside of which it is refused.
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

#include "harness/core/error.h"

namespace lra {

/// What a JSON file may hold in place of a setting, as its JSON text: a list, an object, null, a whole number beyond 64
/// bits. Kept for the sentence that refuses it.
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

/// As JSON writes it: 3, 0.001, true, "cls".
std::string text_of(const Setting& value);

/// The values that a number may have, both ends included.
struct Range {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
};

/// Of sizes and counts: more than 2³¹ − 1 is a slip of the pen, and arithmetic on sizes need not fear it.
constexpr double kMostOfASetting = 2147483647;
constexpr Range at_least(double least) { return {least, kMostOfASetting}; }
constexpr Range between(double least, double most) { return {least, most}; }
/// Of sizes that a model or a step is multiplied by: more would run for days before anyone sees a result.
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

/// The work behind the four templates below, compiled once.
std::vector<Field> describe_fields(const std::vector<FieldPlace>& places);
Settings write_fields(const std::vector<FieldPlace>& places);
void read_fields(const Settings& settings, std::string_view who, const std::vector<FieldPlace>& places);
void check_fields(std::string_view who, const std::vector<FieldPlace>& places);

/// Every field of `config` with its current value.
template <typename Config>
std::vector<Field> fields_of(Config config) {
  return describe_fields(places_of(config));
}

template <typename Config>
Settings settings_of(Config config) {
  return write_fields(places_of(config));
}

/// `base` with the keys of `settings` replaced. Throws a usage error for an unknown key (naming the
/// nearest), a wrong type or a number outside its range; `who` opens the sentence.
template <typename Config>
Config parse(const Settings& settings, std::string_view who, Config base = {}) {
  read_fields(settings, who, places_of(base));
  return base;
}

/// Throws a usage error for a number outside its range, of a struct that was not parsed.
template <typename Config>
void expect_in_range(Config config, std::string_view who) {
  check_fields(who, places_of(config));
}

/// The value of a `key=value` argument: what JSON reads as a scalar (3, 1e-3, true), otherwise text.
Setting parse_scalar(const std::string& text);

/// A whole number however it is written: 100, 1e2, 100.0; nothing for any other text, or beyond 63 bits.
std::optional<std::int64_t> whole_number(std::string_view text);

}  // namespace lra
