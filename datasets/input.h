/// Reading official files: where they lie, what is in an archive, the lines of a table.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/file.h"

namespace lra {

/// The first of `places` (paths below root) that exists. Throws a data error with the places looked at and `remedy`.
std::filesystem::path find_input(const std::filesystem::path& root, const std::vector<std::string>& places,
                                 const std::string& remedy);

/// Hands over the bytes of a file, piece by piece.
using Content = std::function<void(const Put& put)>;

/// Calls `each(name, content)` for every regular file of a tar or zip archive, compressed or not; content may be left
/// unread. Throws a data error that names the archive when it is damaged or ends early, or when a name leads out of the
/// folder that it would be unpacked in.
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

/// The content of one file compressed on its own (gzip, xz, …) or not at all. Throws as `read_archive` does.
std::string read_compressed(const std::filesystem::path& file, std::size_t largest = kLargestContent);

/// Calls `each(number from 1, line)` for every line of a plain file of any size; a CR before the LF is no part of the
/// line. Throws a data error that names the file when it cannot be read.
void read_lines(const std::filesystem::path& file, const std::function<void(long number, std::string_view line)>& each);

/// The parts of a line between tabs.
std::vector<std::string_view> split_tabs(std::string_view line);

/// Calls `each(number from 1, line)` for every line of `text`; a CR before the LF is no part of the line.
template <typename Each>
void for_each_line(std::string_view text, Each&& each) {
  for (long number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    each(number, line);
  }
}

}  // namespace lra
