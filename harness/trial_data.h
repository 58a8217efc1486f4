/// Examples for a trial run of a cell, without preparing its data.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "datasets/dataset.h"
#include "tasks/task.h"

namespace lra {

struct TrialData {
  std::unique_ptr<Dataset> examples;  // a few of them or all
  std::array<long, 3> sizes{};        // of the splits that the cell will use; 0: not known yet
  std::string basis;                  // describes the examples in one clause
};

/// Returns the plan's prepared data if it exists. Otherwise returns a few examples: random tokens of the only length
/// for images, generated examples for a generator, random tokens of the maximum length for other tasks. Prepares
/// nothing. Throws a data error for damaged prepared data.
TrialData trial_data(const TaskPlan& plan, const DataPaths& paths);

}  // namespace lra
