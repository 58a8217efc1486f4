/// Markdown tables with aligned columns, and formatting of numbers.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace lra {

/// A Markdown table. The first column is left-aligned, the others right-aligned. Short rows are padded with empty
/// cells.
struct TextTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};
std::ostream& operator<<(std::ostream& out, const TextTable& table);

/// 1234567 → "1,234,567".
std::string grouped(long value);
/// Three significant digits, thousands grouped, never an exponent: 0.0123, 12.3, 1,234. "–" for a value that is not
/// finite.
std::string three_digits(double value);
/// "1.50 GiB".
std::string human_bytes(std::int64_t bytes);
/// "2 h 05 min", "3 min 20 s", "12.3 s".
std::string human_seconds(double seconds);

}  // namespace lra
