/// Turning a mistyped name into a useful sentence.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lra {

/// Edits (insert, delete, replace, swap two neighbours) that turn a into b, letter by letter as they stand.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The known name that was most likely meant, whatever its case and with '-' for '_': one that differs by few edits for
/// its length, or that begins with `name`; empty when none is close. The first of those that are equally close.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

/// ", did you mean 'linformer'? There are: a, b, c" for an unknown name.
std::string suggestion(std::string_view name, const std::vector<std::string>& known);

}  // namespace lra
