/// What `lra run` was asked for.
#pragma once

#include <string>
#include <vector>

#include "harness/experiment.h"
#include "tools/lra/command_line.h"
#include "tools/lra/places.h"

namespace lra {

struct RunOptions {
  std::string tasks = "lra5", models = "lra11", preset = "quick", seeds = "0";
  std::vector<std::string> set, model_args, sweep;  // as on the command line
  Overrides overrides;                              // the same, read; the file's first
  std::string data, database = kDefaultDatabase, config;
  long threads = 0, jobs = 1, limit = 0;  // threads 0: one a CPU; jobs 0: see MatrixOptions
  std::string max_memory, max_time;       // as given: "4G", "90m"
  std::int64_t max_memory_bytes = 0;
  double max_time_seconds = 0, checkpoint_seconds = 60;
  bool dry_run = false, no_estimate = false, force = false, json = false, check_finite = false, profile = false;
};

/// Declares the options, which fill `options` when the command line is parsed.
void declare(const Command& command, RunOptions& options);

/// Reads --config under what the command line says, then --set, --model-args and --sweep, and checks the numbers.
/// Throws a usage error.
void complete(const Command& command, RunOptions& options);

/// The matrix in its fixed order: task, model, try of a sweep, seed. Throws a usage error for anything that cannot be
/// run.
std::vector<Experiment> experiments_of(const RunOptions& options);

}  // namespace lra
