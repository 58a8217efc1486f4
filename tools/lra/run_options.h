/// What `lra run` was asked for.
#pragma once

#include <string>
#include <vector>

#include "harness/experiment.h"
#include "harness/runner.h"
#include "tools/lra/command_line.h"
#include "tools/lra/places.h"

namespace lra {

struct RunOptions {
  std::string tasks = "lra5", models = "lra11", preset = "quick", seeds = "0";
  std::vector<std::string> set, model_args, sweep;  // as on the command line
  Overrides overrides;                              // the same, read; the file's first
  std::string data, database = kDefaultDatabase, config;
  long limit = 0;
  MatrixOptions matrix;                                  // its `cell.threads` 0 until complete(): one per CPU
  std::string max_memory, max_time, checkpoint = "60s";  // as given: "4G", "90m"
  bool dry_run = false, no_estimate = false, json = false;
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
