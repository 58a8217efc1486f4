/// What a task is, whatever a preset makes of it. One file a task in tasks/definitions/ registers it.
#pragma once

#include <string>

#include "harness/core/registry.h"

namespace lra {

struct TaskEntry {
  std::string summary;   // one sentence
  std::string citation;  // where the task comes from
  std::string official;  // the official files, named in errors while they cannot be read
  long vocab = 0;
  long classes = 0;
  bool paired = false;      // two sequences an example, encoded apart
  bool image = false;       // a square picture read row by row
  bool expression = false;  // ListOps in the tokens of datasets/listops.h
};

Registry<TaskEntry>& task_definitions();

/// The last line of a definition's file.
struct RegisterTask {
  RegisterTask(const std::string& name, TaskEntry entry) { task_definitions().add(name, std::move(entry)); }
};

}  // namespace lra
