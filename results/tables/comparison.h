/// All that one report prints, gathered from a database.
#pragma once

#include <map>
#include <vector>

#include "results/tables/accuracy.h"
#include "results/tables/bench.h"
#include "results/tables/cost.h"

namespace lra {

/// Everything that one report prints. The tables point into `runs`.
struct Comparison {
  std::vector<StoredRun> runs;
  std::vector<AccuracyTable> accuracy;
  std::vector<CostTable> costs;
  std::vector<BenchTable> benches;
  std::map<long, CorrectExamples> correct_examples;
  ReferenceModels references;
};

/// What `request` asks for. Throws a usage error for an unknown table or preset (naming the nearest) and when the
/// database holds nothing to show: a report never is an empty table.
Comparison compare_runs(const Store& store, const ReportRequest& request);

/// The runs of the presets, tasks and models that the request names.
std::vector<const StoredRun*> runs_of(const Comparison& comparison, const ReportRequest& request);

}  // namespace lra
