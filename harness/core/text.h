/// Text in lower case, and escaping of untrusted text (file names, labels, data, arguments) for a terminal or a shell.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lra {

bool is_utf8(std::string_view text);

/// Return the text with its ASCII letters in lower case.
std::string lower_case(std::string text);

/// Return the path for results and messages: `whole`, or the path as given when `whole` is not UTF-8.
std::filesystem::path utf8_path(const std::filesystem::path& whole, const std::filesystem::path& given);

/// Return the text as it may be shown on a terminal: UTF-8 without control characters, direction marks and invisible
/// characters. An invalid byte becomes \xe9, and such a character, except tabs and line ends (LF or CR LF), becomes
/// \x1b or \u202e.
std::string shown(std::string_view text);

/// The same on one line: line ends become \x0A or \x0D\x0A.
std::string shown_on_a_line(std::string_view text);

/// Return the terminal columns that UTF-8 text occupies: 0 for a combining character, 2 for a wide one, 1 for an
/// invalid byte.
std::size_t display_width(std::string_view text);

/// Return how many bytes at the end of a piece of text belong to an incomplete character or line end that the next
/// piece completes.
std::size_t bytes_of_unfinished_character(std::string_view text);

/// Return the text quoted as one word of a shell command: in quotation marks where needed, and as $'\351' where a byte
/// cannot be shown.
std::string shell_word(std::string_view word);

/// Return a command line that can be pasted into a shell.
std::string shell_command(const std::vector<std::string>& words);

}  // namespace lra
