/// Film reviews of the Large Movie Review Dataset, byte by byte.
///
///   Maas et al. "Learning Word Vectors for Sentiment Analysis." ACL 2011.
///
/// The order within a split is that of TensorFlow Datasets: by the MD5 of the split's name followed by the review's
/// path in the archive. Long Range Arena validates on the test split; the alternative holds back the last tenth of
/// train.
#include <algorithm>
#include <map>

#include "core/digest.h"
#include "core/file.h"
#include "datasets/bytes.h"
#include "datasets/input.h"
#include "datasets/missing.h"
#include "datasets/overlap.h"
#include "datasets/remembered.h"
#include "datasets/source.h"

namespace lra {
namespace {

constexpr const char* kFolder = "aclImdb";
constexpr const char* kArchive = "aclImdb_v1.tar.gz";
constexpr std::uintmax_t kArchiveBytes = 84125825;
const std::vector<std::string> kParts = {"train/neg/", "train/pos/", "test/neg/", "test/pos/"};

struct Config {
  long length = 4000;
  std::string valid = "tenth";
  long per_part = 12500;

  void fields(auto&& f) {
    f("length", length, "bytes of a review that are read");
    f("valid", valid, "what to validate on: tenth (of train, held back) or test (as LRA does)");
    f("per_part", per_part, "reviews of either sentiment in train, and as many in test; 0 for any number");
  }
};

/// Name below aclImdb ("train/pos/0_9.txt") → content.
using Reviews = std::map<std::string, std::string>;

/// Return the part of the data that a file belongs to if its name is that of a labelled review: digits, '_', ".txt".
/// Nothing for any other name, including one with "..".
const std::string* part_of(std::string_view name) {
  const auto part = std::find_if(kParts.begin(), kParts.end(), [&](const auto& p) { return name.starts_with(p); });
  if (part == kParts.end() || !name.ends_with(".txt")) return nullptr;
  name.remove_prefix(part->size());
  name.remove_suffix(4);
  return !name.empty() && name.find_first_not_of("0123456789_") == std::string_view::npos ? &*part : nullptr;
}

std::optional<OfficialFile> recognise(const PathNames& path) {
  const std::string name = fmt::format("{}/{}/{}", path.last(2), path.last(1), path.last(0));
  if (!part_of(name)) return {};
  return OfficialFile{.layout = "imdb",
                      .place = fmt::format("{}/{}", kFolder, name),
                      .part = fmt::format("{}/{}", path.last(2), path.last(1)),
                      .official = Config{}.per_part,
                      .archive = kArchive};
}

/// Return a path in the archive without its outermost folder.
std::string_view below_folder(std::string_view path) {
  for (const std::string_view prefix : {"./", "aclImdb/"})
    if (path.starts_with(prefix)) path.remove_prefix(prefix.size());
  return path;
}

/// Return at most so many reviews of one part of an unpacked folder, in no particular order.
std::vector<std::filesystem::path> reviews_in(const std::filesystem::path& folder, const std::string& part,
                                              std::size_t most) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder / part)) {
    if (part_of(part + entry.path().filename().string())) files.push_back(entry.path());
    if (files.size() == most) break;
  }
  if (files.empty()) fail_data("{} holds no reviews; unpack the archive again", (folder / part).string());
  return files;
}

/// Return the archive; or one review of each part of an unpacked folder, because listing all fifty thousand takes long;
/// or all reviews, where their number is not known otherwise.
std::vector<std::filesystem::path> inputs(const Config& config, const std::filesystem::path& root) {
  const auto found = find_input(root, {kFolder, kArchive}, fetch_remedy("imdb", root));
  if (!std::filesystem::is_directory(found)) return {found};
  std::vector<std::filesystem::path> files;
  for (const std::string& part : kParts) {
    find_input(found, {part}, "unpack the archive again");
    const auto reviews = reviews_in(found, part, config.per_part == 0 ? std::string::npos : 1);
    files.insert(files.end(), reviews.begin(), reviews.end());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void keep(Reviews& reviews, std::string_view name, std::string content, const Config& config,
          const std::filesystem::path& origin) {
  content.resize(std::min(content.size(), std::size_t(config.length)));
  if (!reviews.emplace(name, std::move(content)).second)
    fail_data("{} holds {} twice; get it again", origin.string(), name);
}

Reviews read_archived(const Config& config, const std::filesystem::path& archive) {
  Reviews reviews;
  read_archive(
      archive, [](const std::string& path) { return part_of(below_folder(path)) != nullptr; },
      [&](const std::string& path, std::string content) {
        keep(reviews, below_folder(path), std::move(content), config, archive);
      });
  return reviews;
}

Reviews read_folder(const Config& config, const std::filesystem::path& folder) {
  Reviews reviews;
  for (const std::string& part : kParts)
    for (const auto& file : reviews_in(folder, part, std::string::npos))
      keep(reviews, part + file.filename().string(), read_file(file), config, folder);
  return reviews;
}

/// Return how many of `train` training reviews are not held back.
long kept_of(const Config& config, long train) { return config.valid == "test" ? train : (train * 9 + 5) / 10; }

/// The number of reviews by part.
using Counts = std::map<std::string, long>;

Counts counts_of(const Reviews& reviews) {
  Counts counts;
  for (const auto& [name, content] : reviews) ++counts[*part_of(name)];
  return counts;
}

Counts counts_in(const std::filesystem::path& folder) {
  Counts counts;
  for (const std::string& part : kParts) counts[part] = long(reviews_in(folder, part, std::string::npos).size());
  return counts;
}

/// The result is cached, because counting an archive takes a second and every plan needs it.
Counts counts_in_archive(const Config& config, const std::filesystem::path& archive) {
  static Remembered<Counts> known;
  return known.of(archive, "reviews", [&] { return counts_of(read_archived(config, archive)); });
}

void check_counts(const Config& config, Counts counts, const std::filesystem::path& origin) {
  for (const std::string& part : kParts)
    if (counts[part] == 0 || (config.per_part > 0 && counts[part] != config.per_part))
      fail_data("{} has {} reviews in {} instead of {}; get it again", origin.string(), counts[part], part,
                config.per_part > 0 ? std::to_string(config.per_part) : "1 or more");
  const long train = counts["train/neg/"] + counts["train/pos/"];
  if (config.valid == "tenth" && train == kept_of(config, train))
    fail_data("{} has {} reviews in train, too few to hold back a tenth of them; get more", origin.string(), train);
}

/// Return the names of a split's reviews in the order in which TensorFlow Datasets stores them.
std::vector<std::string> stored_order(const Reviews& reviews, const std::string& split) {
  std::vector<std::pair<std::string, std::string>> keyed;
  for (const auto& [name, content] : reviews)
    if (name.starts_with(split + "/")) keyed.emplace_back(md5(fmt::format("{}{}/{}", split, kFolder, name)), name);
  std::sort(keyed.begin(), keyed.end());
  std::vector<std::string> names;
  names.reserve(keyed.size());
  for (auto& [digest, name] : keyed) names.push_back(std::move(name));
  return names;
}

void add(const Config& config, const Reviews& reviews, std::span<const std::string> names, Examples& to) {
  for (const std::string& name : names)
    to.add(byte_tokens(reviews.at(name), config.length), part_of(name)->ends_with("pos/"));
}

void check(const Config& config, const std::filesystem::path& root) {
  const auto files = inputs(config, root);
  const auto origin = files.size() == 1 ? files.front() : root / kFolder;
  check_counts(config, files.size() == 1 ? counts_in_archive(config, origin) : counts_in(origin), origin);
}

Corpus make(const Config& config, const std::filesystem::path& root) {
  if (config.length < 1) fail_usage("imdb: length must be 1 or more, not {}", config.length);
  if (config.valid != "tenth" && config.valid != "test")
    fail_usage("imdb: valid must be tenth or test, not '{}'", config.valid);
  const auto files = inputs(config, root);
  const auto origin = files.size() == 1 ? files.front() : root / kFolder;
  const Reviews reviews = files.size() == 1 ? read_archived(config, origin) : read_folder(config, origin);
  check_counts(config, counts_of(reviews), origin);

  const auto train = stored_order(reviews, "train"), test = stored_order(reviews, "test");
  const std::size_t kept = std::size_t(kept_of(config, long(train.size())));
  Corpus corpus;
  add(config, reviews, std::span(train).first(kept), corpus[Split::train]);
  add(config, reviews, config.valid == "test" ? std::span(test) : std::span(train).subspan(kept), corpus[Split::valid]);
  add(config, reviews, test, corpus[Split::test]);
  corpus.findings.cautions = overlaps(corpus, "review");
  return corpus;
}

/// Return nothing where a part is empty or too large. The official archive is recognised by its size.
std::optional<Portion> portion(const Config& config, const std::filesystem::path& root) {
  const auto origin = find_input(root, {kFolder, kArchive}, fetch_remedy("imdb", root));
  const bool unpacked = std::filesystem::is_directory(origin);
  if (!unpacked && std::filesystem::file_size(origin) == kArchiveBytes) return {};
  Counts counts = unpacked ? counts_in(origin) : counts_in_archive(config, origin);
  long found = 0, official = 0;
  for (const std::string& part : kParts) {
    const long reviews = counts[part];
    if (reviews == 0 || reviews > config.per_part) return {};
    found += reviews;
    official += config.per_part;
  }
  if (found == official) return {};
  Config part = config;
  part.per_part = 0;
  return Portion{to_json(part), found,
                 fmt::format("{} holds {} reviews instead of {}", origin.string(), found, official)};
}

const RegisterSource<Config> registered{
    "imdb",
    {"50,000 film reviews as bytes, half of them to test, cut to a length",
     "not stated by its authors; used in research",
     "Maas et al. Learning Word Vectors for Sentiment Analysis. ACL 2011",
     1,
     {"neg", "pos"}},
    inputs,
    make,
    {.files = kFolder,
     .recognise = recognise,
     .separable = true,
     .downloads = {{.name = "imdb",
                    .url = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
                    .file = kArchive,
                    .size = kArchiveBytes,
                    .sha256 = "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
                    .md5 = "7c2ac02c03563afcf9b574c7e56c153a"}}},
    check,
    portion};

}  // namespace
}  // namespace lra
