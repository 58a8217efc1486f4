#include "harness/core/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>

#include "harness/core/names.h"

namespace lra {
namespace {

/// 2⁶³ is a double; the largest long is not.
constexpr double kBeyondLong = 9223372036854775808.0;

template <typename T>
constexpr const char* type_name() {
  if constexpr (std::is_same_v<T, bool>)
    return "bool";
  else if constexpr (std::is_integral_v<T>)
    return "int";
  else if constexpr (std::is_floating_point_v<T>)
    return "float";
  else
    return "string";
}

/// What a value of the type is called in a sentence.
template <typename T>
constexpr const char* expected() {
  if constexpr (std::is_same_v<T, bool>)
    return "true or false";
  else if constexpr (std::is_integral_v<T>)
    return "a whole number";
  else if constexpr (std::is_floating_point_v<T>)
    return "a number";
  else
    return "text";
}

/// A number that ends where the text ends. JSON has no ".5" and no "5."; neither it nor this takes "007", "inf" or
/// "nan".
std::optional<double> decimal(std::string_view text) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  const bool starts_well = !digits.empty() && (std::isdigit(static_cast<unsigned char>(digits[0])) || digits[0] == '.');
  const bool leading_zero =
      digits.size() > 1 && digits[0] == '0' && std::isdigit(static_cast<unsigned char>(digits[1]));
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!starts_well || leading_zero || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Are the commas of the text such as separate thousands: "1,000", "12,000,000"?
bool has_thousands(std::string_view text) {
  const auto all_digits = [](std::string_view part) {
    return part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  std::size_t comma = text.find(',');
  if (comma == 0 || comma > 3 || text.starts_with('0') || !all_digits(text.substr(0, comma))) return false;
  for (; comma < text.size(); comma += 4)
    if (text[comma] != ',' || text.size() < comma + 4 || !all_digits(text.substr(comma + 1, 3))) return false;
  return true;
}

/// "; use a decimal point: 0.001" for a text such as "0,001". What "1,000" means only its writer knows.
std::string instead_of_comma(const Json& value) {
  if (!value.is_string()) return "";
  std::string text = value.get<std::string>();
  const auto commas = std::count(text.begin(), text.end(), ',');
  std::string joined = text, pointed = text;
  std::erase(joined, ',');
  std::replace(pointed.begin(), pointed.end(), ',', '.');
  if (commas > 0 && has_thousands(text))
    return commas > 1
               ? fmt::format("; write {} without commas", joined)
               : fmt::format("; write {} without a comma, or {} with a decimal point", joined, *decimal(pointed));
  return commas == 1 && decimal(pointed) ? "; use a decimal point: " + pointed : "";
}

template <typename T>
T integer(const Json& value, std::string_view who, std::string_view name) {
  const auto whole = [](double number) { return number == std::floor(number) && std::abs(number) < kBeyondLong; };
  if (value.is_number_float() && whole(value.get<double>()))
    return integer<T>(Json(static_cast<std::int64_t>(value.get<double>())), who, name);
  if (!value.is_number_integer())
    fail_usage("{}: setting '{}' must be {}, not {}{}", who, name, expected<T>(), value.dump(),
               instead_of_comma(value));
  // JSON's unsigned numbers reach beyond long.
  const bool huge =
      value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t(std::numeric_limits<T>::max());
  if (huge || value.get<std::int64_t>() < std::int64_t(std::numeric_limits<T>::min()) ||
      value.get<std::int64_t>() > std::int64_t(std::numeric_limits<T>::max()))
    fail_usage("{}: setting '{}' = {} is out of range", who, name, value.dump());
  return value.get<T>();
}

template <typename T>
void assign(T& field, const Json& value, std::string_view who, std::string_view name) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    field = integer<T>(value, who, name);
  } else {
    bool fits = value.is_string();
    if constexpr (std::is_same_v<T, bool>) fits = value.is_boolean();
    if constexpr (std::is_floating_point_v<T>) fits = value.is_number();
    if (!fits)
      fail_usage("{}: setting '{}' must be {}, not {}{}", who, name, expected<T>(), value.dump(),
                 instead_of_comma(value));
    field = value.get<T>();
  }
}

/// "at least 1", "more than 0", "from 0 to 1".
std::string text_of(const Range& range) {
  if (range.least == positive().least) return "more than 0";
  if (range.most == kMostOfASetting) return fmt::format("at least {}", range.least);
  return fmt::format("from {} to {}", range.least, range.most);
}

template <typename T>
void expect_range(const T& value, std::string_view who, const FieldPlace& place) {
  if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
    const Range& range = place.range;
    if (double(value) >= range.least && double(value) <= range.most) return;
    if (double(value) > kMostOfASetting && range.most == kMostOfASetting)
      fail_usage("{}: setting '{}' is {}; it must be at most {}", who, place.name, value, long(range.most));
    fail_usage("{}: setting '{}' is {}; it must be {}", who, place.name, value, text_of(range));
  }
}

}  // namespace

std::vector<Field> describe_fields(const std::vector<FieldPlace>& places) {
  std::vector<Field> all;
  for (const FieldPlace& place : places)
    std::visit(
        [&](auto* field) {
          all.push_back({place.name, type_name<std::remove_pointer_t<decltype(field)>>(), place.help, Json(*field)});
        },
        place.value);
  return all;
}

Json write_fields(const std::vector<FieldPlace>& places) {
  Json out = Json::object();
  for (const FieldPlace& place : places) std::visit([&](auto* field) { out[place.name] = *field; }, place.value);
  return out;
}

void read_fields(const Json& settings, std::string_view who, const std::vector<FieldPlace>& places) {
  if (settings.is_null()) return;
  if (!settings.is_object()) fail_usage("{}: settings must be an object, not {}", who, settings.dump());
  std::vector<std::string> known;
  for (const FieldPlace& place : places) {
    known.emplace_back(place.name);
    if (const auto found = settings.find(place.name); found != settings.end())
      std::visit(
          [&](auto* field) {
            assign(*field, *found, who, place.name);
            expect_range(*field, who, place);
          },
          place.value);
  }
  for (const auto& [key, value] : settings.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      fail_usage("{}: unknown setting '{}'{}", who, key, suggestion(key, known));
}

void check_fields(std::string_view who, const std::vector<FieldPlace>& places) {
  for (const FieldPlace& place : places)
    std::visit([&](const auto* field) { expect_range(*field, who, place); }, place.value);
}

Json parse_scalar(const std::string& text) {
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_primitive() && !value.is_discarded()) return value;
  const std::optional<double> number = decimal(text);
  return number ? Json(*number) : Json(text);
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error == std::errc() && end == text.data() + text.size()) return whole;
  const std::optional<double> number = decimal(text);
  if (!number || *number != std::floor(*number) || std::abs(*number) >= kBeyondLong) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

}  // namespace lra
