#include "tools/lra/report_request.h"

#include <spdlog/spdlog.h>

#include "harness/build_info.h"
#include "models/layers/mixer.h"

namespace lra {

ReportRequest report_request(const std::string& table, const std::string& preset) {
  ReportRequest request;
  request.table = table, request.preset = preset, request.revisions = model_revisions();
  for (const std::string& name : models().names()) {
    const ModelFacts& facts = models().at(name).facts;
    request.models.push_back(
        {name, facts.summary, facts.paper, facts.complexity, facts.kind, facts.differs, facts.exponent});
  }
  return request;
}

Store open_database(const std::string& path) { return Store(path, Store::Access::read); }

Store open_database_to_write(const std::string& path) {
  Store store(path);
  if (const std::string caution = store.caution(); !caution.empty()) spdlog::warn("{}", caution);
  return store;
}

}  // namespace lra
