#include "tools/lra/hints.h"

#include <algorithm>

#include "core/names.h"
#include "core/text.h"
#include "harness/experiment.h"
#include "models/layers/encoder.h"
#include "models/layers/mixer.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

std::string replaced(std::string name, char from, char to) {
  std::replace(name.begin(), name.end(), from, to);
  return name;
}

/// key=value in shell syntax, as written after --set.
std::string assignment(const std::string& key, const std::string& value) {
  return value.empty() ? key + "=…" : shell_word(key + "=" + value);
}

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

/// "--max-memory 4G"; a flag has no value.
std::string as_option(const std::string& option, const Json& value, const Command& command) {
  return command.is_flag(option) ? "--" + option : fmt::format("--{} {}", option, shell_word(text_of(value)));
}

}  // namespace

std::vector<std::string> settings_taken(const std::vector<std::string>& options) {
  if (!contains(options, "set")) return {};
  if (contains(options, "task") || contains(options, "tasks")) return setting_names();
  std::vector<std::string> names;
  for (const Field& field : fields_of(EncoderConfig{})) names.push_back(field.name);
  return names;
}

std::string explain_option(const std::string& name, const std::string& value, const std::vector<std::string>& options) {
  const std::vector<std::string> settings = settings_taken(options);
  const std::string key = replaced(name, '-', '_');
  if (contains(settings, key))
    return fmt::format("; '{}' is a setting, not an option: --set {}", key, assignment(key, value));
  if (contains(options, "model-args"))
    if (const std::string sentence = explain_model_setting(key, models().names()); !sentence.empty())
      return fmt::format("; {} after --model-args", sentence);
  std::vector<std::string> known = options;
  known.insert(known.end(), settings.begin(), settings.end());
  const std::string near = nearest_name(name, known);
  if (near.empty()) return "";
  if (contains(options, near)) return fmt::format(", did you mean '--{}'?", near);
  return fmt::format(", did you mean the setting '{}'? Write --set {}", near, assignment(near, value));
}

std::string explain_model_setting(const std::string& key, const std::vector<std::string>& among) {
  std::vector<std::string> having;
  for (const std::string& model : among)
    for (const Field& field : models().at(model).settings)
      if (field.name == key) having.push_back(model);
  if (having.empty()) return "";
  return fmt::format("'{}' is a setting of {}: write {}:{}=…", key, fmt::join(having, ", "), having.front(), key);
}

void check_no_option(const Json& given, const Command& command) {
  const std::vector<std::string> options = command.option_names(), settings = settings_taken(options);
  for (const auto& [key, value] : given.items()) {
    if (contains(settings, key)) continue;
    const std::string option = replaced(key, '_', '-');
    if (contains(options, option))
      fail_usage("--set: '{}' is an option, not a setting: {}", key, as_option(option, value, command));
    if (key.find(':') != std::string::npos && contains(options, "model-args"))
      fail_usage("--set: '{}' is a model's own setting; write --model-args {}", key, assignment(key, text_of(value)));
    std::vector<std::string> known = settings;
    known.insert(known.end(), options.begin(), options.end());
    if (const std::string near = nearest_name(key, known); contains(options, near) && !contains(settings, near))
      fail_usage("--set: unknown key '{}', did you mean the option {}?", key, as_option(near, value, command));
  }
}

}  // namespace lra
