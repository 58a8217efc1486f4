#include "tasks/inventory.h"

#include "datasets/cache.h"
#include "datasets/source.h"

namespace lra {
namespace {

/// Names, before each step that may throw, the state that its failure means.
void look(const TaskPlan& plan, const DataPaths& paths, DataStatus& status) {
  status.state = "missing";
  status.file = prepared_file(plan, paths);
  status.state = "damaged";
  const auto summary = summarise_cache(status.file);
  status.state = summary ? "prepared" : "ready";
  if (!summary) return;
  status.bytes = summary->bytes;
  status.examples = summary->examples;
  status.fingerprint = summary->fingerprint;
}

}  // namespace

DataStatus data_status(const std::string& task, const std::string& preset, const DataPaths& paths) {
  return data_status(plan_task(task, preset, "", paths.root), paths);
}

DataStatus data_status(const TaskPlan& plan, const DataPaths& paths) {
  DataStatus status;
  status.spec = plan.spec;
  status.classes = plan.classes;
  status.preset = plan.preset;
  status.reason = plan.remark;
  status.source = plan.data.at("source");
  if (sources().contains(status.source)) {
    const SourceFacts& facts = sources().at(status.source).facts;
    status.licence = facts.licence;
    status.citation = facts.citation;
  }
  try {
    look(plan, paths, status);
  } catch (const Error& error) {
    if (error.kind() != Kind::data) throw;
    status.reason = error.what();
  }
  return status;
}

}  // namespace lra
