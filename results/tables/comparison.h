/// The contents of a report, computed from a database.
#pragma once

#include <map>
#include <vector>

#include "results/tables/accuracy.h"
#include "results/tables/bench.h"
#include "results/tables/cost.h"

namespace lra {

/// Everything that a report prints. The tables point into `runs`.
struct Comparison {
  std::vector<StoredRun> runs;
  std::vector<AccuracyTable> accuracy;
  std::vector<CostTable> costs;
  std::vector<BenchTable> benches;
  std::map<long, CorrectExamples> correct_examples;
  ReferenceModels references;
};

/// Computes what `request` asks for. Throws a usage error for an unknown table, preset or model, with the nearest known
/// name, and when the database has nothing to show, so that no report is empty.
Comparison compare_runs(const Store& store, const ReportRequest& request);

/// The runs that match the request's preset, tasks and models.
std::vector<const StoredRun*> runs_of(const Comparison& comparison, const ReportRequest& request);

}  // namespace lra
