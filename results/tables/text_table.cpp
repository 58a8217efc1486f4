#include "results/tables/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/text.h"

namespace lra {
namespace {

/// Escapes bars, which would end the cell, and characters that would break the alignment.
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
