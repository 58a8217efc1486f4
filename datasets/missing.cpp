#include "datasets/missing.h"

#include <fmt/format.h>

#include "core/names.h"
#include "core/text.h"
#include "datasets/input.h"

namespace lra {
namespace {

namespace fs = std::filesystem;

/// Return the name of the unpacked file.
std::string unpacked(const std::string& name) {
  std::string inner = unpacked_name(name).value_or(name);
  for (const std::string_view ending : {".tar", ".tgz", ".zip"})
    if (inner.ends_with(ending)) return inner.substr(0, inner.size() - ending.size());
  return inner;
}

/// How an entry of a folder resembles the name that was looked for; the first case that applies is reported.
enum class Likeness { dangling, spelt, part, compressed, alike, folder, none };

Likeness likeness(const std::string& wanted, const std::string& found) {
  if (wanted == found) return Likeness::dangling;  // listed, but its target does not exist
  const std::string a = lower_case(wanted), b = lower_case(found);
  if (a == b) return Likeness::spelt;
  if (b == a + ".part") return Likeness::part;
  if (unpacked(b) == a) return Likeness::compressed;
  return edit_distance(a, b) <= a.size() / 3 ? Likeness::alike : Likeness::none;
}

struct Near {
  Likeness likeness = Likeness::none;
  fs::path path;       // the entry found
  std::string wanted;  // the name that it should have, or the missing name inside it
};

/// Follow `place` as far as it exists and compare the entries there with the first missing name.
Near nearest(const fs::path& root, const fs::path& place) {
  fs::path at = root;
  auto name = place.begin();
  std::error_code none;
  while (name != place.end() && fs::exists(at / *name, none)) at /= *name++;
  if (name == place.end()) return {};
  const std::string wanted = name->string();
  Near best;
  if (name != place.begin()) best = {Likeness::folder, at, wanted};
  for (const auto& entry : fs::directory_iterator(at, none)) {
    const std::string found = entry.path().filename().string();
    if (is_hidden(found)) continue;
    const Likeness like = likeness(wanted, found);
    if (like < best.likeness || (like == best.likeness && entry.path() < best.path))
      best = {like, entry.path(), wanted};
  }
  return best;
}

}  // namespace

std::string near_form(const fs::path& root, const std::vector<std::string>& places) {
  Near best;
  if (root.empty()) return {};
  for (const std::string& place : places) {
    Near found = nearest(root, place);
    if (found.likeness < best.likeness) best = std::move(found);
  }
  const std::string path = best.path.string();
  switch (best.likeness) {
    case Likeness::dangling:
      return fmt::format("{} is a link that leads nowhere", path);
    case Likeness::spelt:
      return fmt::format("{} would have to be called {}", path, best.wanted);
    case Likeness::part:
      return fmt::format("{} is a download that broke off; the same 'lra data fetch' resumes it", path);
    case Likeness::compressed:
      return fmt::format("{} is compressed; 'lra data import {} --data {}' unpacks it", path, shell_word(path),
                         shell_word(root.string()));
    case Likeness::alike:
      return fmt::format("{} is there instead of {}", path, best.wanted);
    case Likeness::folder:
      return fmt::format("{} is there without {}", path, best.wanted);
    case Likeness::none:
      break;
  }
  return {};
}

std::string fetch_remedy(const std::string& name, const fs::path& root) {
  const std::string where = root.empty() ? "" : " --data " + shell_word(root.string());
  return fmt::format("'lra data fetch {}{}' gets them", name, where);
}

}  // namespace lra
