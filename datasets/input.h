/// Reading official files: finding them, unpacking archives, splitting text into lines.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/file.h"

namespace lra {

/// Return the first of `places` (paths below root) that exists. Throws a data error with the places searched, similar
/// files and `remedy`.
std::filesystem::path find_input(const std::filesystem::path& root, const std::vector<std::string>& places,
                                 const std::string& remedy);

/// Whether a path contains a hidden name, which is never data: one that begins with a dot (`._1.npy`, `.DS_Store`), or
/// `__MACOSX`.
bool is_hidden(const std::filesystem::path& path);

/// Return the entries of a folder that are not hidden, by name.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder);

/// Passes the bytes of a file to a sink, piece by piece.
using Content = std::function<void(const Put& put)>;

/// Call `each(name, content)` for every regular file of a tar or zip archive, compressed or not, that is not hidden; it
/// need not read the content. Throws a data error that names the archive when it is damaged or truncated, or when a
/// name leads outside the folder of its extraction.
void walk_archive(const std::filesystem::path& archive,
                  const std::function<void(const std::string& name, const Content& content)>& each);

/// The largest file that is read into memory: official files that are read whole are smaller, and a small archive may
/// expand without bound.
inline constexpr std::size_t kLargestContent = std::size_t{1} << 30;

/// Call `each(name, content)` for every file whose name `wanted` accepts. Throws as `walk_archive` does, and for a file
/// of more than `largest` bytes.
void read_archive(const std::filesystem::path& archive, const std::function<bool(const std::string& name)>& wanted,
                  const std::function<void(const std::string& name, std::string content)>& each,
                  std::size_t largest = kLargestContent);

/// Pass the bytes of an uncompressed file to `put`. Throws a data error that names the file when it cannot be read.
void read_pieces(const std::filesystem::path& file, const Put& put);

/// Return the name without the ending of a compressed file (.gz, .xz, .bz2, .zst); nothing when it has none.
std::optional<std::string> unpacked_name(const std::string& name);

/// Pass the content of a single file of any size, compressed or not, to `put`. Throws as `walk_archive` does.
void unpack(const std::filesystem::path& file, const Put& put);

/// The same for a file within an archive, which errors call `name`; its compressed bytes are held in memory.
void unpack(const std::string& name, const Content& packed, const Put& put);

/// Return the content of a single file, compressed (gzip, xz, …) or not, in memory. Throws as `read_archive` does.
std::string read_compressed(const std::filesystem::path& file, std::size_t largest = kLargestContent);

/// Read `content` into memory. Throws as `read_archive` does, with `name` for the file.
std::string collect(const std::string& name, const Content& content, std::size_t largest = kLargestContent);

/// Receives the number of a line, from 1, and the line.
using EachLine = std::function<void(long number, std::string_view line)>;

/// Call `each` for every line of a text file of any size, unpacked where its name ends in .gz, .xz, .bz2 or .zst. A
/// line ends in LF, in CR LF, or, in a text without any LF, in CR. A leading byte order mark and trailing empty lines
/// are skipped. Throws a data error that names the file when it cannot be read, is compressed without the ending for
/// it, or is in UTF-16 or UTF-32.
void read_lines(const std::filesystem::path& file, const EachLine& each);

/// The same for the lines that end within about the first `most` bytes of a file that is not compressed.
void read_first_lines(const std::filesystem::path& file, std::uintmax_t most, const EachLine& each);

/// Throws a data error that begins with `name` when `begin`, the beginning of a text, is compressed or in UTF-16 or
/// UTF-32.
void check_text(const std::string& name, std::string_view begin);

/// Call `each` for every line of a text in memory, by the same rules.
void for_each_line(std::string_view text, const EachLine& each);

/// Call `each` for every line of `content`, by the same rules.
void lines_of(const Content& content, const EachLine& each);

/// Whether a file of this name is unpacked when its lines are read.
bool is_compressed(const std::filesystem::path& file);

/// Return the parts of a line between tabs.
std::vector<std::string_view> split_tabs(std::string_view line);

}  // namespace lra
