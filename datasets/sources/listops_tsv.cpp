/// ListOps from the files of Long Range Arena's release, basic_{train,val,test}.tsv.
///
///   Tay et al. "Long Range Arena: A Benchmark for Efficient Transformers." ICLR 2021.
#include "core/file.h"
#include "datasets/input.h"
#include "datasets/listops.h"
#include "datasets/lra_release.h"
#include "datasets/missing.h"
#include "datasets/overlap.h"
#include "datasets/remembered.h"
#include "datasets/source.h"

namespace lra {
namespace {

struct Config {
  long max_length = 2000;
  void fields(auto&& f) { f("max_length", max_length, "most tokens of an expression"); }
};

constexpr const char* kFolder = "listops-1000";
constexpr std::array<long, 3> kOfficial{96000, 2000, 2000};  // rows of train, val and test

std::optional<OfficialFile> recognise(const PathNames& path) {
  const auto split = stem_of(path.last(0), "basic_", ".tsv");
  if (!split || !is_one_of(*split, {"train", "val", "test"})) return {};
  return OfficialFile{.layout = "listops",
                      .place = fmt::format("{}/{}", kFolder, path.last(0)),
                      .part = *split,
                      .official = kOfficial[*split == "train" ? 0 : 1]};
}

std::filesystem::path find(const std::filesystem::path& root, const std::string& file) {
  return find_input(root,
                    {"listops-1000/" + file, "lra_release/listops-1000/" + file,
                     "lra_release/lra_release/listops-1000/" + file, file},
                    fetch_remedy(lra_release::kName, root));
}

std::vector<std::filesystem::path> inputs(const Config&, const std::filesystem::path& root) {
  return {find(root, "basic_train.tsv"), find(root, "basic_val.tsv"), find(root, "basic_test.tsv")};
}

void read_row(const Config& config, const std::string& where, std::string_view line, Examples& out) {
  const auto columns = split_tabs(line);
  if (columns.size() != 2)
    fail_data("{}: a row has an expression, a tab and a digit, but this has {} of these columns", where,
              columns.size());
  const std::string_view target = columns[1];
  if (target.size() != 1 || target[0] < '0' || target[0] > '9')
    fail_data("{}: the target must be a digit, not '{}'", where, target);
  const auto tokens = listops::tokenise(columns[0]);
  const auto value = listops::evaluate(tokens);
  if (!value) fail_data("{}: this is not a complete ListOps expression", where);
  if (*value != target[0] - '0')
    fail_data("{}: the target is {} but the expression's value is {}", where, target, *value);
  if (long(tokens.size()) > config.max_length)
    fail_data("{}: the expression has {} tokens, more than {}", where, tokens.size(), config.max_length);
  out.add(tokens, *value);
}

void read_table(const Config& config, const std::string& name, std::string_view text, Examples& out) {
  check_text(name, text);
  for_each_line(text, [&](long number, std::string_view line) {
    const std::string where = fmt::format("{} line {}", name, number);
    if (number > 1) return read_row(config, where, line, out);
    if (line != "Source\tTarget") fail_data("{}: the first line must be 'Source', a tab and 'Target'", where);
  });
  if (out.size() == 0) fail_data("{} holds no examples", name);
}

/// Count the rows once for each state of the file, because every plan needs them.
long rows_of(const std::filesystem::path& file) {
  static Remembered<long> known;
  return known.of(file, "rows", [&] {
    long rows = 0;
    lines_of([&](const Put& put) { read_pieces(file, put); },
             [&rows](long number, std::string_view) { rows = number - 1; });
    return rows;
  });
}

/// Return the subset, for files with fewer rows than were released.
std::optional<Portion> portion(const Config& config, const std::filesystem::path& root) {
  const auto files = inputs(config, root);
  long found = 0, official = 0;
  for (std::size_t split = 0; split < files.size(); ++split) {
    const long rows = rows_of(files[split]);
    if (rows > kOfficial[split]) return {};
    found += rows;
    official += kOfficial[split];
  }
  if (found == official) return {};
  return Portion{
      to_json(config), found,
      fmt::format("{} holds {} expressions instead of {}", files.front().parent_path().string(), found, official)};
}

Corpus read_tables(const Config& config, const std::filesystem::path& root) {
  Corpus corpus;
  const auto files = inputs(config, root);
  for (std::size_t split = 0; split < files.size(); ++split)
    read_table(config, files[split].string(), read_file(files[split]), corpus.splits[split]);
  return corpus;
}

void check(const Config& config, const std::filesystem::path& root) { (void)read_tables(config, root); }

Corpus make(const Config& config, const std::filesystem::path& root) {
  Corpus corpus = read_tables(config, root);
  corpus.findings.cautions = overlaps(corpus, "expression");
  return corpus;
}

long inspect(const std::string&, const std::string& name, const Content& content) {
  Examples read;
  read_table(Config{}, name, collect(name, content), read);
  return read.size();
}

const RegisterSource<Config> registered{
    "listops_tsv",
    {"ListOps as released with LRA: basic_train.tsv, basic_val.tsv and basic_test.tsv",
     "Apache 2.0, as the release they belong to",
     "Tay et al. Long Range Arena: A Benchmark for Efficient Transformers. ICLR 2021"},
    inputs,
    make,
    {.files = kFolder, .recognise = recognise, .inspect = inspect, .downloads = {lra_release::download()}},
    check,
    portion};

}  // namespace
}  // namespace lra
