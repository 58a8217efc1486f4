/// Pairs of papers and whether one cites the other, from the files of Long Range Arena's release.
///
///   Radev et al. "The ACL Anthology Network Corpus." Language Resources and Evaluation 47, 2013.
///   Tay et al. "Long Range Arena: A Benchmark for Efficient Transformers." ICLR 2021.
///
/// A row is a label (0 or 1, written as a number), the names of two papers and, in the full form, their texts. Columns
/// are separated by tabs, quotation marks have no meaning, and there is no header row. Where rows have names only, a
/// folder papers_text beside them has NAME.txt; its tabs and line ends become blanks, as in the full form.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "core/file.h"
#include "datasets/bytes.h"
#include "datasets/input.h"
#include "datasets/lra_release.h"
#include "datasets/missing.h"
#include "datasets/overlap.h"
#include "datasets/remembered.h"
#include "datasets/source.h"

namespace lra {
namespace {

struct Config {
  long length = 4000;
  std::string release = "lra";

  void fields(auto&& f) {
    f("length", length, "bytes of a paper that are read");
    f("release", release, "lra: the pairs released with LRA; mini: a small set of other pairs, aan_mini");
  }
};

using Tokens = std::vector<std::uint16_t>;
const std::vector<std::string> kSplits = {"train", "eval", "test"};
/// The places of the two forms, with and without the release's folders.
const std::vector<std::string> kFullFolders = {"tsv_data/", "lra_release/tsv_data/",
                                               "lra_release/lra_release/tsv_data/", ""};
const std::vector<std::string> kNameFolders = {"aan/", "lra_release/aan/", "lra_release/lra_release/aan/", ""};
constexpr const char* kMini = "aan_mini";
constexpr const char* kMiniArchive = "aan_mini.tar.gz";
constexpr const char* kTexts = "papers_text";

std::string file_name(const std::string& split, bool only_names) {
  return fmt::format("new_aan_pairs.{}.{}tsv", split, only_names ? "only_ids." : "");
}

/// Return the official number of pairs in train, eval or test.
long official_pairs(const std::string& split, bool mini) {
  if (mini) return split == "train" ? 16710 : 2000;
  return split == "train" ? 147086 : split == "eval" ? 18090 : 17437;
}

std::optional<OfficialFile> recognise(const PathNames& path) {
  const bool mini = std::count(path.all().begin(), path.all().end(), kMini) > 0;
  const std::string folder = mini ? kMini : "aan";
  OfficialFile file{.layout = folder,
                    .place = "",
                    .part = kTexts,
                    .archive = mini ? kMiniArchive : "",
                    .settings = {{"release", mini ? "mini" : "lra"}}};
  if (path.last(1) == kTexts && path.last(0).ends_with(".txt")) {
    file.place = fmt::format("{}/{}/{}", folder, kTexts, path.last(0));
    file.official = mini ? 1569 : 0;
    return file;
  }
  for (const std::string& split : kSplits)
    for (const bool only_names : {false, true}) {
      if (path.last(0) != file_name(split, only_names)) continue;
      file.layout = only_names ? folder : "aan_texts";
      file.place = fmt::format("{}/{}", only_names ? folder : "tsv_data", path.last(0));
      file.part = split;
      file.official = official_pairs(split, mini);
      return file;
    }
  return {};
}

std::vector<std::filesystem::path> find_tables(const std::filesystem::path& root, bool only_names,
                                               const std::vector<std::string>& folders, const std::string& remedy) {
  std::vector<std::filesystem::path> files;
  for (const std::string& split : kSplits) {
    std::vector<std::string> places;
    places.reserve(folders.size());
    for (const std::string& folder : folders) places.push_back(folder + file_name(split, only_names));
    files.push_back(find_input(root, places, remedy));
  }
  return files;
}

/// Return the three tables, or the archive that contains them.
std::vector<std::filesystem::path> inputs(const Config& config, const std::filesystem::path& root) {
  if (config.release == "mini") {
    const auto found = find_input(root, {kMini, kMiniArchive}, "without it use the preset 'quick', which makes pairs");
    if (!std::filesystem::is_directory(found)) return {found};
    return find_tables(found, true, {""}, "unpack the archive again");
  }
  if (config.release != "lra") fail_usage("aan: release must be lra or mini, not '{}'", config.release);
  const std::string remedy = fetch_remedy(lra_release::kName, root);
  for (const bool only_names : {false, true})
    for (const std::string& folder : only_names ? kNameFolders : kFullFolders)
      if (!root.empty() && std::filesystem::exists(root / folder / file_name("train", only_names)))
        return find_tables(root, only_names, {folder}, remedy);
  return find_tables(root, false, kFullFolders, remedy);
}

/// Whether a paper's name is a plain file name, without a path.
bool is_plain(std::string_view name) {
  return !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(std::uint8_t(c)) || c == '-' || c == '_' || c == '.';
  });
}

void check_name(std::string_view name, const std::string& where) {
  if (!is_plain(name)) fail_data("{}: '{}' cannot be the name of a paper", where, name);
}

/// Texts by name; each is read once.
class Papers {
 public:
  Papers(long length, std::filesystem::path folder) : length_(length), folder_(std::move(folder)) {}

  void keep(const std::string& name, std::string text) {
    text.resize(std::min(text.size(), std::size_t(length_)));
    for (char& c : text)
      if (c == '\t' || c == '\n' || c == '\r') c = ' ';
    tokens_[name] = byte_tokens(text, length_);
  }

  /// Return a text. Throws a data error that begins with `where` when there is no such text.
  const Tokens& at(std::string_view name, const std::string& where) {
    const std::string key(name);
    check_there(name, where);
    if (!tokens_.count(key)) keep(key, read_file(file_of(key)));
    return tokens_.at(key);
  }
  /// Throws as `at` does, without reading the text.
  void check_there(std::string_view name, const std::string& where) {
    const std::string key(name);
    check_name(name, where);
    if (tokens_.count(key) || there_.count(key)) return;
    if (folder_.empty() || !is_file(file_of(key)))
      fail_data("{}: the text of paper {} is not in {}; get the papers again", where, name, kTexts);
    there_.insert(key);
  }

 private:
  std::filesystem::path file_of(const std::string& key) const { return folder_ / (key + ".txt"); }

  long length_;
  std::filesystem::path folder_;
  std::map<std::string, Tokens> tokens_;
  std::set<std::string> there_;
};

int label_of(std::string_view text, const std::string& where) {
  double value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || (value != 0 && value != 1))
    fail_data("{}: the label must be 0 or 1, not '{}'", where, text);
  return int(value);
}

std::vector<std::string_view> columns_of(std::string_view line, bool only_names, const std::string& where) {
  auto columns = split_tabs(line);
  if (columns.size() != (only_names ? 3 : 5))
    fail_data("{}: a row has a label, two names{} between tabs, but this has {} columns", where,
              only_names ? "" : " and two texts", columns.size());
  return columns;
}

void read_full_row(const Config& config, const std::string& where, std::string_view line, Examples& out) {
  const auto columns = columns_of(line, false, where);
  out.add(byte_tokens(columns[3], config.length), byte_tokens(columns[4], config.length), label_of(columns[0], where));
}

void read_row_of_names(Papers& papers, const std::string& where, std::string_view line, Examples& out) {
  const auto columns = columns_of(line, true, where);
  out.add(papers.at(columns[1], where), papers.at(columns[2], where), label_of(columns[0], where));
}

/// The mini release as one archive, whose tables may come before its texts.
Corpus read_packed(const Config& config, const std::filesystem::path& archive) {
  const std::string folder = fmt::format("{}/", kMini), texts = fmt::format("{}{}/", folder, kTexts);
  std::map<std::string, std::string> tables;
  Papers papers(config.length, {});
  read_archive(
      archive,
      [&](const std::string& path) {
        return path.starts_with(folder) && (path.ends_with(".tsv") || path.ends_with(".txt"));
      },
      [&](const std::string& path, std::string content) {
        if (path.ends_with(".tsv"))
          tables[path] = std::move(content);
        else if (path.starts_with(texts))
          papers.keep(path.substr(texts.size(), path.size() - texts.size() - 4), std::move(content));
      });
  Corpus corpus;
  for (std::size_t s = 0; s < kSplits.size(); ++s) {
    const std::string name = folder + file_name(kSplits[s], true);
    for_each_line(tables[name], [&](long number, std::string_view line) {
      const std::string where = fmt::format("{}: {} line {}", archive.string(), name, number);
      read_row_of_names(papers, where, line, corpus.splits[s]);
    });
    if (corpus.splits[s].size() == 0)
      fail_data("{}: {} is missing or empty; get the archive again", archive.string(), name);
  }
  return corpus;
}

Corpus read_tables(const Config& config, const std::vector<std::filesystem::path>& files) {
  const bool only_names = files.front().filename() == file_name("train", true);
  Papers papers(config.length, files.front().parent_path() / kTexts);
  Corpus corpus;
  for (std::size_t s = 0; s < kSplits.size(); ++s) {
    read_lines(files[s], [&](long number, std::string_view line) {
      const std::string where = fmt::format("{} line {}", files[s].string(), number);
      if (only_names)
        read_row_of_names(papers, where, line, corpus.splits[s]);
      else
        read_full_row(config, where, line, corpus.splits[s]);
    });
    if (corpus.splits[s].size() == 0) fail_data("{} holds no pairs; get it again", files[s].string());
  }
  return corpus;
}

constexpr std::uintmax_t kLookedAt = std::uintmax_t{1} << 26;  // bytes of a table that holds texts

/// Checks all rows of tables without texts, and the first rows of tables with texts.
void check_tables(const std::vector<std::filesystem::path>& files) {
  const bool only_names = files.front().filename() == file_name("train", true);
  Papers papers(/*length=*/0, files.front().parent_path() / kTexts);
  for (const auto& file : files) {
    long pairs = 0;
    read_first_lines(file, only_names ? std::numeric_limits<std::uintmax_t>::max() : kLookedAt,
                     [&](long number, std::string_view line) {
                       const std::string where = fmt::format("{} line {}", file.string(), number);
                       const auto columns = columns_of(line, only_names, where);
                       for (const std::size_t paper : {1, 2})
                         if (only_names) papers.check_there(columns[paper], where);
                       label_of(columns[0], where);
                       ++pairs;
                     });
    if (pairs == 0 && std::filesystem::file_size(file) < kLookedAt)
      fail_data("{} holds no pairs; get it again", file.string());
  }
}

void check(const Config& config, const std::filesystem::path& root) {
  const auto files = inputs(config, root);
  if (files.size() == 1)
    (void)read_packed(config, files.front());
  else
    check_tables(files);
}

Corpus make(const Config& config, const std::filesystem::path& root) {
  if (config.length < 1) fail_usage("aan: length must be 1 or more, not {}", config.length);
  const auto files = inputs(config, root);
  Corpus corpus = files.size() == 1 ? read_packed(config, files.front()) : read_tables(config, files);
  corpus.paired = true;
  corpus.findings.cautions = overlaps(corpus, "pair");
  return corpus;
}

/// Estimates the number of rows of a table from the length of its first rows.
long expected_rows(const std::filesystem::path& file) {
  long rows = 0;
  std::uintmax_t bytes = 1;
  read_first_lines(file, kLookedAt, [&](long number, std::string_view line) {
    rows = number;
    bytes += line.size() + 1;
  });
  return long(double(rows) * double(std::filesystem::file_size(file)) / double(bytes));
}

/// Return the number of rows of a table, counted once per state of the file, because plans ask repeatedly. Tables with
/// texts are too large for every command to count: one of about the official length is assumed to be the official one.
long rows_of(const std::filesystem::path& file, long official) {
  static Remembered<long> known;
  return known.of(file, "rows", [&] {
    const bool is_long = std::filesystem::file_size(file) > kLookedAt;
    if (is_long && std::abs(double(expected_rows(file)) / double(official) - 1) < 0.1) return official;
    long rows = 0;
    lines_of([&](const Put& put) { read_pieces(file, put); },
             [&rows](long number, std::string_view) { rows = number; });
    return rows;
  });
}

/// Return the numbers of pairs in an archive. An archive that is too large for every command to read is assumed to be
/// the official one, which has gigabytes; the result is then empty.
std::vector<long> rows_packed(const Config& config, const std::filesystem::path& archive) {
  if (std::filesystem::file_size(archive) > kLookedAt) return {};
  static Remembered<std::vector<long>> known;
  return known.of(archive, "pairs", [&] {
    const Corpus corpus = read_packed(config, archive);
    std::vector<long> pairs;
    for (std::size_t s = 0; s < kSplits.size(); ++s) pairs.push_back(corpus[Split(s)].size());
    return pairs;
  });
}

/// Describes tables with fewer pairs than the release.
std::optional<Portion> portion(const Config& config, const std::filesystem::path& root) {
  const auto files = inputs(config, root);
  const bool is_packed = files.size() == 1;
  const std::vector<long> packed = is_packed ? rows_packed(config, files.front()) : std::vector<long>();
  if (is_packed && packed.empty()) return {};
  long found = 0, all = 0;
  for (std::size_t s = 0; s < kSplits.size(); ++s) {
    const long official = official_pairs(kSplits[s], config.release == "mini");
    const long pairs = is_packed ? packed[s] : rows_of(files[s], official);
    if (pairs > official) return {};
    found += pairs;
    all += official;
  }
  if (found == all) return {};
  const auto origin = files.size() == 1 ? files.front() : files.front().parent_path();
  return Portion{to_json(config), found, fmt::format("{} holds {} pairs instead of {}", origin.string(), found, all)};
}

/// Inspects a single table, or one paper.
long inspect(const std::string& place, const std::string& name, const Content& content) {
  const std::filesystem::path file(place);
  if (file.extension() == ".txt") {
    check_name(file.stem().native(), name);
    return 1;
  }
  const bool only_names = place.ends_with(".only_ids.tsv");
  long pairs = 0;
  lines_of(content, [&](long number, std::string_view line) {
    const std::string where = fmt::format("{} line {}", name, number);
    const auto columns = columns_of(line, only_names, where);
    label_of(columns[0], where);
    for (const std::size_t paper : {1, 2})
      if (only_names) check_name(columns[paper], where);
    ++pairs;
  });
  if (pairs == 0) fail_data("{} holds no pairs", name);
  return pairs;
}

const RegisterSource<Config> registered{
    "aan",
    {"pairs of papers as bytes, half of them linked by a citation, cut to a length",
     "not stated for LRA's pairs; the texts of the mini release are under CC BY 4.0",
     "Radev et al. The ACL Anthology Network Corpus. Language Resources and Evaluation 47, 2013",
     1,
     {"no citation", "citation"}},
    inputs,
    make,
    {.files = "new_aan_pairs", .recognise = recognise, .inspect = inspect, .downloads = {lra_release::download()}},
    check,
    portion};

}  // namespace
}  // namespace lra
