#include "datasets/import.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

#include "datasets/input.h"
#include "harness/core/error.h"

namespace lra {
namespace {

namespace fs = std::filesystem;
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

/// Under which name a source reads an archive of this layout as it is; empty: it does not.
std::string archive_name(const std::string& layout) {
  static const std::map<std::string, std::string> names{
      {"imdb", "aclImdb_v1.tar.gz"}, {"cifar10", "cifar-10-binary.tar.gz"}, {"aan_mini", "aan_mini.tar.gz"}};
  if (layout.ends_with("_upstream")) return layout + ".tar.gz";
  const auto found = names.find(layout);
  return found == names.end() ? std::string() : found->second;
}

void read_pieces(const fs::path& file, const Put& put) {
  std::ifstream in(file, std::ios::binary);
  std::vector<char> block(std::size_t{1} << 20);
  while (in) {
    in.read(block.data(), std::streamsize(block.size()));
    put(std::as_bytes(std::span(block).first(std::size_t(in.gcount()))));
  }
  if (!in.eof()) fail_data("cannot read {}: {}", file.string(), std::strerror(errno));
}

/// Every file with its path, which begins with the two folders that hold everything: their names may tell what it is.
using Visit = std::function<void(const std::string& path, const Content& content, const fs::path& file)>;
void walk(const fs::path& from, const Visit& visit) {
  const fs::path whole = fs::canonical(from);
  const fs::path above = whole.parent_path().filename();
  const auto visit_file = [&](const fs::path& file, const fs::path& name) {
    visit(
        name.string(), [&](const Put& put) { read_pieces(file, put); }, file);
  };
  if (fs::is_directory(whole)) {
    for (const auto& entry : fs::recursive_directory_iterator(whole, fs::directory_options::skip_permission_denied))
      if (entry.is_regular_file())
        visit_file(entry.path(), above / whole.filename() / entry.path().lexically_relative(whole));
  } else if (recognise(whole.string())) {
    visit_file(whole, above / whole.filename());
  } else {
    walk_archive(whole, [&](const std::string& name, const Content& content) { visit(name, content, {}); });
  }
}

/// How deep in LRA's release, which holds some folders twice.
long depth_of(const std::string& path) {
  const Parts parts = components(path);
  return std::count(parts.begin(), parts.end(), "lra_release");
}

/// Rows or bytes of one file, told piece by piece.
struct Counter {
  std::uint64_t bytes = 0;
  long lines = 0;
  bool open_line = false;

  void add(std::span<const std::byte> piece) {
    bytes += piece.size();
    lines += std::count(piece.begin(), piece.end(), std::byte{'\n'});
    if (!piece.empty()) open_line = piece.back() != std::byte{'\n'};
  }
  long count(Unit unit) const {
    constexpr long kImageBytes = 3073;
    const long rows = lines + open_line;
    switch (unit) {
      case Unit::file:
        return 1;
      case Unit::row:
        return rows;
      case Unit::row_below_heading:
        return std::max(0L, rows - 1);
      case Unit::image:
        return long(bytes) / kImageBytes;
    }
    return 0;
  }
};

void make_folder_of(const fs::path& file) {
  std::error_code failed;
  fs::create_directories(file.parent_path(), failed);
  if (failed) fail("cannot make the folder {}: {}", file.parent_path().string(), failed.message());
}

/// A file under a temporary name until it is whole.
class Arriving {
 public:
  explicit Arriving(const fs::path& target) : target_(target), part_(target.string() + ".part") {
    make_folder_of(target);
    out_.open(part_, std::ios::binary | std::ios::trunc);
  }
  void add(std::span<const std::byte> piece) {
    out_.write(reinterpret_cast<const char*>(piece.data()), std::streamsize(piece.size()));
  }
  void keep() {
    out_.close();
    if (!out_) fail("cannot write {}: {}", part_.string(), std::strerror(errno));
    fs::rename(part_, target_);
  }

 private:
  fs::path target_, part_;
  std::ofstream out_;
};

void link_to(const fs::path& file, const fs::path& target) {
  make_folder_of(target);
  fs::remove(target);
  fs::create_symlink(fs::absolute(file), target);
}

void copy_to(const fs::path& file, const fs::path& target) {
  Arriving arriving(target);
  read_pieces(file, [&](std::span<const std::byte> piece) { arriving.add(piece); });
  arriving.keep();
}

/// What there is of each layout, before anything is moved.
struct Found {
  long depth = 0, files = 0, others = 0;
};
std::map<std::string, Found> survey(const fs::path& from) {
  std::map<std::string, Found> all;
  walk(from, [&](const std::string& path, const Content&, const fs::path&) {
    const auto file = recognise(path);
    if (!file) return;
    Found& found = all[file->layout];
    const long depth = depth_of(path);
    if (depth > found.depth) found = {depth, 0, found.others + found.files};
    ++(depth == found.depth ? found.files : found.others);
  });
  if (all.empty())
    fail_data(
        "{} holds none of the official files: aclImdb, cifar-10-batches-bin, listops-1000, new_aan_pairs, "
        "pathfinder32 to pathfinder256; look at what is in it",
        from.string());
  return all;
}

/// Whether the file lies at `target` already, not through a link that somebody made there.
bool is_at(const fs::path& file, const fs::path& target) {
  if (file.empty()) return false;
  const auto whole = [](const fs::path& path) { return fs::weakly_canonical(path.parent_path()) / path.filename(); };
  return whole(file) == whole(target);
}

/// One import on its way.
class Import {
 public:
  Import(const fs::path& from, const fs::path& root, bool link)
      : from_(from), root_(root), link_(link), found_(survey(from)) {
    const bool packed = !fs::is_directory(from) && !recognise(fs::canonical(from).string());
    if (packed && found_.size() == 1) whole_ = archive_name(found_.begin()->first);
    if (link && packed && whole_.empty())
      fail_usage("--link: {} must be unpacked to be read; import it without --link", from.string());
    for (const auto& [layout, found] : found_) {
      Imported& imported = all_[layout];
      imported.layout = layout;
      imported.how = link ? "linked" : packed && whole_.empty() ? "unpacked" : "copied";
      imported.left_out = found.others;
    }
  }

  std::vector<Imported> run() {
    walk(from_, [this](const std::string& path, const Content& content, const fs::path& source) {
      const auto file = recognise(path);
      if (!file || depth_of(path) != found_.at(file->layout).depth) return;
      Imported& imported = all_[file->layout];
      imported.place = root_ / (whole_.empty() ? *fs::path(file->place).begin() : fs::path(whole_));
      ++imported.files;
      part_of(imported, *file).found += place(*file, content, source).count(file->unit);
    });
    if (!whole_.empty() && !is_at(from_, root_ / whole_)) (link_ ? link_to : copy_to)(from_, root_ / whole_);
    std::vector<Imported> list;
    for (auto& [layout, imported] : all_) {
      std::sort(imported.parts.begin(), imported.parts.end(),
                [](const auto& a, const auto& b) { return a.name < b.name; });
      list.push_back(std::move(imported));
    }
    return list;
  }

 private:
  static Imported::Part& part_of(Imported& imported, const OfficialFile& file) {
    for (Imported::Part& part : imported.parts)
      if (part.name == file.part) return part;
    return imported.parts.emplace_back(Imported::Part{file.part, 0, file.official});
  }

  /// Puts one file where it belongs, unless it is part of an archive that stays whole, and tells what is in it.
  Counter place(const OfficialFile& file, const Content& content, const fs::path& source) const {
    Counter counter;
    const fs::path target = root_ / file.place;
    const bool stays = !whole_.empty() || is_at(source, target);
    if (!stays && !link_) {
      Arriving arriving(target);
      content([&](std::span<const std::byte> piece) { counter.add(piece), arriving.add(piece); });
      arriving.keep();
      return counter;
    }
    if (!stays) link_to(source, target);
    if (file.unit != Unit::file) content([&](std::span<const std::byte> piece) { counter.add(piece); });
    return counter;
  }

  const fs::path &from_, &root_;
  bool link_;
  std::map<std::string, Found> found_;
  std::string whole_;  // the name under which the archive stays one
  std::map<std::string, Imported> all_;
};

}  // namespace

std::optional<OfficialFile> recognise(std::string_view path) {
  const Parts parts = components(path);
  for (const auto family : {review, image_batch, expressions, papers, path_picture})
    if (auto file = family(parts)) return file;
  return {};
}

std::vector<Imported> import_data(const fs::path& from, const fs::path& root, bool link) {
  if (!fs::exists(from)) fail_data("there is no {}", from.string());
  return Import(from, root, link).run();
}

}  // namespace lra
