/// Reports: a store in, text out. One file per format in results/reports, each ending in one registration line.
#pragma once

#include <functional>
#include <ostream>
#include <string>

#include "harness/core/registry.h"
#include "results/store/store.h"

namespace lra {

/// What a report is told of a model; results know none by themselves.
struct ModelText {
  std::string name, summary, paper, complexity, kind, differs;
  double exponent = 0;         // the declared cost of mixing grows as length to this power; 0: not declared
  double memory_exponent = 0;  // the same of the bytes live in a training step
};

/// What a report is told of a task.
struct TaskText {
  std::string name;
  bool may_stay_at_chance = false;  // tables say how many seeds left chance behind
};

/// The models that others are measured against; an empty name stands for none.
struct ReferenceModels {
  std::string control = {};       // mixes no tokens, so it shows what a model gets without context
  std::string exact = {};         // exact attention, which never stores its N×N matrix
  std::string materialized = {};  // the setting with which the exact model stores it, as LRA's own did

  /// A row's label: the exact model with that setting. Empty where there is none.
  std::string materialized_row() const { return materialized.empty() ? "" : exact + " " + materialized; }
};

/// A mean over tasks that readers know by a name. A table has it when it has one column of each of the tasks.
struct NamedAverage {
  std::string name, meaning;       // "avg5", "mean of LRA's five tasks without Path-X"
  std::vector<std::string> tasks;  // in any order
  std::string may_fail = {};       // the task of these on which a model that stays at chance counts as 50 %
};

/// accuracy, differences, published, efficiency, bench, seeds, configurations, model, all.
const std::vector<std::string>& report_tables();

struct ReportRequest {
  std::string table = "all";  // one of report_tables()
  std::string preset;         // empty: every preset, one table each
  /// Model → revision of the present build; a run of another revision is marked stale. Empty: nothing is.
  std::vector<std::pair<std::string, std::string>> revisions;
  std::string model;  // of table "model": its page
  std::vector<ModelText> models;
  std::vector<TaskText> tasks;  // in the order of their columns; others follow by name
  std::vector<NamedAverage> averages;
  ReferenceModels references;
  /// Only these columns and rows; empty: all. What a row is measured against is still taken from all that is stored.
  std::vector<std::string> only_tasks = {}, only_models = {};

  /// True when the column of task `a` stands before that of `b`.
  bool is_before(const std::string& a, const std::string& b) const;
  bool may_stay_at_chance(const std::string& task) const;
  bool wants_task_of(const StoredRun& run) const;  // as is_on_task says (versions.h)
  /// `label`: a model's name, or a row's, which begins with it.
  bool wants_model(const std::string& label) const;
};

struct ReportFormat {
  std::string summary;
  /// Throws a usage error when the request names what is not there or the database has nothing to show.
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
