#include "tasks/preset.h"

#include <map>

#include "harness/core/names.h"
#include "tasks/task.h"

namespace lra {

const Json& preset(const std::string& name) {
  static const std::map<std::string, Json> all = [] {
    std::map<std::string, Json> parsed;
    for (const EmbeddedPreset& embedded : embedded_presets()) parsed.emplace(embedded.name, Json::parse(embedded.text));
    return parsed;
  }();
  const auto found = all.find(name);
  if (found == all.end()) fail_usage("unknown preset '{}'{}", name, suggestion(name, preset_names()));
  return found->second;
}

Json preset_settings(const Json& preset, const std::string& task, const std::string& model, const std::string& part) {
  const Json none = Json::object();
  const auto child = [&none](const Json& parent, const std::string& key) -> const Json& {
    const auto found = parent.find(key);
    return found == parent.end() ? none : *found;
  };
  const Json& of_task = preset.at("tasks").at(task);
  Json merged = Json::object();
  for (const Json* layer :
       {&preset, &child(child(preset, "models"), model), &of_task, &child(child(of_task, "models"), model)})
    merged.update(child(*layer, part));
  return merged;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const EmbeddedPreset& embedded : embedded_presets()) names.emplace_back(embedded.name);
  return names;
}

}  // namespace lra
