#include "tools/lra/bench_steps.h"

#include <spdlog/spdlog.h>

#include <iostream>

#include "core/error.h"
#include "results/tables/row.h"
#include "results/tables/text_table.h"
#include "tools/lra/command.h"
#include "tools/lra/report_request.h"

namespace lra {
namespace {

/// A model's costs at all lengths, or why there are none.
struct Measured {
  std::string model, reason;
  bool refused = false;  // it has no step form
  std::vector<StepCost> costs;
};

Measured measure(const StepBenchTask& task) {
  Measured all{.model = task.model};
  try {
    all.costs = bench_steps(task);
  } catch (const std::exception& error) {
    const auto* known = dynamic_cast<const Error*>(&error);
    all.refused = known && known->kind() == Kind::usage;
    all.reason = error.what();
  }
  return all;
}

const StepCost* exact_at(const std::vector<Measured>& all, std::size_t length) {
  for (const Measured& each : all)
    if (each.model == reference_models().exact && !each.costs.empty()) return &each.costs[length];
  return nullptr;
}

void print_table(const std::vector<Measured>& all, std::size_t length, const StepBenchTask& task) {
  TextTable text{{"model", "ms/token", "p10–p90", "tokens/s", "× attention", "state", "of the cache"}, {}};
  const StepCost* exact = exact_at(all, length);
  for (const Measured& each : all) {
    if (each.costs.empty()) continue;
    const StepCost& cost = each.costs[length];
    text.rows.push_back(
        {each.model, three_digits(cost.median_ms),
         fmt::format("{}–{}", three_digits(cost.p10_ms), three_digits(cost.p90_ms)),
         three_digits(1e3 * double(task.batch) / cost.median_ms),
         exact ? fmt::format("{:.2f}×", exact->median_ms / cost.median_ms) : "–", human_bytes(cost.state_bytes),
         exact ? fmt::format("{:.1f} %", 100 * double(cost.state_bytes) / double(exact->state_bytes)) : "–"});
  }
  if (!text.rows.empty())
    std::cout << fmt::format("after {} tokens, {} at a time, 1 thread\n\n", grouped(task.lengths[length]),
                             plural(task.batch, "sequence"))
              << text << "\n";
}

void print_tables(const std::vector<Measured>& all, const StepBenchTask& task) {
  for (std::size_t i = 0; i < task.lengths.size(); ++i) print_table(all, i, task);
  for (const Measured& each : all)
    if (each.costs.empty())
      std::cout << each.model << (each.refused ? " is left out: " : " failed: ") << each.reason << "\n";
  std::cout << fmt::format(
      "ms/token: one more token of every sequence, causal, with the prediction so far. × attention: speed relative to "
      "`{}` with\na cache of keys and values, whose bytes are what states are compared with. State: bytes of one "
      "sequence "
      "between tokens.\n",
      reference_models().exact);
}

Json rows_of(const Measured& each, const StepBenchTask& task) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < task.lengths.size(); ++i) {
    Json row{{"schema_version", kJsonVersion},
             {"model", each.model},
             {"length", task.lengths[i]},
             {"batch", task.batch},
             {"mode", "step"},
             {"threads", 1},
             {"status", each.refused         ? "no step form"
                        : each.costs.empty() ? "failed"
                                             : "done"},
             {"reason", each.reason}};
    for (const char* key : {"median_ms", "p10_ms", "p90_ms", "state_bytes", "parameters"}) row[key] = nullptr;
    if (!each.costs.empty()) {
      const StepCost& cost = each.costs[i];
      row.update({{"median_ms", cost.median_ms},
                  {"p10_ms", cost.p10_ms},
                  {"p90_ms", cost.p90_ms},
                  {"state_bytes", cost.state_bytes},
                  {"parameters", cost.parameters}});
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

int bench_steps_command(const std::vector<std::string>& models, StepBenchTask task, bool json) {
  watch_signals(/*second_ends=*/true);
  std::vector<Measured> all;
  for (const std::string& model : models) {
    if (interrupted) break;
    task.model = model;
    all.push_back(measure(task));
    const Measured& last = all.back();
    spdlog::info("[{}/{}] {}: {}", all.size(), models.size(), model,
                 last.costs.empty() ? last.reason
                                    : fmt::format("{} ms per token after {} tokens",
                                                  three_digits(last.costs.back().median_ms), task.lengths.back()));
  }
  if (json) {
    Json rows = Json::array();
    for (const Measured& each : all)
      for (Json& row : rows_of(each, task)) rows.push_back(std::move(row));
    std::cout << rows.dump(2) << "\n";
  } else {
    print_tables(all, task);
  }
  std::cout.flush();
  if (interrupted) return kInterrupted;
  for (const Measured& each : all)
    if (each.costs.empty() && !each.refused) return int(Kind::failed);
  return 0;
}

}  // namespace lra
