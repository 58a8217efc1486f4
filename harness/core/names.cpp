#include "core/names.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <tuple>
#include <utility>

namespace lra {
namespace {

/// Normalise a name for comparison: lower case, with '_' for '-'.
std::string plain(std::string_view name) {
  std::string text(name);
  for (char& c : text) c = c == '-' ? '_' : char(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// The distance of a known name from the written one; smaller is closer.
struct Distance {
  std::size_t edits;
  bool is_other_beginning;  // what was written is not the beginning of the known name
  bool operator<(const Distance& other) const {
    return std::tie(edits, is_other_beginning) < std::tie(other.edits, other.is_other_beginning);
  }
};

Distance distance(const std::string& written, const std::string& known) {
  constexpr std::size_t kLeastBeginning = 3;  // fewer letters begin too many names
  const bool begins = written.size() >= kLeastBeginning && known.starts_with(written);
  const std::size_t edits = edit_distance(written, known);
  return {begins ? std::min<std::size_t>(edits, 1) : edits, !begins};
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1), above, above_that;
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    above_that = std::exchange(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], above_that[j - 2] + 1);
    }
  }
  return row.back();
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  const std::string written = plain(name);
  const std::size_t most = (written.size() + 1) / 3;  // of one letter, none: every other letter is one edit away
  std::string nearest;
  Distance least{most, true};
  for (const std::string& one : known) {
    const Distance found = distance(written, plain(one));
    if (found < least || (nearest.empty() && !(least < found))) least = found, nearest = one;
  }
  return nearest;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
  if (known.empty()) return "; there are none";
  const std::string nearest = nearest_name(name, known);
  std::string text = nearest.empty() ? "; there are: " : ", did you mean '" + nearest + "'? There are: ";
  for (std::size_t i = 0; i < known.size(); ++i) text.append(i ? ", " : "").append(known[i]);
  return text;
}

}  // namespace lra
