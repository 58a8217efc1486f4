#include "harness/revision.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/plugin.h"
#include "models/layers/mixer.h"

namespace lra {

std::string model_revision(const std::string& model) {
  for (const Plugin& plugin : plugins())
    if (std::find(plugin.models.begin(), plugin.models.end(), model) != plugin.models.end()) return plugin.revision;
  return fmt::format("{}.{}", kEngineRevision, models().at(model).facts.revision);
}

std::vector<std::pair<std::string, std::string>> model_revisions() {
  std::vector<std::pair<std::string, std::string>> all;
  for (const std::string& model : models().names()) all.emplace_back(model, model_revision(model));
  return all;
}

}  // namespace lra
