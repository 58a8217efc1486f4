#include <algorithm>

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

Sheet seed_sheet(const AccuracyTable& table, const Store& store) {
  Sheet sheet;
  sheet.kind = "seeds", sheet.id = fmt::format("seeds-{}", table.preset);
  sheet.title = fmt::format("Every seed, preset {}", table.preset);
  sheet.lead = "Test accuracy in % with its 95 % interval (Wilson).";
  sheet.head = {"model", "task", "seed", "accuracy", "interval", "test loss", "run"};
  Notes notes;
  for (const Row& row : table.rows)
    for (std::size_t c = 0; c < row.cells.size(); ++c) {
      if (!row.cells[c]) continue;
      notes.add(row.cells[c]->marks);
      for (const StoredRun* run : row.cells[c]->runs) {
        const Interval interval = wilson_interval(run->test_correct, run->test_examples);
        sheet.lines.push_back(
            {{row.label + signs(row.cells[c]->marks), table.columns[c].label,
              Item(std::to_string(run->seed), static_cast<double>(run->seed)),
              Item(percent(accuracy(*run)), accuracy(*run)),
              Item(fmt::format("[{}, {}]", percent(interval.low), percent(interval.high)), interval.low),
              Item(three_digits(run->test_loss), run->test_loss), Item(std::to_string(run->id), double(run->id))},
             false});
        sheet.lines.back().items[3].configuration = run->configuration;
      }
    }
  notes.add(fmt::format("run: its number in the database; `{}` tells all of it, `{}` runs it again.",
                        command_on(store, "runs show N"), command_on(store, "runs reproduce N")));
  if (!sheet.lines.empty()) sheet.notes = notes.all();
  return sheet;
}

Sheet configuration_sheet(const AccuracyTable& table) {
  Sheet sheet;
  sheet.kind = "configurations", sheet.id = fmt::format("configurations-{}", table.preset);
  sheet.title = fmt::format("Configuration of every cell, preset {}", table.preset);
  sheet.lead = "All that decides a result, without its seed.";
  sheet.head = {"model", "task", "parameters", "seeds", "runs", "settings"};
  sheet.words = true;
  Notes notes;
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
      sheet.lines.push_back({{row.label + signs(cell.marks), table.columns[c].label,
                              Item(grouped(cell.parameters), static_cast<double>(cell.parameters)),
                              std::to_string(cell.runs.size()), joined(runs), fmt::format("{}", fmt::join(words, " "))},
                             false});
    }
  if (!sheet.lines.empty()) sheet.notes = notes.all();
  return sheet;
}

Sheet facts_sheet(const std::string& model, const ReportRequest& request) {
  Sheet sheet;
  sheet.kind = "model", sheet.id = fmt::format("model-{}", model), sheet.title = fmt::format("Model {}", model);
  sheet.words = true;
  const auto facts =
      std::find_if(request.models.begin(), request.models.end(), [&](const auto& f) { return f.name == model; });
  if (facts == request.models.end()) return sheet;
  sheet.head = {"what", "is"};
  const auto say = [&](const char* what, const std::string& is) {
    if (!is.empty()) sheet.lines.push_back({{what, is}, false});
  };
  say("summary", facts->summary), say("paper", facts->paper), say("kind", facts->kind);
  say("complexity", facts->complexity), say("differs", facts->differs);
  if (facts->exponent > 0) say("declared exponent", fmt::format("{:g}", facts->exponent));
  if (facts->memory_exponent > 0) say("declared exponent of memory", fmt::format("{:g}", facts->memory_exponent));
  return sheet;
}

Sheet cells_sheet(const std::string& model, const Comparison& comparison) {
  Sheet sheet;
  sheet.kind = "model", sheet.id = fmt::format("cells-{}", model), sheet.title = fmt::format("{} task by task", model);
  sheet.lead = "Test accuracy in %, its place in the column, and what it cost.";
  sheet.head = {"row", "preset", "task", "accuracy", "place", "best there", "training time", "peak memory"};
  Notes notes;
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
        sheet.lines.push_back(
            {{row.label, table.preset, table.columns[c].label,
              Item(fmt::format("{}{}", percent(cell.mean), signs(cell.marks)), cell.mean),
              Item(fmt::format("{} of {}", ahead + 1, others), static_cast<double>(ahead + 1)),
              best ? fmt::format("{} {}", table.rows[*best].label, percent(table.rows[*best].cells[c]->mean)) : "–",
              or_dash(seconds > 0 && cell.marks.timed(), human_seconds(seconds)), or_dash(peak > 0, human_bytes(peak))},
             false});
        sheet.lines.back().items[3].rank = cell.rank;
        sheet.lines.back().items[3].configuration = cell.runs.front()->configuration;
      }
    }
  sheet.notes = notes.all();
  return sheet;
}

}  // namespace lra
