/// Pathfinder pictures as Long Range Arena released them: one PNG each, listed in text files.
///
///   Tay et al. "Long Range Arena: A Benchmark for Efficient Transformers." ICLR 2021.
///   Layout: <folder of the difficulty>/imgs/<batch>/sample_<i>.png and <folder>/metadata/<batch>.npy.
#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "core/digest.h"
#include "core/file.h"
#include "datasets/input.h"
#include "datasets/lra_release.h"
#include "datasets/missing.h"
#include "datasets/pathfinder.h"
#include "datasets/png.h"
#include "datasets/remembered.h"
#include "datasets/source.h"

namespace lra {
namespace {

struct Config {
  long size = 32;
  std::string difficulty = "hard";
  std::string release = "lra";
  long images = 200000;
  long empty = 1;

  void fields(auto&& f) {
    f("size", size, "height and width in pixels: 32, 64, 128 or 256 in LRA's release");
    f("difficulty", difficulty, "easy, intermediate or hard: contours of 6, 9 or 14 dashes");
    f("release", release, "lra, or upstream: pathfinderN_upstream, pictures that the original generator made anew");
    f("images", images, "pictures that must be listed, 0 for any number");
    f("empty", empty, "most picture files of no bytes that are left out (LRA's release has one, among the easy)");
  }
};

constexpr const char* kMetadata = "metadata";
constexpr const char* kPictures = "imgs";
constexpr std::size_t kLargestFile = std::size_t{1} << 24;  // a released picture has at most some ten thousand bytes

constexpr const char* kUpstream = "_upstream";  // ends the folders of pictures that the original generator made anew

/// LAYOUT/DIFFICULTY/imgs/BATCH/NAME.png or LAYOUT/DIFFICULTY/metadata/NAME.npy.
std::optional<OfficialFile> recognise(const PathNames& path) {
  const bool picture = path.last(2) == kPictures && is_number(path.last(1)) && path.last(0).ends_with(".png");
  const bool list = path.last(1) == kMetadata && path.last(0).ends_with(".npy");
  if (!picture && !list) return {};
  const std::string below = picture ? fmt::format("{}/{}", path.last(1), path.last(0)) : path.last(0);
  const std::string &folder = path.last(picture ? 3 : 2), &layout = path.last(picture ? 4 : 3);
  const bool upstream = layout.ends_with(kUpstream);
  const auto size = stem_of(layout, "pathfinder", upstream ? kUpstream : "");
  const auto& levels = pathfinder::difficulties();
  const auto level = std::find_if(levels.begin(), levels.end(), [&](const auto& l) { return l.folder == folder; });
  if (!size || !is_one_of(*size, {"32", "64", "128", "256"}) || level == levels.end()) return {};
  Json settings{{"size", std::stol(*size)}, {"release", upstream ? "upstream" : "lra"}, {"difficulty", level->name}};
  if (upstream) settings["images"] = 0;
  const std::string part = fmt::format("{}/{}", folder, picture ? kPictures : kMetadata);
  return OfficialFile{.layout = layout,
                      .place = fmt::format("{}/{}/{}", layout, part, below),
                      .part = part,
                      .official = upstream  ? 0
                                  : picture ? 200000
                                            : 200,
                      .archive = upstream ? layout + ".tar.gz" : "",
                      .settings = settings};
}

/// Return the lists of a difficulty's folder whose pictures exist; all lists when none has pictures, so that the error
/// names the first missing one.
std::vector<std::filesystem::path> lists_in(const std::filesystem::path& folder) {
  const auto metadata = folder / kMetadata;
  std::vector<std::filesystem::path> all, complete;
  std::string other;
  if (std::filesystem::is_directory(metadata))
    for (const auto& file : files_in(metadata)) {
      if (file.extension() == ".npy") all.push_back(file);
      if (file.extension() != ".npy" && other.empty()) other = file.filename().string();
    }
  if (all.empty())
    fail_data("{} holds no metadata/<batch>.npy{}; 'lra data import' the pictures again", folder.string(),
              other.empty() ? "" : fmt::format(", the only name that lists are read under, but {}", other));
  for (const auto& list : all)
    if (std::filesystem::is_directory(folder / kPictures / list.stem())) complete.push_back(list);
  return complete.empty() ? all : complete;
}

std::vector<std::filesystem::path> inputs(const Config& config, const std::filesystem::path& root) {
  if (config.release != "lra" && config.release != "upstream")
    fail_usage("pathfinder: the release is lra or upstream, not '{}'", config.release);
  const std::string folder = pathfinder::difficulty(config.difficulty).folder;
  const std::string name = fmt::format("pathfinder{}{}", config.size, config.release == "lra" ? "" : kUpstream);
  std::vector<std::string> places;
  // The release holds each folder twice, and the inner copy is the one that results are known for.
  for (const char* outer : {"lra_release/lra_release/", "lra_release/", ""})
    places.push_back(fmt::format("{}{}/{}", outer, name, folder));
  places.push_back(name + ".tar.gz");
  const auto found =
      find_input(root, places,
                 config.release == "lra" ? fetch_remedy(lra_release::kName, root)
                                         : "the original generator, github.com/drewlinsley/pathfinder, makes them");
  return std::filesystem::is_directory(found) ? lists_in(found) : std::vector{found};
}

/// Files of one difficulty by their path below its folder: read from disk on request, or all read from an archive,
/// without the pictures when `with_pictures` is false.
class Files {
 public:
  Files(const std::vector<std::filesystem::path>& found, const std::string& folder, bool with_pictures = true) {
    if (std::filesystem::path(found.front()).extension() == ".npy") {
      place_ = found.front().parent_path().parent_path();
      for (const auto& file : found) lists_.push_back(std::string(kMetadata) + "/" + file.filename().string());
      return;
    }
    place_ = found.front();
    archived_ = true;
    std::vector<std::string> all;
    const std::string inside = folder + "/";
    read_archive(
        place_, [&](const std::string& name) { return name.find(inside) != std::string::npos; },
        [&](const std::string& name, std::string content) {
          const std::string path = name.substr(name.find(inside) + inside.size());
          const bool list = path.starts_with(std::string(kMetadata) + "/") && path.ends_with(".npy");
          if (list) all.push_back(path);
          content_[path] = list || with_pictures ? std::move(content) : std::string();
        },
        kLargestFile);
    if (all.empty()) fail_data("{} holds no {}metadata/<batch>.npy; get it again", place_.string(), inside);
    std::sort(all.begin(), all.end());
    // As in a folder, the list of a batch without pictures is skipped.
    std::copy_if(all.begin(), all.end(), std::back_inserter(lists_), [this](const std::string& list) {
      const std::string batch = fmt::format("{}/{}/", kPictures, std::filesystem::path(list).stem().string());
      const auto first = content_.lower_bound(batch);
      return first != content_.end() && first->first.starts_with(batch);
    });
    if (lists_.empty()) lists_ = all;
  }

  const std::vector<std::string>& lists() const { return lists_; }
  /// Return the name of a file in errors.
  std::string name_of(const std::string& path) const {
    return archived_ ? fmt::format("{}: {}", place_.string(), path) : (place_ / path).string();
  }
  /// Return the name of the folder or archive in errors.
  std::string origin() const { return (archived_ ? place_ : place_ / kMetadata).string(); }
  /// Throws a data error that names `where` when the file is missing.
  std::string read(const std::string& path, const std::string& where) const {
    check_there(path, where);
    return archived_ ? content_.at(path) : read_file(place_ / path);
  }
  /// Return the file's bytes. Throws as `read` does.
  std::uintmax_t size(const std::string& path, const std::string& where) const {
    check_there(path, where);
    return archived_ ? content_.at(path).size() : std::filesystem::file_size(place_ / path);
  }

 private:
  void check_there(const std::string& path, const std::string& where) const {
    if (archived_ ? content_.count(path) > 0 : is_file(place_ / path)) return;
    fail_data("{}: there is no {}; {} again", where, name_of(path),
              archived_ ? "get the archive" : "unpack the pictures");
  }

  std::filesystem::path place_;
  bool archived_ = false;
  std::vector<std::string> lists_;
  std::map<std::string, std::string> content_;
};

/// A picture's entry in its list.
struct Row {
  std::string path, where, order;
  int label = 0;
};

std::vector<std::string_view> split_spaces(std::string_view line) {
  std::vector<std::string_view> parts;
  while (!line.empty()) {
    const std::size_t space = line.find(' ');
    if (space != 0) parts.push_back(line.substr(0, space));
    line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  }
  return parts;
}

/// "imgs/3 sample_17.png 17 1 …". TensorFlow Datasets sorts by the MD5 of the split's name and
/// "imgs/3_sample_17.png_18".
Row read_row(std::string_view line, long number, std::string where, const std::string& split) {
  const auto columns = split_spaces(line);
  if (columns.size() < 4)
    fail_data("{}: a line has a folder, a file, a number and a label, but this has {} columns", where, columns.size());
  const std::string folder(columns[0]), file(columns[1]);
  const std::filesystem::path path = std::filesystem::path(folder) / file;
  if (path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end())
    fail_data("{}: the picture {} would lie outside the data folder", where, path.string());
  if (columns[3] != "0" && columns[3] != "1") fail_data("{}: the label must be 0 or 1, not '{}'", where, columns[3]);
  return {path.generic_string(), std::move(where), md5(fmt::format("{}{}_{}_{}", split, folder, file, number)),
          columns[3] == "1"};
}

/// Append the rows of a list, which errors call `name`.
void read_list(const std::string& text, const std::string& name, const std::string& split, std::vector<Row>& rows) {
  if (text.starts_with("\x93NUMPY"))
    fail_data("{} is a binary NumPy array, but LRA's release has text there; write its rows as lines of text", name);
  check_text(name, text);
  for_each_line(text, [&](long number, std::string_view line) {
    rows.push_back(read_row(line, number, fmt::format("{} line {}", name, number), split));
  });
}

std::vector<Row> read_rows(const Files& files, const std::string& split) {
  std::vector<Row> rows;
  for (const std::string& list : files.lists()) {
    const std::string name = files.name_of(list);
    read_list(files.read(list, name), name, split, rows);
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.order < b.order; });
  return rows;
}

GrayPicture read_picture(const std::string& file, const std::string& name, long size) {
  GrayPicture picture = decode_png(file, name);
  if (picture.height != size || picture.width != size)
    fail_data("{} has {} by {} pixels instead of {} by {}", name, picture.height, picture.width, size, size);
  return picture;
}

/// The pictures that the lists name, in their order, and the rule for empty files.
class Listed {
 public:
  Listed(const Config& config, const std::filesystem::path& root)
      : config_(config),
        files_(inputs(config, root), pathfinder::difficulty(config.difficulty).folder),
        rows_(read_rows(files_, config.difficulty)) {
    if (config.images > 0 && rows_.size() != std::size_t(config.images))
      fail_data("{} lists {} pictures instead of {}; get the release again", files_.origin(), rows_.size(),
                config.images);
  }

  /// Throws when a split would be empty.
  void check_splits() const {
    if (end(Split::train) == 0 || end(Split::valid) == end(Split::train) || end(Split::test) == end(Split::valid))
      fail_data("{} lists {} pictures, too few for three splits; get more", files_.origin(), rows_.size());
  }

  /// Return the end of a split among the rows.
  std::size_t end(Split split) const {
    constexpr std::size_t kTenths[] = {8, 9, 10};
    return (rows_.size() * kTenths[std::size_t(split)] + 5) / 10;
  }
  const Row& row(std::size_t i) const { return rows_[i]; }
  std::size_t size() const { return rows_.size(); }
  /// Whether a picture has bytes. Throws when it is missing, or when too many are empty. Call it once per picture.
  bool has_bytes(std::size_t i) {
    if (files_.size(rows_[i].path, rows_[i].where) > 0) return true;
    if (++empty_ > config_.empty)
      fail_data("{}: {} has no bytes, and with it {} pictures; get them again", rows_[i].where,
                files_.name_of(rows_[i].path), empty_);
    return false;
  }
  GrayPicture read(std::size_t i) const {
    return read_picture(files_.read(rows_[i].path, rows_[i].where), files_.name_of(rows_[i].path), config_.size);
  }

 private:
  const Config& config_;
  Files files_;
  std::vector<Row> rows_;
  long empty_ = 0;
};

Corpus make(const Config& config, const std::filesystem::path& root) {
  Listed pictures(config, root);
  Corpus corpus;
  std::size_t i = 0;
  for (const Split split : {Split::train, Split::valid, Split::test})
    for (; i < pictures.end(split); ++i) {
      if (!pictures.has_bytes(i)) continue;
      const GrayPicture picture = pictures.read(i);
      corpus[split].add(std::vector<std::uint16_t>(picture.pixels.begin(), picture.pixels.end()),
                        pictures.row(i).label);
    }
  pictures.check_splits();
  return corpus;
}

/// Check that all pictures exist and that up to a thousand of them can be read.
void check(const Config& config, const std::filesystem::path& root) {
  constexpr std::size_t kLookedAt = 1000;
  Listed pictures(config, root);
  const std::size_t step = pictures.size() / kLookedAt + 1;
  for (std::size_t i = 0; i < pictures.size(); ++i)
    if (pictures.has_bytes(i) && i % step == 0) pictures.read(i);
  pictures.check_splits();
}

long count_listed(const Config& config, const std::vector<std::filesystem::path>& found) {
  const Files files(found, pathfinder::difficulty(config.difficulty).folder, /*with_pictures=*/false);
  long count = 0;
  for (const std::string& list : files.lists())
    for_each_line(files.read(list, list), [&count](long, std::string_view) { ++count; });
  return count;
}

std::optional<Portion> portion(const Config& config, const std::filesystem::path& root) {
  if (config.images == 0) return {};
  const auto found = inputs(config, root);
  static Remembered<long> archives;
  const bool unpacked = found.front().extension() == ".npy";
  const auto count = [&] { return count_listed(config, found); };
  Config part = config;
  part.images = unpacked ? count() : archives.of(found.front(), config.difficulty, count);
  if (part.images == 0 || part.images >= config.images) return {};
  return Portion{
      to_json(part), part.images,
      fmt::format("{} lists {} pictures instead of {}",
                  (unpacked ? found.front().parent_path() : found.front()).string(), part.images, config.images)};
}

/// Inspect a list, or a picture, whose size is in the name of the outermost folder.
long inspect(const std::string& place, const std::string& name, const Content& content) {
  const std::string file = collect(name, content, kLargestFile);
  if (place.ends_with(".npy")) {
    std::vector<Row> rows;
    read_list(file, name, "", rows);
    if (rows.empty()) fail_data("{} lists no pictures", name);
    return 1;
  }
  const std::string folder = std::filesystem::path(place).begin()->string();
  long size = 0;
  const std::size_t digits = folder.find_first_of("0123456789");
  std::from_chars(folder.data() + std::min(digits, folder.size()), folder.data() + folder.size(), size);
  if (file.empty() && place.find(pathfinder::difficulty("easy").folder) != std::string::npos) return 1;
  if (file.empty()) fail_data("{} has no bytes; get it again", name);
  read_picture(file, name, size);
  return 1;
}

const RegisterSource<Config> registered{
    "pathfinder",
    {"Pathfinder as released with LRA, 160,000 / 20,000 / 20,000 pictures as TensorFlow Datasets splits them",
     "Apache 2.0, as the release they belong to",
     "Tay et al. Long Range Arena: A Benchmark for Efficient Transformers. ICLR 2021; Linsley et al. Learning "
     "Long-Range Spatial Dependencies with Horizontal Gated Recurrent Units. NeurIPS 2018",
     1,
     {"not joined", "joined"}},
    inputs,
    make,
    {.files = "pathfinder32 to pathfinder256",
     .recognise = recognise,
     .inspect = inspect,
     .separable = true,
     .downloads = {lra_release::download()}},
    check,
    portion};

}  // namespace
}  // namespace lra
