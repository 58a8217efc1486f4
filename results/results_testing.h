/// Helpers for the tests of results/.
#pragma once

#include <gtest/gtest.h>
#include <cmath>
#include <string>

#include "core/core_testing.h"
#include "core/digest.h"
#include "results/store/record.h"
#include "results/tables/report.h"

namespace lra {

/// Sets `run.experiment` and `run.key` as the harness does.
inline void set_key(StoredRun& run) {
  run.experiment["model"] = run.model;
  run.experiment["variant"] = run.variant;
  run.experiment["seed"] = run.seed;
  run.experiment["revision"] = run.model_revision;
  run.key = sha256(run.experiment.dump());
}

/// A finished run on listops@quick that classified `share` of 1,000 test examples correctly.
inline StoredRun sample_run(const std::string& model, std::uint64_t seed, double share) {
  StoredRun run;
  run.task = "listops";
  run.variant = "listops@quick";
  run.preset = "quick";
  run.data_fingerprint = "a1b2c3d4";
  run.model = model;
  run.model_revision = "r1";
  run.seed = seed;
  run.threads = 2;
  run.parameters = 100'000;
  run.test_examples = 1000;
  run.test_correct = std::lround(share * 1000);
  set_key(run);
  return run;
}

/// A request with Long Range Arena's tasks, averages and reference models.
inline ReportRequest lra_request(const std::string& table = "all") {
  ReportRequest request;
  request.table = table;
  for (const char* task : {"listops", "text", "retrieval", "image", "pathfinder", "pathx"})
    request.tasks.push_back({task, task[0] == 'p'});
  request.averages = {
      {"avg5", "mean of LRA's five tasks without Path-X", {"listops", "text", "retrieval", "image", "pathfinder"}},
      {"avg6_fail50",
       "with Path-X, a failure counted as 50",
       {"listops", "text", "retrieval", "image", "pathfinder", "pathx"},
       "pathx"}};
  request.references = {"identity", "transformer", "materialized=true"};
  return request;
}

}  // namespace lra
