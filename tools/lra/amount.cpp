#include "tools/lra/amount.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <vector>

#include "core/error.h"

namespace lra {
namespace {

constexpr double kLargest = 1e18;

/// Removes a decimal number from the front of `text` and returns it; absent when there is none.
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  if (text.empty() || !(std::isdigit(static_cast<unsigned char>(text[0])) || text[0] == '.')) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(std::size_t(end - text.data()));
  return value;
}

/// Removes letters from the front of `text` and returns them.
std::string_view take_letters(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), [](unsigned char c) { return std::isalpha(c); });
  const std::string_view letters = text.substr(0, std::size_t(end - text.begin()));
  text.remove_prefix(letters.size());
  return letters;
}

/// The text in lower case, without spaces.
std::string normalised(const std::string& text) {
  std::string result;
  for (const char c : text)
    if (!std::isspace(static_cast<unsigned char>(c))) result += char(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::optional<double> bytes_of(const std::string& text) {
  std::string_view rest = text;
  const std::optional<double> number = take_number(rest);
  std::string_view unit = take_letters(rest);
  if (!number || !rest.empty()) return std::nullopt;
  constexpr std::string_view kPrefixes = "kmgt";
  double factor = 1;
  if (const std::size_t power = unit.empty() ? std::string_view::npos : kPrefixes.find(unit[0]);
      power != std::string_view::npos) {
    for (std::size_t i = 0; i <= power; ++i) factor *= 1024;
    unit.remove_prefix(unit.substr(1).starts_with("i") ? 2 : 1);
  }
  return unit.empty() || unit == "b" ? std::optional(*number * factor) : std::nullopt;
}

std::optional<double> seconds_in(std::string_view unit) {
  struct Unit {
    std::string_view name;
    double seconds;
  };
  constexpr Unit kUnits[] = {{"s", 1},       {"sec", 1},  {"second", 1},  {"m", 60},    {"min", 60},
                             {"minute", 60}, {"h", 3600}, {"hour", 3600}, {"d", 86400}, {"day", 86400}};
  if (unit == "ms") return 1e-3;
  if (unit.size() > 3 && unit.ends_with('s')) unit.remove_suffix(1);  // a letter has no plural
  for (const Unit& known : kUnits)
    if (unit == known.name) return known.seconds;
  return std::nullopt;
}

/// "1h30m": the sum of numbers with units; a number alone is seconds.
std::optional<double> sum_of_units(std::string_view text) {
  double sum = 0;
  bool first = true;
  for (; !text.empty(); first = false) {
    const std::optional<double> number = take_number(text);
    const std::string_view unit = take_letters(text);
    if (!number) return std::nullopt;
    if (unit.empty()) return first && text.empty() ? number : std::nullopt;
    const std::optional<double> seconds = seconds_in(unit);
    if (!seconds) return std::nullopt;
    sum += *number * *seconds;
  }
  return sum;
}

/// Parses "1:30:00" and "2-12:00:00", as batch systems write them. Rejects "1:30", which is ambiguous.
std::optional<double> clock_time(std::string_view text) {
  double days = 0;
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    std::string_view front = text.substr(0, dash);
    const std::optional<double> number = take_number(front);
    if (!number || !front.empty()) return std::nullopt;
    days = *number;
    text.remove_prefix(dash + 1);
  }
  double seconds = 0;
  int parts = 0;
  while (true) {
    const std::optional<double> number = take_number(text);
    if (!number || (parts > 0 && *number >= 60)) return std::nullopt;
    seconds = 60 * seconds + *number;
    ++parts;
    if (text.empty()) break;
    if (text[0] != ':') return std::nullopt;
    text.remove_prefix(1);
  }
  return parts == 3 ? std::optional(86400 * days + seconds) : std::nullopt;
}

/// Returns `amount`, or 0 for an empty text. Throws a usage error when it is absent, too large or not positive.
double checked(const std::string& text, std::optional<double> amount, const std::string& option, const char* what,
               const char* examples) {
  if (text.empty()) return 0;
  if (!amount || !(*amount > 0) || *amount > kLargest)
    fail_usage("{}: '{}' is not {}; write it such as {}", option, text, what, examples);
  return *amount;
}

}  // namespace

std::int64_t parse_bytes(const std::string& text, const std::string& option) {
  const double bytes = checked(text, bytes_of(normalised(text)), option, "an amount of memory", "800M, 4G or 1.5T");
  return std::max(std::int64_t(bytes), std::int64_t(!text.empty()));
}

double parse_seconds(const std::string& text, const std::string& option) {
  const std::string written = normalised(text);
  const std::optional<double> clock = clock_time(written);
  return checked(text, clock ? clock : sum_of_units(written), option, "a time", "90s, 30m, 1h30m, 2d or 1:30:00");
}

}  // namespace lra
