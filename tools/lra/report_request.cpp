#include "tools/lra/report_request.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "harness/revision.h"
#include "models/layers/mixer.h"
#include "tasks/definition.h"
#include "tasks/task.h"

namespace lra {

namespace {

/// Adds the tasks, LRA's first and in its order, and the averages over them.
void add_tasks(ReportRequest& request) {
  const std::vector<std::string> five = lra_tasks(false), six = lra_tasks(true);
  std::vector<std::string> names = six;
  for (const std::string& name : task_names())
    if (std::find(six.begin(), six.end(), name) == six.end()) names.push_back(name);
  NamedAverage with_pathx{"avg6_fail50", "with Path-X, a failure counted as 50", six};
  for (const std::string& name : names) {
    const TaskEntry& task = task_definitions().at(name);
    request.tasks.push_back({name, task.may_stay_at_chance});
    if (task.may_fail) with_pathx.may_fail = name;
  }
  request.averages = {{"avg5", "mean of LRA's five tasks without Path-X", five}, with_pathx};
}

}  // namespace

ReportRequest report_request(const std::string& table, const std::string& preset) {
  ReportRequest request;
  request.table = table, request.preset = preset, request.revisions = model_revisions();
  for (const std::string& name : models().names()) {
    const ModelFacts& facts = models().at(name).facts;
    request.models.push_back({name, facts.summary, facts.paper, facts.complexity, facts.kind, facts.differs,
                              facts.exponent, facts.memory_exponent});
  }
  add_tasks(request);
  request.references = reference_models();
  return request;
}

const ReferenceModels& reference_models() {
  static const ReferenceModels models{"identity", "transformer", "materialized=true"};
  return models;
}

namespace {

/// Rejects ":memory:", which SQLite would open without a file.
void check_is_file(const std::string& path) {
  if (path == ":memory:")
    fail_usage("--db: a database {} would be lost when the command ends; name a file, or ./{} for one of that name",
               path, path);
}

}  // namespace

std::vector<StoredRun> all_runs(const Store& store) {
  std::vector<StoredRun> all = store.runs();
  for (StoredRun& run : store.failures()) all.push_back(std::move(run));
  std::sort(all.begin(), all.end(), [](const StoredRun& a, const StoredRun& b) { return a.id < b.id; });
  return all;
}

std::vector<std::string> stored_models(const Store& store) {
  std::set<std::string> all;
  for (const StoredRun& run : all_runs(store)) all.insert(run.model);
  for (const Measurement& m : store.measurements()) all.insert(m.model.substr(0, m.model.find(' ')));
  return {all.begin(), all.end()};
}

Store open_database(const std::string& path) {
  check_is_file(path);
  return Store(path, Store::Access::read);
}

Store open_database_to_write(const std::string& path) {
  check_is_file(path);
  Store store(path);
  if (const std::string caution = store.caution(); !caution.empty()) spdlog::warn("{}", caution);
  return store;
}

}  // namespace lra
