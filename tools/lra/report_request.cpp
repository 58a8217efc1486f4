#include "tools/lra/report_request.h"

#include <filesystem>

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

Store open_database(const std::string& path) {
  if (!std::filesystem::exists(path))
    fail_data("there is no database {}; 'lra run' makes one, --db names another", path);
  return Store(path, Store::Access::read);
}

}  // namespace lra
