#include "datasets/tsv.h"

#include <algorithm>
#include <numeric>

#include "core/text.h"
#include "datasets/bytes.h"
#include "datasets/checksum.h"
#include "datasets/labels.h"
#include "datasets/overlap.h"
#include "datasets/table.h"
#include "datasets/tsv_survey.h"

namespace lra::tsv {
namespace {

constexpr long kTenth = 10;             // one in so many training rows is held back without a validation file
constexpr std::size_t kMostNamed = 20;  // classes named in one sentence

/// Counts over the texts as they are read.
struct Counts {
  long texts = 0, empty = 0, cut = 0, with_zeros = 0;
  void add(std::string_view text, long length) {
    ++texts;
    empty += text.empty();
    cut += long(text.size()) > length;
    with_zeros += text.find('\0') != std::string_view::npos;
  }
};

/// One split as it is read: its examples, and for each a number that identifies its complete texts, before truncation.
struct Part {
  Examples examples;
  std::vector<std::uint64_t> keys;

  void add(const Example& example, std::uint64_t key) {
    if (example.second.empty())
      examples.add(example.tokens, example.label);
    else
      examples.add(example.tokens, example.second, example.label);
    keys.push_back(key);
  }
};

std::uint64_t key_of(const Row& row) {
  const auto of = [](std::string_view text) { return checksum(std::as_bytes(std::span(text))); };
  const std::array<std::uint64_t, 2> both{of(row.text), of(row.second)};
  return checksum(std::as_bytes(std::span(both)));
}

Part read_part(const std::filesystem::path& file, const FileSurvey& survey, const std::vector<std::string>& labels,
               long length, Counts& counts) {
  std::map<std::string, int, std::less<>> numbers;
  for (std::size_t i = 0; i < labels.size(); ++i) numbers.emplace(labels[i], int(i));
  Part part;
  bool heading = !survey.heading.empty();
  read_table(file, [&](long line, std::span<const std::string> cells) {
    if (std::exchange(heading, false)) return;
    const std::string where = where_of(file, line);
    const Row row = row_of(where, cells);
    const auto label = numbers.find(row.label);
    if (label == numbers.end() || row.paired != survey.paired)
      fail_data("{}: the file changed while it was being read", where);
    counts.add(row.text, length);
    const auto tokens = byte_tokens(row.text, length);
    if (row.paired) {
      counts.add(row.second, length);
      part.add({tokens, byte_tokens(row.second, length), label->second}, key_of(row));
    } else {
      part.add({tokens, {}, label->second}, key_of(row));
    }
  });
  return part;
}

/// Return every tenth row of the rows sorted by label and, within a label, in a fixed random order. A class keeps its
/// last row; the next row of another class is taken instead. Throws a data error when no class has a row to spare.
std::pair<Part, Part> hold_back(const Part& all) {
  const long n = all.examples.size();
  std::vector<long> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0L);
  Sequence draw(Random(0, "tsv", "valid"));
  draw.shuffle(order);
  std::stable_sort(order.begin(), order.end(), [&](long a, long b) {
    return all.examples.labels[std::size_t(a)] < all.examples.labels[std::size_t(b)];
  });
  std::vector<bool> held(order.size());
  std::map<std::uint16_t, long> left;
  for (const std::uint16_t label : all.examples.labels) ++left[label];
  const auto can_be_spared = [&](long row) {
    return !held[std::size_t(row)] && left[all.examples.labels[std::size_t(row)]] > 1;
  };
  for (long i = std::min(n, kTenth) / 2; i < n; i += kTenth) {
    auto row = std::find_if(order.begin() + i, order.end(), can_be_spared);
    if (row == order.end()) row = std::find_if(order.begin(), order.end(), can_be_spared);
    if (row == order.end()) break;
    held[std::size_t(*row)] = true;
    --left[all.examples.labels[std::size_t(*row)]];
  }
  if (std::find(held.begin(), held.end(), true) == held.end())
    fail_data(
        "every label has one training row, so none can be held back for validation; add a valid.tsv or more rows");
  std::pair<Part, Part> parts;
  for (long i = 0; i < n; ++i) {
    const auto at = std::size_t(i);
    (held[at] ? parts.second : parts.first).add(all.examples.at(i), all.keys[at]);
  }
  return parts;
}

std::string counted(long count, const char* noun) { return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s"); }

void remark_on_file(const std::filesystem::path& file, const FileSurvey& survey, std::vector<std::string>& remarks) {
  const std::string name = file.filename().string();
  if (!survey.heading.empty())
    remarks.push_back(fmt::format("{}: the first row ({}) is taken for a heading", name, survey.heading));
  if (survey.trimmed > 0)
    remarks.push_back(
        fmt::format("{}: the spaces around {} are no part of them", name, counted(survey.trimmed, "label")));
  if (survey.ignores_column)
    remarks.push_back(fmt::format("{}: the column after the text is empty in every row and is ignored", name));
  const auto in_marks = [](const auto& label) {
    return label.first.size() > 1 && label.first.starts_with('"') && label.first.ends_with('"');
  };
  if (!is_csv(file) && std::all_of(survey.labels.begin(), survey.labels.end(), in_marks))
    remarks.push_back(fmt::format(
        "{}: the quotation marks around the labels are part of them; only in a .csv they mean something", name));
}

/// Return the first few names and the number of further ones.
std::string listed(const std::vector<std::string>& all) {
  const auto named = std::span(all).first(std::min(all.size(), kMostNamed));
  const std::size_t more = all.size() - named.size();
  return fmt::format("{}{}", fmt::join(named, ", "), more > 0 ? fmt::format(" and {} more", more) : "");
}

/// Report the rows of each split, and of each class in each split.
void remark_on_classes(const Survey& survey, const Corpus& corpus, std::vector<std::string>& remarks) {
  std::vector<std::array<long, 3>> rows(survey.labels.size());
  for (std::size_t s = 0; s < corpus.splits.size(); ++s)
    for (const std::uint16_t label : corpus.splits[s].labels) ++rows[label][s];
  remarks.push_back(fmt::format("{} / {} / {} rows (train / valid / test), {}", corpus[Split::train].size(),
                                corpus[Split::valid].size(), corpus[Split::test].size(),
                                corpus.paired ? "pairs of texts" : "one text each"));
  std::vector<std::string> classes, once;
  for (std::size_t c = 0; c < rows.size(); ++c) {
    const std::string name = fmt::format("'{}'", shown_on_a_line(survey.labels[c]));
    classes.push_back(fmt::format("{} {} / {} / {}", name, rows[c][0], rows[c][1], rows[c][2]));
    if (rows[c][0] <= 1) once.push_back(name);
  }
  remarks.push_back(fmt::format("{} classes: {}", rows.size(), listed(classes)));
  if (once.size() == rows.size())
    remarks.push_back(
        "no label has more than one training row; if these are the texts, put the label into the first column");
  else if (!once.empty())
    remarks.push_back(fmt::format("labels with at most one training row: {}", listed(once)));
}

void remark_on_texts(const Counts& counts, long length, std::vector<std::string>& remarks) {
  const auto remark = [&](long count, const std::string& what) {
    if (count > 0) remarks.push_back(fmt::format("{} of {} {}", count, counted(counts.texts, "text"), what));
  };
  remark(counts.empty, counts.empty == 1 ? "is empty" : "are empty");
  remark(counts.with_zeros, counts.with_zeros == 1 ? "holds NUL bytes" : "hold NUL bytes");
  remark(counts.cut,
         fmt::format("{} longer than the {} bytes that are read, and cut", counts.cut == 1 ? "is" : "are", length));
}

}  // namespace

std::vector<std::filesystem::path> inputs(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& file : files_of(folder))
    if (!file.empty()) files.push_back(file);
  return files;
}

Shape shape_of(const std::filesystem::path& folder) {
  const auto known = survey(folder);
  Shape shape;
  for (const std::string& label : known->labels) shape.classes.push_back(shown_on_a_line(label));
  shape.paired = known->of[std::size_t(Split::train)].paired;
  return shape;
}

Corpus read(const std::filesystem::path& folder, long length) {
  const auto known = survey(folder);
  Counts counts;
  std::array<Part, 3> parts;
  for (std::size_t s = 0; s < parts.size(); ++s)
    if (!known->files[s].empty()) parts[s] = read_part(known->files[s], known->of[s], known->labels, length, counts);

  Corpus corpus;
  auto& [remarks, cautions] = corpus.findings;
  for (std::size_t s = 0; s < parts.size(); ++s)
    if (!known->files[s].empty()) remark_on_file(known->files[s], known->of[s], remarks);
  const auto train = std::size_t(Split::train), valid = std::size_t(Split::valid);
  if (known->files[valid].empty()) {
    std::tie(parts[train], parts[valid]) = hold_back(parts[train]);
    remarks.push_back(fmt::format("there is no validation file: {} of the {} training rows {} held back for validation",
                                  parts[valid].examples.size(), known->of[train].rows,
                                  parts[valid].examples.size() == 1 ? "is" : "are"));
  }
  std::array<std::vector<std::uint64_t>, 3> keys;
  for (std::size_t s = 0; s < parts.size(); ++s) {
    corpus.splits[s] = std::move(parts[s].examples);
    keys[s] = std::move(parts[s].keys);
  }
  corpus.paired = known->of[train].paired;
  remark_on_classes(*known, corpus, remarks);
  remark_on_texts(counts, length, remarks);
  cautions = overlaps(keys, corpus.paired ? "pair" : "text");
  return corpus;
}

}  // namespace lra::tsv
