#include "tasks/preset.h"

#include <map>

#include "core/names.h"
#include "tasks/definition.h"

namespace lra {
namespace {

/// Adds the preset entries of the definition of `task`.
void add_definition(const std::string& task, std::map<std::string, Json>& presets) {
  const std::string& text = task_definitions().at(task).presets;
  if (text.empty()) return;
  const Json own = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!own.is_object())
    fail_usage("the definition of the task '{}': `presets` is no JSON object; see tasks/preset.h", task);
  for (const auto& [name, entry] : own.items()) {
    const auto found = presets.find(name);
    if (found == presets.end())
      fail_usage("the definition of the task '{}': unknown preset '{}'{}", task, name,
                 suggestion(name, preset_names()));
    if (!found->second.at("tasks").emplace(task, entry).second)
      fail_usage(
          "the definition of the task '{}': the file of the preset '{}' has an entry for it too; remove one of the two",
          task, name);
  }
}

std::map<std::string, Json> all_presets() {
  std::map<std::string, Json> all;
  for (const EmbeddedPreset& embedded : embedded_presets()) all.emplace(embedded.name, Json::parse(embedded.text));
  for (const std::string& task : task_definitions().names()) add_definition(task, all);
  return all;
}

}  // namespace

const Json& preset(const std::string& name) {
  static const std::map<std::string, Json> all = all_presets();
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
