/// The definition of a task. One file per task in tasks/definitions/ registers it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/registry.h"
#include "tasks/spec.h"

namespace lra {

struct TaskEntry {
  std::string summary;   // one sentence
  std::string citation;  // where the task comes from
  std::string official;  // the official files, named in errors while they cannot be read
  long vocab = 0;
  long classes = 0;
  bool paired = false;              // two sequences per example, encoded apart
  bool image = false;               // a square picture read row by row: id = gray value
  int lra_column = 0;               // column in LRA's table 1, from 1; 0: not one of LRA's tasks
  bool may_fail = false;            // LRA prints FAIL for a model that stays at chance
  bool may_stay_at_chance = false;  // some seeds learn and some do not, so a mean over seeds alone misleads
  /// Renders one sequence as text, in whole lines; null: as token ids. tasks/render.h declares the renderers that
  /// several tasks share.
  std::string (*render)(const TaskSpec& spec, std::span<const std::uint16_t> tokens) = nullptr;
  /// The settings of the task's generator that --set changes, besides "length": {"pairs", "vocab"}. Each value is a
  /// variant of its own.
  std::vector<std::string> settings = {};
  /// Sets what depends on the settings of the data, such as `vocab` and `classes`; null where nothing does.
  void (*shape)(const Settings& data, TaskSpec& spec) = nullptr;
  /// The task's entries in presets as JSON: {PRESET: ENTRY}, where an entry is what tasks/preset.h documents below
  /// "tasks". Empty for the tasks of Long Range Arena, whose entries are in the presets' files.
  std::string presets = {};
};

Registry<TaskEntry>& task_definitions();

/// The last line of a definition's file.
struct RegisterTask {
  RegisterTask(const std::string& name, TaskEntry entry) { task_definitions().add(name, std::move(entry)); }
};

}  // namespace lra
