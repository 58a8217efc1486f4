/// What a report needs to know, and the registry of report formats. Each format is one file in results/reports that
/// ends in its registration line.
#pragma once

#include <functional>
#include <ostream>
#include <string>

#include "core/registry.h"
#include "results/store/store.h"

namespace lra {

/// What a report is told about a model; results/ knows no models itself.
struct ModelText {
  std::string name, summary, paper, complexity, kind, differs;
  double exponent = 0;         // the declared exponent of the mixing cost in the length; 0: not declared
  double memory_exponent = 0;  // the same for the bytes live in a training step
};

/// What a report is told about a task.
struct TaskText {
  std::string name;
  bool may_stay_at_chance = false;  // if true, tables give the number of seeds above chance
};

/// The models that others are compared with; an empty name means none.
struct ReferenceModels {
  std::string control = {};       // mixes no tokens, so it shows the accuracy reachable without context
  std::string exact = {};         // exact attention, which never stores its N×N matrix
  std::string materialized = {};  // the setting with which the exact model stores it, as LRA's did

  /// The row label of the exact model with that setting; empty if there is none.
  std::string materialized_row() const { return materialized.empty() ? "" : exact + " " + materialized; }
};

/// A well-known mean over tasks. A table shows it if it has exactly one column for each of the tasks.
struct NamedAverage {
  std::string name, meaning;       // "avg5", "mean of LRA's five tasks without Path-X"
  std::vector<std::string> tasks;  // in any order
  std::string may_fail = {};       // one of the tasks: a model that stays at chance on it counts as 50 %
};

/// The names of the tables: accuracy, differences, published, efficiency, bench, seeds, configurations, model, all.
const std::vector<std::string>& report_tables();

struct ReportRequest {
  std::string table = "all";  // one of report_tables()
  std::string preset;         // empty: every preset, one table each
  /// Pairs of model and its revision in the present build. A run of another revision is marked stale; models that are
  /// not listed never are.
  std::vector<std::pair<std::string, std::string>> revisions;
  std::string model;  // the model that the table "model" describes
  std::vector<ModelText> models;
  std::vector<TaskText> tasks;  // in column order; other tasks follow by name
  std::vector<NamedAverage> averages;
  ReferenceModels references;
  /// Restrict the columns and rows that are shown; empty means all. References are still taken from all stored runs.
  std::vector<std::string> only_tasks = {}, only_models = {};

  /// Whether the column of task `a` comes before that of `b`.
  bool is_before(const std::string& a, const std::string& b) const;
  bool may_stay_at_chance(const std::string& task) const;
  bool wants_task_of(const StoredRun& run) const;  // see is_on_task (versions.h)
  /// `label` is a model's name or a row label, which begins with it.
  bool wants_model(const std::string& label) const;
};

struct ReportFormat {
  std::string summary;
  /// Writes the report. Throws a usage error when the request names something unknown or there is nothing to show.
  std::function<void(const Store&, const ReportRequest&, std::ostream&)> write;
};

Registry<ReportFormat>& report_formats();

struct RegisterReport {
  RegisterReport(const std::string& name, std::string summary,
                 std::function<void(const Store&, const ReportRequest&, std::ostream&)> write) {
    report_formats().add(name, {std::move(summary), std::move(write)});
  }
};

}  // namespace lra
