#include "harness/revision.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/plugin.h"
#include "models/layers/mixer.h"
#include "results/store/hashed_revisions.h"

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

std::string revision_in_key(const std::string& model) {
  std::string revision = model_revision(model);
  if (revision == kFirstRevision)
    for (const HashedRevision& hashed : kHashedRevisions)
      if (hashed.model == model) return std::string(hashed.hash);
  return revision;
}

}  // namespace lra
