/// Reading official files: where they lie, what is in an archive, the lines of a table.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/file.h"

namespace lra {

/// The first of `places` (paths below root) that exists. Throws a data error with the places looked at, what lies near
/// them and `remedy`.
std::filesystem::path find_input(const std::filesystem::path& root, const std::vector<std::string>& places,
                                 const std::string& remedy);

/// Whether a path has a part that other programs leave beside data and that is never data itself: a name with a dot
/// in front (`._1.npy`, `.DS_Store`) or `__MACOSX`.
bool is_hidden(const std::filesystem::path& path);

/// What lies in a folder, by name, without what is hidden.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder);

/// Hands over the bytes of a file, piece by piece.
using Content = std::function<void(const Put& put)>;

/// Calls `each(name, content)` for every regular file of a tar or zip archive, compressed or not, that is not hidden;
/// content may be left unread. Throws a data error that names the archive when it is damaged or ends early, or when a
/// name leads out of the folder that it would be unpacked in.
void walk_archive(const std::filesystem::path& archive,
                  const std::function<void(const std::string& name, const Content& content)>& each);

/// More of one file is not taken into memory: official files that are read whole are smaller, and a small archive can
/// stand for an endless one.
inline constexpr std::size_t kLargestContent = std::size_t{1} << 30;

/// Calls `each(name, content)` for every file whose name `wanted` accepts. Throws as `walk_archive` does, and for a
/// file of more than `largest` bytes.
void read_archive(const std::filesystem::path& archive, const std::function<bool(const std::string& name)>& wanted,
                  const std::function<void(const std::string& name, std::string content)>& each,
                  std::size_t largest = kLargestContent);

/// Hands over the bytes of a plain file. Throws a data error that names it when it cannot be read.
void read_pieces(const std::filesystem::path& file, const Put& put);

/// The name without the ending of a file that is compressed by itself (.gz, .xz, .bz2, .zst); nothing without one.
std::optional<std::string> unpacked_name(const std::string& name);

/// Hands over the content of one file compressed by itself or not at all, of any size. Throws as `walk_archive` does.
void unpack(const std::filesystem::path& file, const Put& put);

/// The same of a file within an archive, which `name` is for errors; what is packed is taken into memory.
void unpack(const std::string& name, const Content& packed, const Put& put);

/// The content of one file compressed on its own (gzip, xz, …) or not at all. Throws as `read_archive` does.
std::string read_compressed(const std::filesystem::path& file, std::size_t largest = kLargestContent);

/// What `content` hands over, in memory. Throws as `read_archive` does, with `name` for the file.
std::string collect(const std::string& name, const Content& content, std::size_t largest = kLargestContent);

/// Takes the number of a line, from 1, and the line.
using EachLine = std::function<void(long number, std::string_view line)>;

/// Every line of a text file of any size, unpacked where its name ends in .gz, .xz, .bz2 or .zst. A line ends in LF, in
/// CR LF, or, in a text without any LF, in CR. A byte order mark at the begin is no part of the text, and empty lines
/// at its end are none. Throws a data error that names the file when it cannot be read, is compressed although its name
/// does not say so, or is in UTF-16 or UTF-32.
void read_lines(const std::filesystem::path& file, const EachLine& each);

/// The same for the lines that end within about the first `most` bytes of a file that is not compressed.
void read_first_lines(const std::filesystem::path& file, std::uintmax_t most, const EachLine& each);

/// Throws a data error that begins with `name` for a text that begins so and is compressed, or in UTF-16 or UTF-32.
void check_text(const std::string& name, std::string_view begin);

/// The lines of a text in memory, by the same rules.
void for_each_line(std::string_view text, const EachLine& each);

/// The lines of what `content` hands over, by the same rules.
void lines_of(const Content& content, const EachLine& each);

/// Whether a file of this name is unpacked when its lines are read.
bool is_compressed(const std::filesystem::path& file);

/// The parts of a line between tabs.
std::vector<std::string_view> split_tabs(std::string_view line);

}  // namespace lra
