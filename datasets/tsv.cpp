#include "datasets/tsv.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>
#include <set>

#include "datasets/bytes.h"
#include "datasets/input.h"

namespace lra::tsv {
namespace {

constexpr std::size_t kMostLabels = 1000;

struct Row {
  std::string_view label, text, second;
  bool paired;
};

Row parse_row(const std::string& where, std::string_view line) {
  const auto columns = split_tabs(line);
  if (columns.size() < 2 || columns.size() > 3)
    fail_data("{}: a row has a label, a text and perhaps a second text between tabs, but this has {} column{}", where,
              columns.size(), columns.size() == 1 ? "" : "s");
  if (columns[0].empty()) fail_data("{}: the label is empty", where);
  return {columns[0], columns[1], columns.size() == 3 ? columns[2] : std::string_view(), columns.size() == 3};
}

std::string where_of(const std::filesystem::path& file, long number) {
  return fmt::format("{} line {}", file.string(), number);
}

bool is_integer(const std::string& text, long& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

void sort_labels(std::vector<std::string>& labels) {
  std::vector<std::pair<long, std::string>> numbered;
  for (const std::string& label : labels) {
    long value = 0;
    if (!is_integer(label, value)) return std::sort(labels.begin(), labels.end());
    numbered.emplace_back(value, label);
  }
  std::sort(numbered.begin(), numbered.end());
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = numbered[i].second;
}

Shape read_shape(const std::filesystem::path& train) {
  Shape shape;
  std::set<std::string, std::less<>> labels;
  read_lines(train, [&](long number, std::string_view line) {
    const Row row = parse_row(where_of(train, number), line);
    if (number == 1) shape.paired = row.paired;
    if (!labels.contains(row.label)) labels.emplace(row.label);
    if (labels.size() > kMostLabels)
      fail_data("{}: more than {} different labels up to here; the label must stand in the first column",
                where_of(train, number), kMostLabels);
  });
  if (labels.size() < 2)
    fail_data("{} has {} labels; there is nothing to learn with fewer than 2", train.string(), labels.size());
  shape.labels.assign(labels.begin(), labels.end());
  sort_labels(shape.labels);
  return shape;
}

}  // namespace

std::array<std::filesystem::path, 3> files_of(const std::filesystem::path& folder) {
  std::array<std::filesystem::path, 3> files;
  for (std::size_t s = 0; s < files.size(); ++s)
    files[s] = find_input(folder, {std::string(name_of(Split(s))) + ".tsv"},
                          "a folder of one's own has train.tsv, valid.tsv and test.tsv, each row a label, a tab and a "
                          "text");
  return files;
}

Shape shape_of(const std::filesystem::path& folder) {
  using State = std::tuple<std::filesystem::path, std::uintmax_t, std::filesystem::file_time_type>;
  static std::mutex mutex;
  static std::map<State, Shape> known;
  const auto train = files_of(folder)[std::size_t(Split::train)];
  const State state{std::filesystem::absolute(train), std::filesystem::file_size(train),
                    std::filesystem::last_write_time(train)};
  const std::lock_guard lock(mutex);
  const auto found = known.find(state);
  return found != known.end() ? found->second : known.emplace(state, read_shape(train)).first->second;
}

Corpus read(const std::filesystem::path& folder, long length) {
  const Shape shape = shape_of(folder);
  std::map<std::string, int, std::less<>> numbers;
  for (std::size_t i = 0; i < shape.labels.size(); ++i) numbers.emplace(shape.labels[i], int(i));

  Corpus corpus;
  corpus.paired = shape.paired;
  const auto files = files_of(folder);
  for (std::size_t s = 0; s < files.size(); ++s) {
    read_lines(files[s], [&](long number, std::string_view line) {
      const std::string where = where_of(files[s], number);
      const Row row = parse_row(where, line);
      if (row.paired != shape.paired)
        fail_data("{}: the row has {} text, unlike the first row of train.tsv; give every row as many", where,
                  row.paired ? "a second" : "only one");
      const auto label = numbers.find(row.label);
      if (label == numbers.end()) fail_data("{}: no row of train.tsv has the label '{}'", where, row.label);
      if (row.paired)
        corpus.splits[s].add(byte_tokens(row.text, length), byte_tokens(row.second, length), label->second);
      else
        corpus.splits[s].add(byte_tokens(row.text, length), label->second);
    });
    if (corpus.splits[s].size() == 0) fail_data("{} holds no rows", files[s].string());
  }
  return corpus;
}

}  // namespace lra::tsv
