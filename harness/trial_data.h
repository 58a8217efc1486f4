/// Examples to try a cell on, without preparing its data.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "datasets/dataset.h"
#include "tasks/task.h"

namespace lra {

struct TrialData {
  std::unique_ptr<Dataset> examples;  // a few or all of them
  std::array<long, 3> sizes{};        // of the splits that the cell will see; 0: nobody knows yet
  std::string basis;                  // what the examples are: one clause
};

/// The plan's prepared data where they are there; a few examples where a generator makes them, or images of the one
/// size there is; otherwise random tokens of the maximum length. Prepares nothing. Throws a data error for prepared
/// data that are damaged.
TrialData trial_data(const TaskPlan& plan, const DataPaths& paths);

}  // namespace lra
