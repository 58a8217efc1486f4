/// The options of `lra run`.
#pragma once

#include <string>
#include <vector>

#include "harness/experiment.h"
#include "harness/runner.h"
#include "tools/lra/command_line.h"
#include "tools/lra/default_paths.h"

namespace lra {

struct RunOptions {
  std::string tasks = "lra5", models = "lra11", preset = "quick", seeds = "0";
  std::vector<std::string> set, model_args, sweep;  // as written on the command line
  Overrides overrides;                              // the same parsed, over those of --config
  std::string data, database = kDefaultDatabase, config;
  long limit = 0;
  MatrixOptions matrix;                                  // `cell.threads` is 0, one per CPU, until complete()
  std::string max_memory, max_time, checkpoint = "60s";  // as written: "4G", "90m"
  bool dry_run = false, no_estimate = false, json = false;
};

/// Declares the options, which set `options` when the command line is parsed.
void declare(const Command& command, RunOptions& options);

/// Applies --config to the options that the command line does not set, then parses --set, --model-args and --sweep, and
/// checks the numbers. Throws a usage error.
void complete(const Command& command, RunOptions& options);

/// The experiments of the matrix, ordered by task, model, setting of the sweep, and seed. Throws a usage error for
/// anything that cannot run.
std::vector<Experiment> experiments_of(const RunOptions& options);

}  // namespace lra
