#include "results/tables/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "harness/core/text.h"

namespace lra {
namespace {

/// The code point that starts at `at`, which moves past it. A stray byte counts as one character.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = static_cast<unsigned char>(text[at++]);
  const int more = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
  char32_t code = more == 3 ? byte & 0x07 : more == 2 ? byte & 0x0f : more == 1 ? byte & 0x1f : byte;
  for (int i = 0; i < more && at < text.size(); ++i) code = code << 6 | (static_cast<unsigned char>(text[at++]) & 0x3f);
  return code;
}

bool is_combining(char32_t c) {
  return (c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200f) || (c >= 0xfe00 && c <= 0xfe0f);
}

bool is_wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0xff00 && c <= 0xff60) || (c >= 0x1f300 && c <= 0x1faff);
}

/// A bar inside a cell would end it, and what cannot be seen would shift it.
std::string escaped(const std::string& cell) {
  std::string text;
  for (const char c : shown(cell)) text += c == '|' ? "\\|" : c == '\n' ? " " : std::string(1, c);
  return text;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const TextTable& table) {
  const std::size_t columns = table.header.size();
  std::vector<std::vector<std::string>> lines{table.header};
  lines.insert(lines.end(), table.rows.begin(), table.rows.end());
  std::vector<std::size_t> widths(columns, 3);
  for (auto& line : lines) {
    line.resize(columns);
    for (std::size_t c = 0; c < columns; ++c) {
      line[c] = escaped(line[c]);
      widths[c] = std::max(widths[c], display_width(line[c]));
    }
  }
  for (std::size_t r = 0; r < lines.size(); ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      const std::string space(widths[c] - display_width(lines[r][c]), ' ');
      out << (c ? " | " : "| ") << (c ? space + lines[r][c] : lines[r][c] + space);
    }
    out << " |\n";
    if (r > 0) continue;
    for (std::size_t c = 0; c < columns; ++c)
      out << (c ? " | " : "| ") << std::string(widths[c] - (c > 0), '-') << (c ? ":" : "");
    out << " |\n";
  }
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t code = next_code_point(text, at);
    width += is_combining(code) ? 0 : is_wide(code) ? 2 : 1;
  }
  return width;
}

std::string grouped(long value) {
  const std::string digits = std::to_string(std::abs(value));
  std::string text;
  if (value < 0) text += '-';
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string three_digits(double value) {
  if (!std::isfinite(value)) return "–";
  const double size = std::abs(value);
  if (size >= 99.95) return grouped(std::lround(value));
  return fmt::format("{:.{}f}", value, size >= 9.995 ? 1 : size >= 0.9995 ? 2 : size >= 0.09995 ? 3 : 4);
}

std::string human_bytes(std::int64_t bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) value /= 1024, ++unit;
  return fmt::format("{} {}", three_digits(value), kUnits[unit]);
}

std::string human_seconds(double seconds) {
  if (!std::isfinite(seconds)) return "–";
  if (seconds < 99.95) return three_digits(seconds) + " s";
  const long whole = std::lround(seconds);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace lra
