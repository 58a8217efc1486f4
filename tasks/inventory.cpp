#include "tasks/inventory.h"

#include <optional>

#include "datasets/cache.h"
#include "datasets/source.h"

namespace lra {
namespace {

/// Sets, before each step that may throw, the state that its failure implies.
void look(const TaskPlan& plan, const DataPaths& paths, DataStatus& status) {
  status.state = "missing";
  status.file = prepared_file(plan, paths);
  std::optional<CacheSummary> summary;
  const std::string damage = refusal_of([&] { summary = summarise_cache(status.file); });
  if (!summary) {
    status.state = "broken";
    check_files(plan, paths);
    status.state = damage.empty() ? "ready" : "damaged";
    if (!damage.empty()) status.reason = damage;
    return;
  }
  status.state = "prepared";
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
  if (const std::string refusal = refusal_of([&] { look(plan, paths, status); }); !refusal.empty())
    status.reason = refusal;
  return status;
}

}  // namespace lra
