#include "results/tables/published.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace lra {

extern const std::string_view kPublishedSources, kPublishedNotes, kPublishedScores;  // the files of results/published

namespace {

/// Parses lines of comma-separated fields, the first of which holds the headings. A field in double quotes may contain
/// commas and doubled quotes.
std::vector<std::vector<std::string>> parse_csv(std::string_view text) {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> line(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"')
      line.back() += text[++i];
    else if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      line.emplace_back();
    else if (c == '\n' && !quoted)
      lines.push_back(std::exchange(line, std::vector<std::string>(1)));
    else
      line.back() += c;
  }
  return lines;
}

/// The variant that papers read whose models take `inputs`: "tokens" are LRA's. "numbers" are the pixels of pictures as
/// numbers, and characters instead of the bytes of texts, as Gu et al.'s code reads them and what derives from it.
std::string variant_of(const std::string& task, const std::string& inputs) {
  if (inputs == "tokens" || task == "listops") return task;
  return task + (task == "text" || task == "retrieval" ? "@characters" : "@pixels");
}

std::vector<Published> read_all() {
  constexpr std::size_t kInputs = 4, kFirstTask = 5;
  const auto sources = parse_csv(kPublishedSources), notes = parse_csv(kPublishedNotes);
  auto scores = parse_csv(kPublishedScores);
  const std::vector<std::string> headings = std::move(scores.at(0));
  scores.erase(scores.begin());
  std::vector<Published> all;
  for (const auto& score : scores)
    for (std::size_t t = kFirstTask; t < headings.size(); ++t) {
      const std::string& printed = score.at(t);
      if (printed.empty()) continue;
      Published& entry = all.emplace_back();
      entry.source = score[0], entry.model = score[1], entry.printed_as = score[2], entry.provenance = score[3];
      entry.task = headings[t];
      entry.variant = variant_of(entry.task, score[kInputs]);
      entry.failed = printed == "x";
      if (!entry.failed) entry.accuracy = std::stod(printed) / 100;
      for (const auto& source : sources)
        if (source.at(0) == entry.source)
          entry.paper = source[1], entry.arxiv = source[2], entry.table = source[3], entry.protocol = source.at(4);
      for (const auto& note : notes)
        if (note.at(0) == entry.source && note[1] == entry.task) entry.kind = note[2], entry.note = note.at(3);
    }
  return all;
}

std::string plain(std::string name) {
  std::erase(name, '_');
  return name;
}

}  // namespace

const std::vector<Published>& published() {
  static const std::vector<Published> all = read_all();
  return all;
}

PublishedRange published_range(const std::string& model, const std::string& variant) {
  PublishedRange range;
  for (const Published& entry : published()) {
    if (entry.variant != variant || plain(entry.model) != plain(model)) continue;
    if (entry.kind == "pretrained" || entry.kind == "variant") {
      range.left_out.push_back(fmt::format("{} ({}: {})", entry.source, entry.kind, entry.note));
      continue;
    }
    range.from.push_back(&entry);
    if (entry.failed) {
      ++range.failures;
      continue;
    }
    range.low = range.entries ? std::min(range.low, entry.accuracy) : entry.accuracy;
    range.high = std::max(range.high, entry.accuracy);
    ++range.entries;
  }
  return range;
}

std::string why_not_comparable(const StoredRun& run) {
  const auto any = [](const auto& matches) { return std::any_of(published().begin(), published().end(), matches); };
  if (!any([&](const Published& entry) { return entry.task == run.task; }))
    return fmt::format("no paper prints figures for `{}`", run.task);
  if (!any([&](const Published& entry) { return entry.variant == run.variant; }))
    return fmt::format("`{}` is not the papers' variant `{}`", run.variant, run.task);
  if (!run.comparable) return "it was cut short";
  return {};
}

}  // namespace lra
