/// Suggestions for mistyped names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lra {

/// Return the edit distance from a to b: insertions, deletions, replacements and swaps of adjacent letters,
/// case-sensitive.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// Return the known name closest to `name`, ignoring case and taking '-' for '_': one within a few edits for its
/// length, or one that begins with `name`. Returns the first of equally close names, and an empty string when none is
/// close.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

/// Return the end of the message for an unknown name: ", did you mean 'linformer'? There are: a, b, c".
std::string suggestion(std::string_view name, const std::vector<std::string>& known);

}  // namespace lra
