#include <algorithm>
#include <set>

#include "results/tables/document.h"
#include "results/tables/text_table.h"

namespace lra {
namespace {

TableCell times(const std::optional<double>& factor) {
  return factor ? TableCell(fmt::format("{:.2f}×", *factor), *factor) : TableCell("–");
}

TableCell figure(double value, const std::string& text) { return value > 0 ? TableCell(text, value) : TableCell("–"); }

TableCell bytes(std::int64_t value) { return figure(static_cast<double>(value), human_bytes(value)); }

std::string shape(const Json& settings) {
  std::vector<std::string> words;
  if (!settings.is_object()) return {};
  for (const auto& [key, value] : settings.items()) {
    const std::string inner =
        value.is_object() ? shape(value)
                          : fmt::format("{} {}", key, value.is_string() ? value.get<std::string>() : value.dump());
    if (!inner.empty()) words.push_back(inner);
  }
  return joined(words);
}

std::string place(const BenchTable& table) {
  const std::string settings = shape(table.settings);
  return fmt::format("On {}, {}{}{}.", table.machine, plural(table.threads, "thread"), settings.empty() ? "" : "; ",
                     settings);
}

const BenchRow* find_bench_row(const BenchTable& table, const std::string& model, long length) {
  for (const BenchRow& row : table.rows)
    if (row.model == model && row.length == length) return &row;
  return nullptr;
}

/// The cell text for a model that was not run because it does not fit in memory.
constexpr const char* kDoesNotFit = "does not fit";

/// Every cost table shows both rows of exact attention; those that were not measured are filled with dashes.
std::vector<std::string> missing_references(const ReferenceModels& references, bool fused, bool stored) {
  std::vector<std::string> missing;
  if (!fused) missing.push_back(references.exact);
  if (!stored) missing.push_back(references.materialized_row());
  return missing;
}

std::string missing_note(const std::vector<std::string>& missing, const std::string& command) {
  return missing.empty() ? "" : fmt::format("Not measured here: `{}`; {}.", fmt::join(missing, "`, `"), command);
}

}  // namespace

Table tabulate_cost(const CostTable& table) {
  Table printed;
  printed.kind = "efficiency",
  printed.id = fmt::format("efficiency-{}-{}-{}", table.preset, table.label, table.threads);
  printed.title = fmt::format("Efficiency, {}, preset {}", table.label, table.preset);
  printed.lead = fmt::format("Training on {}, {}; means over seeds.", table.machine, plural(table.threads, "thread"));
  const auto& [control, exact, materialized] = table.references;
  const std::string materialized_row = table.references.materialized_row();
  Notes notes(table.references);
  bool fused = false, stored = false;
  if (!table.rows.empty()) {
    printed.head = {"model",       "examples/s",  "against fused", "against stored", "GFLOP/s", "of GEMM peak",
                    "peak memory", "activations", "parameters",    "training time",  "seeds"};
    for (const CostRow& row : table.rows) {
      fused = fused || row.relative_speed || row.label == exact;
      stored = stored || row.relative_to_stored || row.label == materialized_row;
      TableCell label(row.label + signs(row.marks));
      label.configuration = row.runs.front()->configuration;
      printed.rows.push_back(
          {{label, figure(row.examples_per_second, three_digits(row.examples_per_second)), times(row.relative_speed),
            times(row.relative_to_stored), figure(row.gflops, three_digits(row.gflops)),
            figure(row.peak_share, percent(row.peak_share) + " %"), bytes(row.peak_bytes), bytes(row.activation_bytes),
            TableCell(grouped(row.parameters), static_cast<double>(row.parameters)),
            figure(row.train_seconds, human_seconds(row.train_seconds)),
            TableCell(std::to_string(row.runs.size()), static_cast<double>(row.runs.size()))},
           false});
      notes.add(row.marks);
    }
    const auto missing = missing_references(table.references, fused, stored);
    for (const std::string& reference : missing) {
      printed.rows.push_back({{reference}, true});
      printed.rows.back().cells.resize(printed.head.size(), "–");
    }
    notes.add(fmt::format(
        "against fused: examples/s relative to `{0}`, which never stores its N×N matrix (with the same settings if it "
        "ran with them); against stored: relative to the `{0}` that stores it (`{1}`), as in LRA's own measurements. "
        "Peak memory: parameters, gradients, optimiser state and activations; the maximum over seeds, like "
        "activations.",
        exact, materialized));
    notes.add(missing_note(missing, fmt::format("`lra run --models {0} --model-args {0}:{1}` trains the stored one",
                                                exact, materialized)));
  }
  if (table.shared > 0)
    notes.add(fmt::format("{} left out: timed while other cells ran (shared).", plural(table.shared, "run")));
  notes.add(levels_note(table.levels));
  if (table.uneven > 0)
    notes.add(
        fmt::format("{} left out: trained in parts under different conditions, or stopped in between; `lra runs show "
                    "N` gives the reason (timing_flaw).",
                    plural(table.uneven, "run")));
  printed.notes = notes.all();
  return printed;
}

Table tabulate_speed(const BenchTable& table) {
  Table printed;
  printed.kind = "efficiency", printed.id = fmt::format("speed-{}-{}-{}", table.mode, table.batch, table.threads);
  printed.title = fmt::format("Speed and memory by length, {}, batch {}", table.mode, table.batch);
  printed.lead = place(table);
  const std::string &exact = table.references.exact, materialized_row = table.references.materialized_row();
  std::set<long> lengths;
  std::set<std::string> models;
  bool fused = false, stored = false;
  for (const BenchRow& row : table.rows) {
    lengths.insert(row.length), models.insert(row.model);
    fused = fused || row.speed_up || row.model == exact;
    stored = stored || row.speed_up_to_stored || row.model == materialized_row;
  }
  const auto missing = missing_references(table.references, fused, stored);
  printed.head = {"model"};
  for (const char* what : {"speed", "memory"})
    for (const long length : lengths) printed.head.push_back(fmt::format("{} {}", what, grouped(length)));
  std::vector<std::string> ordered(models.begin(), models.end());
  ordered.insert(ordered.end(), missing.begin(), missing.end());
  for (const std::string& reference : {materialized_row, exact})
    if (std::erase(ordered, reference) > 0) ordered.insert(ordered.begin(), reference);
  for (const std::string& model : ordered) {
    TableRow entry{{model}, models.count(model) == 0};
    for (const long length : lengths) {
      const BenchRow* row = find_bench_row(table, model, length);
      const auto text = [](const std::optional<double>& v) { return v ? fmt::format("{:.2f}", *v) : std::string("–"); };
      entry.cells.push_back(row && (row->speed_up || row->speed_up_to_stored)
                                ? TableCell(fmt::format("{} / {}", text(row->speed_up), text(row->speed_up_to_stored)),
                                            row->speed_up.value_or(0))
                                : TableCell(row && !row->fits() ? kDoesNotFit : "–"));
    }
    for (const long length : lengths) {
      const BenchRow* row = find_bench_row(table, model, length);
      const auto found = row ? row->values.find("peak_bytes") : decltype(row->values.end()){};
      entry.cells.push_back(row && found != row->values.end() ? bytes(static_cast<std::int64_t>(found->second))
                                                              : TableCell("–"));
    }
    printed.rows.push_back(std::move(entry));
  }
  Notes notes(table.references);
  notes.add(
      fmt::format("speed: steps per second relative to exact attention at the same length, to the fused `{}` / to the "
                  "one that stores its N×N matrix. The layout follows LRA's table 2.",
                  exact));
  notes.add(missing_note(missing, fmt::format("`lra bench --models {}` measures both", exact)));
  printed.notes = notes.all();
  return printed;
}

Table tabulate_bench(const BenchTable& table) {
  Table printed;
  printed.kind = "bench", printed.id = fmt::format("bench-{}-{}-{}", table.mode, table.batch, table.threads);
  printed.title = fmt::format("Bench, {}, batch {}", table.mode, table.batch);
  printed.lead = place(table);
  printed.head = {"model",          "length",  "median ms",    "p10–p90 ms", "examples/s",  "against fused",
                  "against stored", "GFLOP/s", "of GEMM peak", "bound by",   "peak memory", "bytes/example"};
  for (const BenchRow& row : table.rows) {
    const auto value = [&](const char* metric, auto&& print) {
      const auto found = row.values.find(metric);
      return found == row.values.end() ? TableCell("–") : TableCell(std::string(print(found->second)), found->second);
    };
    const auto size = [](double v) { return human_bytes(static_cast<std::int64_t>(v)); };
    const std::string spread =
        fmt::format("{}–{}", value("p10_ms", three_digits).text, value("p90_ms", three_digits).text);
    const std::string bound = bound_of(row);
    printed.rows.push_back(
        {{row.model, TableCell(grouped(row.length), static_cast<double>(row.length)),
          row.fits() ? value("median_ms", three_digits) : TableCell(kDoesNotFit),
          row.values.count("p10_ms") ? TableCell(spread, row.values.at("p10_ms")) : TableCell("–"),
          value("examples_per_second", three_digits), times(row.speed_up), times(row.speed_up_to_stored),
          value("gflops", three_digits), value("peak_share", [](double v) { return percent(v) + " %"; }),
          bound.empty() ? "–" : bound, row.fits() ? value("peak_bytes", size) : value("estimated_bytes", size),
          value("bytes_per_example", size)},
         false});
  }
  printed.notes = {fmt::format(
      "against fused, against stored: the median time of `{}`, and of the one that stores its N×N matrix, divided by "
      "the model's at the same length. Bound by: whichever takes longer, a step's operations at the rate of matrix "
      "products or its traffic at the memory bandwidth, both measured in the same run. Does not fit: not run; the "
      "memory is an estimate.",
      table.references.exact)};
  return printed;
}

}  // namespace lra
