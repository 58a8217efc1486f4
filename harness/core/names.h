/// Turning a mistyped name into a useful sentence.
#pragma once

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace lra {

/// Edits (insert, delete, replace) that turn a into b.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
    }
  }
  return row.back();
}

/// The known name that was most likely meant; empty when none is close.
inline std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  const auto nearest = std::min_element(known.begin(), known.end(), [&](const std::string& x, const std::string& y) {
    return edit_distance(name, x) < edit_distance(name, y);
  });
  const bool is_close =
      nearest != known.end() && edit_distance(name, *nearest) <= std::max<std::size_t>(2, name.size() / 3);
  return is_close ? *nearest : "";
}

/// ", did you mean 'linformer'? There are: a, b, c" for an unknown name.
inline std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
  std::string text;
  if (const std::string nearest = nearest_name(name, known); !nearest.empty())
    text += ", did you mean '" + nearest + "'?";
  text += text.empty() ? "; there are: " : " There are: ";
  for (std::size_t i = 0; i < known.size(); ++i) text.append(i ? ", " : "").append(known[i]);
  return known.empty() ? "; there are none" : text;
}

}  // namespace lra
