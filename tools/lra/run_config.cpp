#include "tools/lra/run_config.h"

#include <algorithm>
#include <map>

#include "core/file.h"
#include "core/names.h"
#include "models/layers/registry.h"
#include "tools/lra/hints.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

/// Iterates over a text and counts its lines.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  long* line;

  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    if (*at++ == '\n') ++*line;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at == other.at; }
  bool operator!=(const CountingIterator& other) const { return at != other.at; }
};

/// A configuration and the lines of its keys.
class ConfigFile {
 public:
  explicit ConfigFile(const std::string& file) : file_(file) {
    const std::string text = read_file(file);
    long line = 1;
    std::string outer;
    const auto note_key = [&](int depth, Json::parse_event_t event, Json& parsed) {
      if (event != Json::parse_event_t::key || depth > 2) return true;
      if (depth == 1) outer = parsed.get<std::string>();
      const auto [place, is_new] = lines_.emplace(depth == 1 ? outer : outer + "." + parsed.get<std::string>(), line);
      if (!is_new) fail_usage("{} line {}: '{}' is already on line {}", file, line, place->first, place->second);
      return true;
    };
    try {
      json_ = Json::parse(CountingIterator{text.data(), &line}, CountingIterator{text.data() + text.size(), &line},
                          note_key, /*allow_exceptions=*/true, /*ignore_comments=*/true);
    } catch (const Json::parse_error& error) {
      const std::string_view what = error.what();
      fail_usage("{} line {}: this is not JSON ({})", file, line, what.substr(what.rfind(": ") + 2));
    }
    if (!json_.is_object()) fail_usage("{} is not a JSON object with options of 'lra run'", file);
  }

  const Json& json() const { return json_; }

  /// Runs `use`; adds the file and the line of `key` ("limit", "set.lr") to any error it throws.
  template <typename Use>
  void at(const std::string& key, const Use& use) const {
    try {
      use();
    } catch (const Error& error) {
      const auto line = lines_.find(key);
      throw Error(error.kind(),
                  fmt::format("{} line {}: {}", file_, line == lines_.end() ? 1 : line->second, error.what()));
    }
  }

 private:
  std::string file_;
  Json json_;
  std::map<std::string, long> lines_;
};

std::string word_of(const Json& value, const std::string& key) {
  if (value.is_string()) {
    auto word = value.get<std::string>();
    // A command line cannot contain it, and the system would truncate a path at it.
    if (word.find('\0') != std::string::npos) fail_usage("'{}' contains the character U+0000: {}", key, value.dump());
    return word;
  }
  if (!value.is_primitive() || value.is_null()) fail_usage("'{}' cannot be {}", key, value.dump());
  return value.dump();
}

/// The value in command-line syntax: lists are joined with commas, and a comma within an entry becomes "\\,".
std::string words_of(const Json& value, const std::string& key) {
  if (!value.is_array()) return word_of(value, key);
  std::string words;
  for (const Json& entry : value) {
    if (!words.empty()) words += ',';
    for (const char c : word_of(entry, key)) words.append(c == ',' ? "\\," : std::string(1, c));
  }
  return words;
}

const Json& object_at(const Json& value, const std::string& key) {
  if (!value.is_object()) fail_usage("'{}' must be an object, not {}", key, value.dump());
  return value;
}

void take_set(const ConfigFile& file, const Json& settings, Overrides& overrides) {
  file.at("set", [&] { object_at(settings, "set"); });
  for (const auto& [key, value] : settings.items())
    file.at("set." + key, [&, &key = key, &value = value] {
      check_setting(key, value);
      overrides.set[key] = value;
    });
}

void take_model_args(const ConfigFile& file, const std::string& name, const Json& settings, Overrides& overrides) {
  file.at(name, [&] { object_at(settings, name); });
  for (const auto& [model, own] : settings.items())
    file.at(fmt::format("{}.{}", name, model), [&, &model = model, &own = own] {
      (void)models().at(model).resolve(object_at(own, model));
      overrides.model_args[model] = own;
    });
}

void take_sweep(const ConfigFile& file, const Json& sweep, Overrides& overrides) {
  file.at("sweep", [&] { object_at(sweep, "sweep"); });
  for (const auto& [key, values] : sweep.items())
    file.at("sweep." + key, [&, &key = key, &values = values] {
      overrides.sweep.update(parse_sweep({key + "=" + words_of(values, key)}));
    });
}

void take_option(const Command& command, const std::string& option, const std::string& key, const Json& value) {
  if (command.is_flag(option)) {
    if (!value.is_boolean()) fail_usage("'{}' must be true or false, not {}", key, value.dump());
    if (value.get<bool>()) command.set_option(option, {"true"});
    return;
  }
  if (option == "plugin" && value.is_array()) {
    for (const Json& one : value) command.set_option(option, {word_of(one, key)});
    return;
  }
  const bool is_list = option == "tasks" || option == "models" || option == "seeds";
  command.set_option(option, {is_list ? words_of(value, key) : word_of(value, key)});
}

std::string option_of(std::string key) {
  std::replace(key.begin(), key.end(), '_', '-');
  return key;
}

}  // namespace

void apply_config(const Command& command, const std::string& name, Overrides& overrides, const CheckOption& check) {
  const ConfigFile file(name);
  std::vector<std::string> known = command.option_names();
  std::erase(known, "config");
  overrides.sweep = Json();
  // Plug-ins first, because other keys may name their models.
  std::vector<std::string> keys;
  for (const auto& [key, value] : file.json().items()) keys.push_back(key);
  std::stable_partition(keys.begin(), keys.end(), [](const std::string& key) { return key == "plugin"; });
  std::map<std::string, std::string> key_of;  // by option, its key in the file
  std::vector<std::string> taken;             // keys of options that the command line does not set
  for (const std::string& key : keys) {
    const Json& value = file.json().at(key);
    const std::string option = option_of(key);
    file.at(key, [&] {
      if (std::find(known.begin(), known.end(), option) != known.end()) return;
      const std::vector<std::string> settings = setting_names();
      if (std::find(settings.begin(), settings.end(), key) != settings.end() ||
          !explain_model_setting(key, models().names()).empty())
        fail_usage("'{}' is a setting and belongs in \"set\" or \"model_args\"", key);
      fail_usage("unknown option '{}'{}", key, suggestion(option, known));
    });
    if (const auto [same, is_new] = key_of.emplace(option, key); !is_new)
      file.at(key, [&, &same = same] { fail_usage("'{}' and '{}' are the same option", same->second, key); });
    if (option == "set")
      take_set(file, value, overrides);
    else if (option == "model-args")
      take_model_args(file, key, value, overrides);
    else if (option == "sweep" && !command.given("sweep"))
      take_sweep(file, value, overrides);
    else if (option != "sweep" && (option == "plugin" || !command.given(option)))
      file.at(key, [&] { take_option(command, option, key, value); }), taken.push_back(key);
  }
  // Last, because the valid values of one option depend on others.
  for (const std::string& key : taken) file.at(key, [&] { check(option_of(key), ""); });
  if (const auto own = key_of.find("model-args"); own != key_of.end())
    for (const auto& [model, settings] : file.json().at(own->second).items())
      file.at(fmt::format("{}.{}", own->second, model), [&, &model = model] { check("model-args", model); });
}

}  // namespace lra
