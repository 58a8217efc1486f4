/// The state of each task variant's data on this machine.
#pragma once

#include <array>
#include <filesystem>
#include <string>

#include "tasks/task.h"

namespace lra {

struct DataStatus {
  TaskSpec spec;
  std::vector<std::string> classes;  // as TaskPlan::classes
  std::string preset, source;
  std::string licence, citation;
  std::string state;           // prepared | ready (to be generated or read) | missing | broken (cannot be read) |
                               // damaged (prepared, and will be made anew)
  std::string reason;          // of missing, broken and damaged data, stand-ins and parts: one sentence
  std::filesystem::path file;  // the prepared one; empty where the data are missing
  // Of prepared data:
  std::uintmax_t bytes = 0;
  std::array<long, 3> examples{};  // by Split
  std::string fingerprint;
};

/// Return the state of the data of `task` under `preset`. Reads the header of prepared data, and otherwise what
/// `check_files` reads. Throws as plan_task does.
DataStatus data_status(const std::string& task, const std::string& preset, const DataPaths& paths);
DataStatus data_status(const TaskPlan& plan, const DataPaths& paths);

}  // namespace lra
