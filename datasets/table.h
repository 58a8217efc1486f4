/// Tables: rows of cells in a text file, tab-separated or comma-separated.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace lra {

/// Whether the file's name, without a compression ending, ends in .csv, so that commas separate its cells.
bool is_csv(const std::filesystem::path& file);

/// Call `each(line, cells)` for every row of a table, with the lines of `read_lines` (datasets/input.h); the row begins
/// at `line`. Trailing rows of empty cells and Excel's first line "sep=," are skipped.
///
///   .csv        as RFC 4180 says: commas; a cell in quotation marks may hold commas, line ends and doubled marks
///   all others  tabs; quotation marks mean nothing
///
/// Throws a data error with file and line for an empty line between rows, for quotation marks that break those rules
/// and for a CR within a row, but not within quotation marks.
void read_table(const std::filesystem::path& file,
                const std::function<void(long line, std::span<const std::string> cells)>& each);

/// Return "FILE line 7", the beginning of an error message.
std::string where_of(const std::filesystem::path& file, long line);

}  // namespace lra
