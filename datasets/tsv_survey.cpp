#include "datasets/tsv_survey.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "datasets/dataset.h"
#include "datasets/input.h"
#include "datasets/labels.h"
#include "datasets/table.h"

namespace lra::tsv {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostLabels = 1000;
/// The accepted names of each split's file, without the ending.
const std::array<std::vector<std::string>, 3> kNames{{{"train"}, {"valid", "validation", "dev", "val"}, {"test"}}};
/// Other common names of validation files, which are not read.
const std::vector<std::string> kOtherNames{"eval", "evaluation", "validate", "devel", "development"};
const std::vector<std::string> kEndings{".tsv", ".csv"}, kCompressed{"", ".gz", ".xz", ".bz2", ".zst"};

/// Common column names of labels and of texts.
const std::set<std::string, std::less<>> kLabelWords{
    "label",     "labels", "label_id", "gold_label", "gold",     "class", "classes",      "category", "target",
    "sentiment", "topic",  "intent",   "rating",     "polarity", "tag",   "is_duplicate", "y"};
const std::set<std::string, std::less<>> kTextWords{
    "text",    "texts",     "sentence", "sentence1", "sentence_1", "text1",    "text_1",
    "text_a",  "question1", "question", "review",    "premise",    "message",  "comment",
    "content", "document",  "body",     "tweet",     "sms",        "headline", "title",
    "query",   "utterance", "phrase",   "input",     "x",          "string",   "description"};
/// Names of a column of row numbers; pandas leaves its name empty.
const std::set<std::string, std::less<>> kNumberWords{"id", "index", "idx", "no", ""};

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_word(const std::set<std::string, std::less<>>& words, std::string_view cell) {
  cell = trimmed(cell);
  if (cell.starts_with('#')) cell.remove_prefix(1);
  return words.contains(spelling_free(cell));
}

std::string in_words(std::span<const std::string> cells) {
  std::string text;
  for (const std::string& cell : cells) text += (text.empty() ? "" : ", ") + shown_on_a_line(cell);
  return text;
}

/// Collects a FileSurvey. It keeps the first row apart, because whether that is a header may depend on all other rows.
class Surveyor {
 public:
  Surveyor(const fs::path& file, bool trains) : file_(file) {
    read_table(file, [&](long line, std::span<const std::string> cells) {
      if (!std::exchange(begun_, true)) check_columns(line, cells);
      take(line, cells, trains);
    });
  }

  const std::vector<std::string>& first() const { return first_; }
  std::string_view first_label() const { return first_.empty() ? std::string_view() : trimmed(first_.front()); }
  std::string first_place() const { return where_of(file_, first_line_); }
  bool begins_with_label_word() const { return !first_.empty() && is_word(kLabelWords, first_.front()); }
  /// Whether both columns have known names.
  bool begins_with_known_words() const {
    return begins_with_label_word() && first_.size() > 1 && is_word(kTextWords, first_[1]);
  }
  /// Whether no other row has the label of the first row.
  bool stands_apart() const { return !first_.empty() && seen_.rows > 0 && !seen_.labels.contains(first_label()); }
  /// Whether a row other than repetitions of `row` has its label.
  bool has_label_elsewhere(const std::vector<std::string>& row) const {
    const auto found = seen_.labels.find(trimmed(row.front()));
    return found != seen_.labels.end() && (row != first_ || found->second.rows > repeated_);
  }
  /// The number of labels of the other rows, and the count of the rarest.
  std::pair<long, long> others() const {
    long rarest = seen_.rows;
    for (const auto& [label, sighting] : seen_.labels) rarest = std::min(rarest, sighting.rows);
    return {long(seen_.labels.size()), rarest};
  }
  bool repeats_most_labels() const {
    const auto repeated = [](const auto& label) { return label.second.rows > 1; };
    return 2 * std::count_if(seen_.labels.begin(), seen_.labels.end(), repeated) > long(seen_.labels.size());
  }

  /// How often the first row is repeated in the file.
  long repetitions() const { return repeated_; }

  void take_first_as_heading() {
    if (repeated_line_ > 0)
      fail_data("{}: the heading ({}) appears again, as if two files were joined; remove it",
                where_of(file_, repeated_line_), in_words(first_));
    seen_.heading = in_words(first_);
    first_.clear();
  }

  FileSurvey finish() {
    if (!first_.empty()) absorb(first_line_, first_);
    if (is_csv(file_) && seen_.rows > 0 && with_semicolon_ == seen_.rows)
      fail_data(
          "{}: every label holds a ';', as where cells stand between semicolons; save the table with commas, or as "
          "a .tsv with tabs",
          file_.string());
    if (seen_.rows == 0) fail_data("{} holds no rows", file_.string());
    if (with_second_ && without_second_) refuse_mixture();
    seen_.paired = with_second_.has_value();
    seen_.ignores_column = has_third_cells_ && !seen_.paired;
    return std::move(seen_);
  }

 private:
  /// Throws for a header row whose columns are not those that are read.
  void check_columns(long line, std::span<const std::string> cells) const {
    const auto label = std::find_if(cells.begin(), cells.end(), [](const auto& c) { return is_word(kLabelWords, c); });
    if (label == cells.end()) return;
    if (label != cells.begin()) {
      if (!is_word(kTextWords, cells[0]) && !is_word(kNumberWords, cells[0])) return;
      fail_data(
          "{}: the heading has '{}' above column {}, but the label must stand in the first column, and the text next",
          where_of(file_, line), shown_on_a_line(*label), label - cells.begin() + 1);
    }
    for (std::size_t c = 1; c < cells.size(); ++c)
      if (!trimmed(cells[c]).empty() && is_word(kNumberWords, cells[c]))
        fail_data("{}: the heading has '{}' above column {}, but a row has a label, a text and perhaps a second text",
                  where_of(file_, line), shown_on_a_line(cells[c]), c + 1);
  }

  void take(long line, std::span<const std::string> cells, bool trains) {
    if (first_.empty()) {
      (void)row_of(where_of(file_, line), cells);  // throws here, not when the row is counted at the end
      first_line_ = line;
      first_.assign(cells.begin(), cells.end());
      return;
    }
    if (repeats_first(cells) && ++repeated_ == 1) repeated_line_ = line;
    absorb(line, cells);
    const bool another = !seen_.labels.contains(first_label());
    if (trains && seen_.labels.size() + another > kMostLabels)
      fail_data("{}: more than {} different labels up to here; the label must stand in the first column",
                where_of(file_, line), kMostLabels);
  }

  bool repeats_first(std::span<const std::string> cells) const {
    return trimmed(cells.front()) == first_label() &&
           std::equal(cells.begin() + 1, cells.end(), first_.begin() + 1, first_.end());
  }

  void absorb(long line, std::span<const std::string> cells) {
    const Row row = row_of(where_of(file_, line), cells);
    FileSurvey::Sighting& sighting = seen_.labels.try_emplace(std::string(row.label)).first->second;
    if (sighting.rows++ == 0 || line < sighting.line) sighting.line = line;
    ++seen_.rows;
    seen_.trimmed += row.label.size() != cells[0].size();
    with_semicolon_ += row.label.find(';') != std::string_view::npos;
    has_third_cells_ = has_third_cells_ || cells.size() > 2;
    auto& of_kind = row.paired ? with_second_ : without_second_;
    if (!of_kind || line < of_kind->line) of_kind = {line, cells.size() > 2};
  }

  /// Throws an error that names the first row with another shape than the file's first row.
  [[noreturn]] void refuse_mixture() const {
    const bool pairs_first = with_second_->line < without_second_->line;
    if (!pairs_first)
      fail_data("{}: the row has a second text, unlike the rows before it; give every row as many",
                where_of(file_, with_second_->line));
    const std::string where = where_of(file_, without_second_->line);
    if (without_second_->has_cell) fail_data("{}: the second text is empty; every row of pairs needs both", where);
    fail_data("{}: the row has only one text, unlike the rows before it; give every row as many", where);
  }

  struct Place {
    long line;
    bool has_cell;  // a third one, if only an empty one
  };
  const fs::path& file_;
  FileSurvey seen_;
  std::vector<std::string> first_;  // the cells of the first row, until it is known to be a row or a header
  long first_line_ = 0;
  long repeated_ = 0, repeated_line_ = 0;  // repetitions of the first row: their number, and the line of the first
  long with_semicolon_ = 0;                // labels
  bool begun_ = false, has_third_cells_ = false;
  std::optional<Place> with_second_, without_second_;  // the first of each
};

/// Whether the first row of a file is a header by its words: no other row has its label, here or in training. When both
/// columns have known names, repetitions of it are not rows either.
bool has_known_heading(const Surveyor& file, const Surveyor& train) {
  if (!file.begins_with_label_word() || train.has_label_elsewhere(file.first())) return false;
  return file.begins_with_known_words() ? !file.has_label_elsewhere(file.first()) : file.stands_apart();
}

constexpr long kOften = 5;

/// Whether the first rows are headers without known words: the same row begins every file, only a few repetitions of it
/// (as in joined files) have its label, and most labels of training occur several times.
bool share_a_heading(const std::vector<Surveyor>& files) {
  const Surveyor& train = files.front();
  return train.others().first > 1 && train.repeats_most_labels() &&
         std::all_of(files.begin(), files.end(), [&](const Surveyor& file) {
           return file.others().first > 0 && file.first() == train.first() && !file.has_label_elsewhere(file.first()) &&
                  file.repetitions() < kOften;
         });
}

/// Throws for a first row that may be a header or a data row: only it has its label, while every other label occurs
/// often.
void refuse_doubtful_heading(const Surveyor& train) {
  if (!train.stands_apart() || train.others().second < kOften) return;
  fail_data(
      "{}: the label '{}' is this row's alone, while every other comes {} times or more; if the row is a heading, call "
      "its first column 'label', otherwise move it down",
      train.first_place(), shown_on_a_line(train.first_label()), train.others().second);
}

void check_spelling(const Survey& survey) {
  std::map<std::string, std::pair<std::string, std::string>> known;  // label, where
  for (std::size_t s = 0; s < survey.files.size(); ++s)
    for (const auto& [label, sighting] : survey.of[s].labels) {
      const std::string where = where_of(survey.files[s], sighting.line);
      const auto [place, is_new] = known.try_emplace(spelling_free(label), label, where);
      if (!is_new && place->second.first != label)
        fail_data(
            "{}: the label '{}' differs from '{}' ({}) in spelling only (case, blanks, quotation marks, accents); "
            "write both alike",
            where, shown_on_a_line(label), shown_on_a_line(place->second.first), place->second.second);
    }
}

void check_against_training(const Survey& survey) {
  const FileSurvey& train = survey.of[std::size_t(Split::train)];
  const std::string name = survey.files[std::size_t(Split::train)].filename().string();
  for (std::size_t s = 1; s < survey.files.size(); ++s) {
    if (survey.files[s].empty()) continue;
    if (survey.of[s].paired != train.paired)
      fail_data("{}: its rows have {}, those of {} have {}; give every row as many", survey.files[s].string(),
                survey.of[s].paired ? "two texts" : "one text", name, train.paired ? "two" : "one");
    for (const auto& [label, sighting] : survey.of[s].labels)
      if (!train.labels.contains(label))
        fail_data("{}: no row of {} has the label '{}'", where_of(survey.files[s], sighting.line), name,
                  shown_on_a_line(label));
  }
}

Survey look_at(const std::array<fs::path, 3>& files) {
  std::vector<Surveyor> surveyors;
  for (const fs::path& file : files)
    if (!file.empty()) surveyors.emplace_back(file, /*trains=*/surveyors.empty());
  const bool shared = share_a_heading(surveyors);
  std::vector<bool> headed;  // decided for all files before any header is removed
  headed.reserve(surveyors.size());
  for (const Surveyor& surveyor : surveyors) headed.push_back(shared || has_known_heading(surveyor, surveyors.front()));
  if (!headed.front()) refuse_doubtful_heading(surveyors.front());
  Survey survey;
  survey.files = files;
  auto surveyor = surveyors.begin();
  for (std::size_t s = 0; s < files.size(); ++s) {
    if (files[s].empty()) continue;
    if (headed[std::size_t(surveyor - surveyors.begin())]) surveyor->take_first_as_heading();
    survey.of[s] = (surveyor++)->finish();
  }
  const fs::path& train = files[std::size_t(Split::train)];
  const auto& labels = survey.of[std::size_t(Split::train)].labels;
  if (labels.size() < 2)
    fail_data("{} has {} label{}; there is nothing to learn with fewer than 2", train.string(), labels.size(),
              labels.size() == 1 ? "" : "s");
  check_spelling(survey);
  check_against_training(survey);
  for (const auto& [label, sighting] : labels) survey.labels.push_back(label);
  sort_labels(survey.labels);
  return survey;
}

/// Return a file of the folder that is evidently meant for the split but is not read under its name; empty when there
/// is none.
std::string passed_over(const fs::path& folder, Split split) {
  std::vector<std::string> names = kNames[std::size_t(split)];
  if (split == Split::valid) names.insert(names.end(), kOtherNames.begin(), kOtherNames.end());
  for (const fs::path& file : files_in(folder)) {
    std::string name = file.filename().string();
    if (!fs::is_directory(file) && contains(names, spelling_free(name.substr(0, name.find('.'))))) return name;
  }
  return {};
}

/// Throws the error for a split without a readable file. A missing validation file is allowed, but one under a wrong
/// name is not ignored.
void refuse_lack(const fs::path& folder, Split split) {
  const std::string near = passed_over(folder, split), place = (folder / near).string();
  if (!near.empty() && !fs::exists(folder / near)) fail_data("{} is a link that leads nowhere; mend it", place);
  const auto& names = kNames[std::size_t(split)];
  if (!near.empty())
    fail_data(
        "{} is not read: call it {}, with the ending .tsv or .csv, and behind it .gz, .xz, .bz2 or .zst where it is "
        "compressed{}",
        place, fmt::join(names, " or "), split == Split::valid ? ", or take it away to hold back training rows" : "");
  if (split != Split::valid)
    fail_data(
        "there is no {}.tsv in the folder '{}', nor a .csv, compressed or not; a row is a label, a tab and a text",
        names[0], folder.string());
}

}  // namespace

Row row_of(const std::string& where, std::span<const std::string> cells) {
  std::size_t columns = cells.size();
  while (columns > 2 && trimmed(cells[columns - 1]).empty()) --columns;
  if (columns < 2 || columns > 3)
    fail_data(
        "{}: a row has a label, a text and perhaps a second text, in a .csv between commas, in any other file between "
        "tabs, but this has {} column{}",
        where, columns, columns == 1 ? "" : "s");
  const std::string_view label = trimmed(cells[0]);
  if (label.empty()) fail_data("{}: the label is empty", where);
  return {label, cells[1], columns == 3 ? std::string_view(cells[2]) : std::string_view(), columns == 3};
}

std::array<fs::path, 3> files_of(const fs::path& folder) {
  std::error_code none;
  const fs::file_status status = fs::status(folder, none);
  if (!fs::is_directory(status))
    fail_data("there is no folder '{}'{}; user data are a folder with train.tsv, valid.tsv and test.tsv",
              folder.string(), fs::exists(status) ? ", that is a file" : "");
  std::array<fs::path, 3> files;
  for (std::size_t s = 0; s < files.size(); ++s) {
    std::vector<std::string> found;
    for (const std::string& name : kNames[s])
      for (const std::string& ending : kEndings)
        for (const std::string& compressed : kCompressed)
          if (const std::string file = fmt::format("{}{}{}", name, ending, compressed); fs::exists(folder / file, none))
            found.push_back(file);
    if (found.size() > 1)
      fail_data("the folder '{}' holds both {} and {}; leave one of them there", folder.string(), found[0], found[1]);
    if (found.empty())
      refuse_lack(folder, Split(s));
    else
      files[s] = folder / found[0];
  }
  return files;
}

std::shared_ptr<const Survey> survey(const fs::path& folder) {
  using State = std::vector<std::tuple<fs::path, std::uintmax_t, fs::file_time_type>>;
  static std::mutex mutex;
  static std::map<State, std::shared_ptr<const Survey>> known;
  const auto files = files_of(folder);
  State state;
  for (const fs::path& file : files)
    if (!file.empty()) state.emplace_back(fs::absolute(file), fs::file_size(file), fs::last_write_time(file));
  const std::lock_guard lock(mutex);
  auto& survey = known[state];
  if (!survey) survey = std::make_shared<const Survey>(look_at(files));
  return survey;
}

}  // namespace lra::tsv
