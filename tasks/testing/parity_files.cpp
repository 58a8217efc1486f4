/// The source of the task in parity.cpp: rows of bits and whether an odd number of them is set.
///
/// A table parity/{train,valid,test}.tsv has a label, 0 or 1, a tab and the bits in each row.
#include "datasets/input.h"
#include "datasets/missing.h"
#include "datasets/source.h"

namespace lra {
namespace {

constexpr const char* kFolder = "parity";
constexpr const char* kDownload = "parity";

struct Config {
  long length = 64;
  void fields(auto&& f) { f("length", length, "bits of a row that are read"); }
};

std::optional<OfficialFile> recognise(const PathNames& path) {
  const auto split = stem_of(path.last(0), "", ".tsv");
  if (path.last(1) != kFolder || !split || !is_one_of(*split, {"train", "valid", "test"})) return {};
  return OfficialFile{.layout = kFolder,
                      .place = fmt::format("{}/{}", kFolder, path.last(0)),
                      .part = *split,
                      .official = *split == "train" ? 4 : 2};
}

std::vector<std::filesystem::path> inputs(const Config&, const std::filesystem::path& root) {
  std::vector<std::filesystem::path> files;
  for (const char* split : {"train", "valid", "test"})
    files.push_back(find_input(root, {fmt::format("{}/{}.tsv", kFolder, split)}, fetch_remedy(kDownload, root)));
  return files;
}

void read_row(const Config& config, const std::string& where, std::string_view line, Examples& out) {
  const auto columns = split_tabs(line);
  if (columns.size() != 2 || !is_one_of(columns[0], {"0", "1"}) || columns[1].empty() ||
      columns[1].find_first_not_of("01") != std::string_view::npos)
    fail_data("{}: a row has a label, 0 or 1, a tab and bits, not '{}'", where, line);
  std::vector<std::uint16_t> bits;
  for (const char bit : columns[1].substr(0, std::size_t(config.length))) bits.push_back(bit == '1');
  out.add(bits, columns[0] == "1");
}

Corpus make(const Config& config, const std::filesystem::path& root) {
  Corpus corpus;
  const auto files = inputs(config, root);
  for (std::size_t split = 0; split < files.size(); ++split)
    read_lines(files[split], [&](long number, std::string_view line) {
      read_row(config, fmt::format("{} line {}", files[split].string(), number), line, corpus.splits[split]);
    });
  return corpus;
}

long inspect(const std::string&, const std::string& name, const Content& content) {
  Examples rows;
  lines_of(content, [&](long number, std::string_view line) {
    read_row(Config{}, fmt::format("{} line {}", name, number), line, rows);
  });
  return rows.size();
}

const RegisterSource<Config> registered{
    "parity_files",
    {"rows of bits and their parity",
     "for tests, no licence needed",
     "none: made for the tests of this project",
     1,
     {"even", "odd"}},
    inputs,
    make,
    {.files = kFolder,
     .recognise = recognise,
     .inspect = inspect,
     .downloads = {{.name = kDownload, .url = "https://parity.invalid/parity.tar.gz", .file = "parity.tar.gz"}}}};

}  // namespace
}  // namespace lra
