#include "tools/lra/report_request.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "harness/revision.h"
#include "models/layers/mixer.h"

namespace lra {

ReportRequest report_request(const std::string& table, const std::string& preset) {
  ReportRequest request;
  request.table = table, request.preset = preset, request.revisions = model_revisions();
  for (const std::string& name : models().names()) {
    const ModelFacts& facts = models().at(name).facts;
    request.models.push_back({name, facts.summary, facts.paper, facts.complexity, facts.kind, facts.differs,
                              facts.exponent, facts.memory_exponent});
  }
  return request;
}

namespace {

/// What SQLite takes for a database without a file.
void check_is_file(const std::string& path) {
  if (path == ":memory:")
    fail_usage("--db: a database {} would be gone with the command; name a file, ./{} where it has that name", path,
               path);
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
