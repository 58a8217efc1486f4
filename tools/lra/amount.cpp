#include "tools/lra/amount.h"

#include <charconv>
#include <span>

#include "harness/core/error.h"

namespace lra {
namespace {

struct Unit {
  char letter;
  double factor;
};
constexpr Unit kBytes[] = {{'K', 1024.0}, {'M', 1048576.0}, {'G', 1073741824.0}};
constexpr Unit kSeconds[] = {{'s', 1}, {'m', 60}, {'h', 3600}};

/// A positive number and perhaps the letter of a unit; 0 for no text.
double parse_amount(std::string text, const std::string& option, std::span<const Unit> units) {
  if (text.empty()) return 0;
  const std::string given = text;
  std::string letters;
  double factor = 1, value = 0;
  for (const Unit& unit : units) {
    letters += unit.letter;
    if (given.back() != unit.letter) continue;
    factor = unit.factor;
    text.pop_back();
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value > 0) || value * factor > 1e18)
    fail_usage("{}: '{}' is not a positive number, alone or with one of the units {}", option, given, letters);
  return value * factor;
}

}  // namespace

std::int64_t parse_bytes(const std::string& text, const std::string& option) {
  return std::int64_t(parse_amount(text, option, kBytes));
}

double parse_seconds(const std::string& text, const std::string& option) {
  return parse_amount(text, option, kSeconds);
}

}  // namespace lra
