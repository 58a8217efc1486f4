#include <algorithm>

#include "results/store/database_file.h"
#include "results/tables/document.h"
#include "results/tables/text_table.h"

namespace lra {
namespace {

/// {"a": {"b": 1}} → "a.b=1".
void flatten(const Json& value, const std::string& path, std::vector<std::string>& words) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items())
      flatten(inner, path.empty() ? key : fmt::format("{}.{}", path, key), words);
  } else {
    words.push_back(fmt::format("{}={}", path, value.is_string() ? value.get<std::string>() : value.dump()));
  }
}

}  // namespace

Table tabulate_seeds(const AccuracyTable& table, const Store& store) {
  Table printed;
  printed.kind = "seeds", printed.id = fmt::format("seeds-{}", table.preset);
  printed.title = fmt::format("Every seed, preset {}", table.preset);
  printed.lead = "Test accuracy in % with its 95 % interval (Wilson).";
  printed.head = {"model", "task", "seed", "accuracy", "interval", "test loss", "run"};
  Notes notes(table.references);
  for (const Row& row : table.rows)
    for (std::size_t c = 0; c < row.cells.size(); ++c) {
      if (!row.cells[c]) continue;
      notes.add(row.cells[c]->marks);
      for (const StoredRun* run : row.cells[c]->runs) {
        const Interval interval = wilson_interval(run->test_correct, run->test_examples);
        printed.rows.push_back(
            {{row.label + signs(row.cells[c]->marks), table.columns[c].label,
              TableCell(std::to_string(run->seed), static_cast<double>(run->seed)),
              TableCell(percent(accuracy(*run)), accuracy(*run)),
              TableCell(fmt::format("[{}, {}]", percent(interval.low), percent(interval.high)), interval.low),
              TableCell(three_digits(run->test_loss), run->test_loss),
              TableCell(std::to_string(run->id), double(run->id))},
             false});
        printed.rows.back().cells[3].configuration = run->configuration;
      }
    }
  notes.add(fmt::format("run: its id in the database; `{}` shows all its details, `{}` runs it again.",
                        command_on(store.path(), "runs show N"), command_on(store.path(), "runs reproduce N")));
  if (!printed.rows.empty()) printed.notes = notes.all();
  return printed;
}

Table tabulate_configurations(const AccuracyTable& table) {
  Table printed;
  printed.kind = "configurations", printed.id = fmt::format("configurations-{}", table.preset);
  printed.title = fmt::format("Configuration of every cell, preset {}", table.preset);
  printed.lead = "Everything that decides a result, except its seed.";
  printed.head = {"model", "task", "parameters", "seeds", "runs", "settings"};
  printed.words = true;
  Notes notes(table.references);
  for (const Row& row : table.rows)
    for (std::size_t c = 0; c < row.cells.size(); ++c) {
      if (!row.cells[c]) continue;
      const AccuracyCell& cell = *row.cells[c];
      notes.add(cell.marks);
      std::vector<std::string> words, runs;
      Json experiment = cell.runs.front()->experiment;
      if (experiment.is_object()) experiment.erase("seed");
      flatten(experiment, "", words);
      for (const StoredRun* run : cell.runs) runs.push_back(std::to_string(run->id));
      printed.rows.push_back(
          {{row.label + signs(cell.marks), table.columns[c].label,
            TableCell(grouped(cell.parameters), static_cast<double>(cell.parameters)), std::to_string(cell.runs.size()),
            joined(runs), fmt::format("{}", fmt::join(words, " "))},
           false});
    }
  if (!printed.rows.empty()) printed.notes = notes.all();
  return printed;
}

Table tabulate_facts(const std::string& model, const ReportRequest& request) {
  Table printed;
  printed.kind = "model", printed.id = fmt::format("model-{}", model), printed.title = fmt::format("Model {}", model);
  printed.words = true;
  const auto facts =
      std::find_if(request.models.begin(), request.models.end(), [&](const auto& f) { return f.name == model; });
  if (facts == request.models.end()) return printed;
  printed.head = {"what", "is"};
  const auto say = [&](const char* what, const std::string& is) {
    if (!is.empty()) printed.rows.push_back({{what, is}, false});
  };
  say("summary", facts->summary), say("paper", facts->paper), say("kind", facts->kind);
  say("complexity", facts->complexity), say("differs", facts->differs);
  if (facts->exponent > 0) say("declared exponent", fmt::format("{:g}", facts->exponent));
  if (facts->memory_exponent > 0) say("declared exponent of memory", fmt::format("{:g}", facts->memory_exponent));
  return printed;
}

Table tabulate_cells(const std::string& model, const Comparison& comparison) {
  Table printed;
  printed.kind = "model", printed.id = fmt::format("cells-{}", model),
  printed.title = fmt::format("{} task by task", model);
  printed.lead = "Test accuracy in %, its place in the column, and its cost.";
  printed.head = {"row", "preset", "task", "accuracy", "place", "best there", "training time", "peak memory"};
  Notes notes(comparison.references);
  for (const AccuracyTable& table : comparison.accuracy)
    for (const Row& row : table.rows) {
      if (row.model != model) continue;
      for (std::size_t c = 0; c < row.cells.size(); ++c) {
        if (!row.cells[c]) continue;
        const AccuracyCell& cell = *row.cells[c];
        long ahead = 0, others = 0;
        for (const Row& other : table.rows)
          if (other.cells[c]) ++others, ahead += other.cells[c]->mean > cell.mean;
        double seconds = 0;
        std::int64_t peak = 0;
        for (const StoredRun* run : cell.runs)
          seconds += run->train_seconds / double(cell.runs.size()), peak = std::max(peak, run->peak_bytes);
        notes.add(cell.marks);
        const auto& best = table.columns[c].best;
        printed.rows.push_back(
            {{row.label, table.preset, table.columns[c].label,
              TableCell(fmt::format("{}{}", percent(cell.mean), signs(cell.marks)), cell.mean),
              TableCell(fmt::format("{} of {}", ahead + 1, others), static_cast<double>(ahead + 1)),
              best ? fmt::format("{} {}", table.rows[*best].label, percent(table.rows[*best].cells[c]->mean)) : "–",
              or_dash(seconds > 0 && cell.marks.timed(), human_seconds(seconds)), or_dash(peak > 0, human_bytes(peak))},
             false});
        printed.rows.back().cells[3].rank = cell.rank;
        printed.rows.back().cells[3].configuration = cell.runs.front()->configuration;
      }
    }
  printed.notes = notes.all();
  return printed;
}

}  // namespace lra
