#include "core/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>

#include "core/json.h"
#include "core/names.h"

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

/// The name of the type in error messages.
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

/// Parse a text that is a number as a whole. Unlike JSON it takes ".5" and "5."; like JSON it refuses "007", "inf" and
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

/// Whether the commas of the text separate thousands: "1,000", "12,000,000".
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

/// Return "; use a decimal point: 0.001" for a text such as "0,001", and both readings for an ambiguous text such as
/// "1,000".
std::string instead_of_comma(const Setting& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (!text) return "";
  const auto commas = std::count(text->begin(), text->end(), ',');
  std::string joined = *text, pointed = *text;
  std::erase(joined, ',');
  std::replace(pointed.begin(), pointed.end(), ',', '.');
  if (commas > 0 && has_thousands(*text))
    return commas > 1
               ? fmt::format("; write {} without commas", joined)
               : fmt::format("; write {} without a comma, or {} with a decimal point", joined, *decimal(pointed));
  return commas == 1 && decimal(pointed) ? "; use a decimal point: " + pointed : "";
}

/// Return any number as a double.
std::optional<double> number(const Setting& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return double(*whole);
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* huge = std::get_if<Unfit>(&value)) return decimal(huge->json);
  return std::nullopt;
}

/// Return a number without a fraction as a long, if it fits.
std::optional<std::int64_t> whole(const Setting& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  const auto* real = std::get_if<double>(&value);
  if (real && *real == std::floor(*real) && std::abs(*real) < kBeyondLong) return static_cast<std::int64_t>(*real);
  return std::nullopt;
}

template <typename T>
[[noreturn]] void refuse(const Setting& value, std::string_view who, std::string_view name) {
  fail_usage("{}: setting '{}' must be {}, not {}{}", who, name, expected<T>(), text_of(value),
             instead_of_comma(value));
}

template <typename T>
T integer(const Setting& value, std::string_view who, std::string_view name) {
  const bool huge = std::holds_alternative<Unfit>(value) && number(value);
  const std::optional<std::int64_t> found = whole(value);
  if (!found && !huge) refuse<T>(value, who, name);
  if (huge || *found < std::numeric_limits<T>::min() || *found > std::numeric_limits<T>::max())
    fail_usage("{}: setting '{}' = {} is out of range", who, name, found ? std::to_string(*found) : text_of(value));
  return static_cast<T>(*found);
}

template <typename T>
void assign(T& field, const Setting& value, std::string_view who, std::string_view name) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    field = integer<T>(value, who, name);
  } else if constexpr (std::is_floating_point_v<T>) {
    const std::optional<double> found = number(value);
    if (!found) refuse<T>(value, who, name);
    field = *found;
  } else {
    if (!std::holds_alternative<T>(value)) refuse<T>(value, who, name);
    field = std::get<T>(value);
  }
}

/// "at least 1", "more than 0", "from 0 to 1".
std::string text_of_range(const Range& range) {
  if (range.least == positive().least) return "more than 0";
  if (range.most == kMostOfASetting) return fmt::format("at least {}", range.least);
  return fmt::format("from {} to {}", range.least, range.most);
}

template <typename T>
Setting setting(const T& field) {
  if constexpr (std::is_same_v<T, int>)
    return std::int64_t(field);
  else
    return field;
}

template <typename T>
void expect_range(const T& value, std::string_view who, const FieldPlace& place) {
  if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
    const Range& range = place.range;
    if (double(value) >= range.least && double(value) <= range.most) return;
    if (double(value) > kMostOfASetting && range.most == kMostOfASetting)
      fail_usage("{}: setting '{}' is {}; it must be at most {}", who, place.name, value, long(range.most));
    fail_usage("{}: setting '{}' is {}; it must be {}", who, place.name, value, text_of_range(range));
  }
}

}  // namespace

std::vector<Field> describe_fields(const std::vector<FieldPlace>& places) {
  std::vector<Field> all;
  for (const FieldPlace& place : places)
    std::visit(
        [&](auto* field) {
          all.push_back({place.name, type_name<std::remove_pointer_t<decltype(field)>>(), place.help, setting(*field)});
        },
        place.value);
  return all;
}

Settings write_fields(const std::vector<FieldPlace>& places) {
  Settings out;
  for (const FieldPlace& place : places)
    std::visit([&](auto* field) { out.insert_or_assign(place.name, setting(*field)); }, place.value);
  return out;
}

void read_fields(const Settings& settings, std::string_view who, const std::vector<FieldPlace>& places) {
  std::vector<std::string> known;
  for (const FieldPlace& place : places) {
    known.emplace_back(place.name);
    if (const auto found = settings.find(place.name); found != settings.end())
      std::visit(
          [&](auto* field) {
            assign(*field, found->second, who, place.name);
            expect_range(*field, who, place);
          },
          place.value);
  }
  for (const auto& [key, value] : settings)
    if (std::find(known.begin(), known.end(), key) == known.end())
      fail_usage("{}: unknown setting '{}'{}", who, key, suggestion(key, known));
}

void check_fields(std::string_view who, const std::vector<FieldPlace>& places) {
  for (const FieldPlace& place : places)
    std::visit([&](const auto* field) { expect_range(*field, who, place); }, place.value);
}

Setting parse_scalar(const std::string& text) {
  const Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_primitive() && !value.is_discarded()) return to_setting(value);
  const std::optional<double> number = decimal(text);
  return number ? Setting(*number) : Setting(text);
}

std::string text_of(const Setting& value) { return Json(value).dump(); }

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error == std::errc() && end == text.data() + text.size()) return whole;
  const std::optional<double> number = decimal(text);
  if (!number || *number != std::floor(*number) || std::abs(*number) >= kBeyondLong) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

}  // namespace lra
