#include "datasets/official.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace lra {
namespace {

using Unit = OfficialFile::Unit;
using Parts = std::vector<std::string>;

Parts components(std::string_view path) {
  Parts parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return parts;
}

/// Number `i` from the end; empty where there is none.
const std::string& last(const Parts& path, std::size_t i) {
  static const std::string none;
  return i < path.size() ? path[path.size() - 1 - i] : none;
}

bool is_one_of(const std::string& name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_number(std::string_view text, const char* also = "") {
  return !text.empty() && text.find_first_not_of(std::string("0123456789") + also) == std::string_view::npos;
}

/// The text between prefix and suffix, or nothing.
std::optional<std::string> between(const std::string& name, std::string_view prefix, std::string_view suffix) {
  if (name.size() < prefix.size() + suffix.size() || !name.starts_with(prefix) || !name.ends_with(suffix)) return {};
  return name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
}

std::optional<OfficialFile> review(const Parts& path) {
  const auto number = between(last(path, 0), "", ".txt");
  if (!number || !is_number(*number, "_") || !is_one_of(last(path, 1), {"pos", "neg"}) ||
      !is_one_of(last(path, 2), {"train", "test"}))
    return {};
  const std::string part = last(path, 2) + "/" + last(path, 1);
  return OfficialFile{"imdb", "aclImdb/" + part + "/" + last(path, 0), part, Unit::file, 12500};
}

std::optional<OfficialFile> image_batch(const Parts& path) {
  const auto name = between(last(path, 0), "", ".bin");
  if (!name ||
      !is_one_of(*name, {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"}))
    return {};
  return OfficialFile{"cifar10", "cifar-10-batches-bin/" + last(path, 0), *name, Unit::image, 10000};
}

std::optional<OfficialFile> expressions(const Parts& path) {
  const auto split = between(last(path, 0), "basic_", ".tsv");
  if (!split || !is_one_of(*split, {"train", "val", "test"})) return {};
  return OfficialFile{"listops", "listops-1000/" + last(path, 0), *split, Unit::row_below_heading,
                      *split == "train" ? 96000 : 2000};
}

std::optional<OfficialFile> papers(const Parts& path) {
  const bool mini = std::find(path.begin(), path.end(), "aan_mini") != path.end();
  const std::string names = mini ? "aan_mini" : "aan";
  if (last(path, 1) == "papers_text" && last(path, 0).ends_with(".txt"))
    return OfficialFile{names, names + "/papers_text/" + last(path, 0), "papers_text", Unit::file, mini ? 1569 : 0};
  auto split = between(last(path, 0), "new_aan_pairs.", ".tsv");
  if (!split) return {};
  const bool only_ids = split->ends_with(".only_ids");
  if (only_ids) split->resize(split->size() - std::strlen(".only_ids"));
  if (!is_one_of(*split, {"train", "eval", "test"})) return {};
  const long official = mini ? (*split == "train" ? 16710 : 2000)
                             : (*split == "train"  ? 147086
                                : *split == "eval" ? 18090
                                                   : 17437);
  return OfficialFile{only_ids ? names : "aan_texts", (only_ids ? names : "tsv_data") + "/" + last(path, 0), *split,
                      Unit::row, official};
}

std::optional<OfficialFile> path_picture(const Parts& path) {
  const auto level = std::find_if(path.begin(), path.end(), [](const std::string& part) {
    return is_one_of(part, {"curv_baseline", "curv_contour_length_9", "curv_contour_length_14"});
  });
  if (level == path.begin() || level == path.end()) return {};
  const std::string& name = *std::prev(level);
  const auto upstream = between(name, "pathfinder", "_upstream");
  const auto side = upstream ? upstream : between(name, "pathfinder", "");
  if (!side || !is_one_of(*side, {"32", "64", "128", "256"})) return {};
  const Parts below(std::next(level), path.end());
  const bool image = below.size() == 3 && below[0] == "imgs" && is_number(below[1]) && below[2].ends_with(".png");
  const bool table = below.size() == 2 && below[0] == "metadata" && below[1].ends_with(".npy");
  if (!image && !table) return {};
  std::string place = name + "/" + *level;
  for (const std::string& part : below) place.append("/").append(part);
  return OfficialFile{name, place, *level + "/" + below[0], Unit::file, upstream ? 0 : image ? 200000 : 200};
}

}  // namespace

std::optional<OfficialFile> recognise(std::string_view path) {
  const Parts parts = components(path);
  for (const auto family : {review, image_batch, expressions, papers, path_picture})
    if (auto file = family(parts)) return file;
  return {};
}

}  // namespace lra
