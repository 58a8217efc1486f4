/// Tables as people keep them: rows of cells in a text file, tab-separated or comma-separated.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace lra {

/// Whether the file's name, without the ending of a compression, ends in .csv: its cells stand between commas.
bool is_csv(const std::filesystem::path& file);

/// Calls `each(line, cells)` for every row of a table, the lines being those of `read_lines` (datasets/input.h); `line`
/// is where the row begins. Rows at the end of the file whose cells are all empty are none, nor
/// is a first line "sep=," as Excel writes it.
///
///   .csv        as RFC 4180 says: commas; a cell in quotation marks may hold commas, line ends and doubled marks
///   all others  tabs; quotation marks mean nothing
///
/// Throws a data error with file and line for an empty line between rows, for quotation marks that break those rules
/// and for a CR within a row, but not within quotation marks.
void read_table(const std::filesystem::path& file,
                const std::function<void(long line, std::span<const std::string> cells)>& each);

/// "FILE line 7", as errors begin.
std::string where_of(const std::filesystem::path& file, long line);

}  // namespace lra
