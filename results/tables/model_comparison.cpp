#include "results/tables/model_comparison.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "results/store/numeric_level.h"
#include "results/tables/labels.h"
#include "results/tables/run_selection.h"

namespace lra {
namespace {

using Place = std::tuple<std::string, std::string, std::string, std::string>;  // preset, variant, data, label

/// The selected runs of a side in one group, and the number of the others.
struct Selection {
  std::vector<const StoredRun*> runs;
  long others = 0;
};

std::map<Place, Selection> places(const Side& side, bool by_label) {
  std::map<Place, Selection> all;
  for (const StoredRun* run : side.runs)
    if (run->comparable)
      all[{run->preset, run->variant, run->data_fingerprint, by_label ? row_label(*run) : ""}].runs.push_back(run);
  for (auto& [place, selection] : all) {
    const auto runs = select_configuration(selection.runs, {});
    selection = {runs, static_cast<long>(selection.runs.size() - runs.size())};
  }
  return all;
}

/// The distinct values of a property over a side's runs, "listops@quick, image@quick".
std::string list(const Side& side, auto&& property) {
  std::set<std::string> values;
  for (const StoredRun* run : side.runs) values.insert(property(*run));
  return fmt::format("{}", fmt::join(values, ", "));
}

bool share(const Side& a, const Side& b, auto&& property) {
  for (const StoredRun* first : a.runs)
    for (const StoredRun* second : b.runs)
      if (property(*first) == property(*second)) return true;
  return false;
}

/// Adds the environments of a side's runs with these seeds.
void add_places(std::vector<const Environment*>& places, const Side& side, const std::vector<const StoredRun*>& runs,
                const std::vector<std::uint64_t>& seeds) {
  for (const StoredRun* run : runs)
    if (std::find(seeds.begin(), seeds.end(), run->seed) != seeds.end())
      places.push_back(&side.environments->at(run->environment));
}

[[noreturn]] void refuse(const Side& a, const Side& b) {
  const auto task = [](const StoredRun& run) { return run.task; };
  const auto variant = [](const StoredRun& run) { return run.variant; };
  const auto preset = [](const StoredRun& run) { return run.preset; };
  const auto whole = [](const StoredRun* run) { return run->comparable; };
  if (!share(a, b, task))
    fail_usage("{} and {} have no task in common: {} against {}", a.name, b.name, list(a, task), list(b, task));
  if (!share(a, b, variant))
    fail_usage("{} and {} were tested on different variants, {} against {}, which cannot be compared", a.name, b.name,
               list(a, variant), list(b, variant));
  if (!share(a, b, preset))
    fail_usage("{} and {} were trained under different presets, {} against {}, which cannot be compared", a.name,
               b.name, list(a, preset), list(b, preset));
  if (std::none_of(a.runs.begin(), a.runs.end(), whole) || std::none_of(b.runs.begin(), b.runs.end(), whole))
    fail_usage("{} and {} cannot be compared: one side was cut short (--limit or fewer steps)", a.name, b.name);
  fail_usage("{} and {} share no preset, task variant, version of the data and row", a.name, b.name);
}

}  // namespace

bool ModelComparison::second_is_worse() const {
  return std::any_of(tasks.begin(), tasks.end(),
                     [](const TaskComparison& b) { return b.comparison.significant() && b.comparison.difference > 0; });
}

bool ModelComparison::second_is_better() const {
  return std::any_of(tasks.begin(), tasks.end(),
                     [](const TaskComparison& b) { return b.comparison.significant() && b.comparison.difference < 0; });
}

std::vector<std::string> ModelComparison::levels() const {
  std::vector<std::string> names;
  for (const TaskComparison& task : tasks)
    if (task.several_levels) names.push_back(task.name());
  return names;
}

ModelComparison compare_sides(const Side& first, const Side& second, bool by_label, const ReportRequest& request,
                              long replicates) {
  ModelComparison result{first.name, second.name, {}, {}};
  std::map<long, CorrectExamples> correct_examples = *first.correct_examples;  // negative ids are the second database's
  std::vector<StoredRun> relabelled;
  const bool two_databases = first.correct_examples != second.correct_examples;
  if (two_databases)
    for (const auto& [id, bits] : *second.correct_examples) correct_examples[-id] = bits;
  const auto ours = places(first, by_label), theirs = places(second, by_label);
  for (const auto& [place, selection] : ours) {
    const auto other = theirs.find(place);
    if (other == theirs.end()) continue;
    TaskComparison task;
    std::tie(task.preset, task.variant, std::ignore, task.label) = place;
    task.first = selection.runs, task.second = other->second.runs;
    task.other_first = selection.others, task.other_second = other->second.others;
    relabelled.clear();
    for (const StoredRun* run : task.second) {
      relabelled.push_back(*run);
      if (two_databases) relabelled.back().id = -run->id;
    }
    // Two single networks are compared whatever their seeds.
    if (task.first.size() == 1 && relabelled.size() == 1) relabelled.front().seed = task.first.front()->seed;
    std::vector<const StoredRun*> opponents;
    opponents.reserve(relabelled.size());
    for (const StoredRun& run : relabelled) opponents.push_back(&run);
    task.comparison = compare_paired(task.first, opponents, correct_examples, replicates);
    for (const StoredRun* a : task.first)
      for (const StoredRun* b : opponents)
        task.same_bits +=
            a->seed == b->seed && ((!two_databases && a->id == b->id) ||
                                   (!a->parameter_digest.empty() && a->parameter_digest == b->parameter_digest));
    std::vector<const Environment*> made_in;
    add_places(made_in, first, task.first, task.comparison.seeds);
    add_places(made_in, second, opponents, task.comparison.seeds);
    task.several_levels = several_levels(made_in);
    result.tasks.push_back(std::move(task));
  }
  if (result.tasks.empty()) refuse(first, second);
  std::stable_sort(result.tasks.begin(), result.tasks.end(), [&](const TaskComparison& a, const TaskComparison& b) {
    return std::tuple(a.preset, a.label) < std::tuple(b.preset, b.label) ||
           (std::tuple(a.preset, a.label) == std::tuple(b.preset, b.label) &&
            request.is_before(a.first.front()->task, b.first.front()->task));
  });
  std::vector<PairedComparison*> family;
  for (TaskComparison& task : result.tasks)
    if (!task.is_same()) family.push_back(&task.comparison);  // equal bits need no test
  adjust(family);
  result.evidence = evidence_of({family.begin(), family.end()});
  return result;
}

}  // namespace lra
