/// Texts from outside (names of files, labels, data, arguments) made harmless for where they go: to a reader's
/// terminal, or into a shell.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lra {

bool is_utf8(std::string_view text);

/// The path as results and messages can hold it: `whole`, or as it was given where that is no UTF-8.
std::filesystem::path utf8_path(const std::filesystem::path& whole, const std::filesystem::path& given);

/// The text as it may be shown on a terminal: in UTF-8, without what moves the cursor, changes colours, turns the
/// direction of writing or cannot be seen. A byte that is no UTF-8 becomes \xe9, any such character but tabs and ends
/// of lines (LF, or CR LF) \x1b or \u202e.
std::string shown(std::string_view text);

/// The same on one line: ends of lines become \x0A, or \x0D\x0A.
std::string shown_on_a_line(std::string_view text);

/// Columns of a terminal that UTF-8 text takes: none for a combining character, two for a wide one, one for a byte that
/// is no UTF-8.
std::size_t display_width(std::string_view text);

/// How many bytes at the end of a text begin a character, or an end of a line, whose rest is still to come: for texts
/// that come in pieces.
std::size_t bytes_of_unfinished_character(std::string_view text);

/// One word of a command, so that a shell that is given it takes it as it stands and runs nothing of it: quoted where
/// that is needed, as $'\351' where it could not be shown.
std::string shell_word(std::string_view word);

/// A command to be copied into a shell.
std::string shell_command(const std::vector<std::string>& words);

}  // namespace lra
