/// Makes an experiment from a user's request, and its canonical form and key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/json.h"
#include "harness/train.h"

namespace lra {

/// A user's changes to a preset.
struct Overrides {
  /// Keys of Recipe and of EncoderConfig, "length" (set_length of tasks/task.h), and those of set_data.
  Json set = Json::object();
  Json model_args = Json::object();  // model → settings of that model
  Json sweep = Json();               // key of `set` → the values to try; null: no sweep
};

/// The keys of `Overrides::set`.
std::vector<std::string> setting_names();

/// Whether the key changes the data, so that each of its values is another task variant.
bool changes_data(const std::string& key);

/// Throws the usage error that `make_experiment` would throw for {key: value} in `Overrides::set`, unless that error
/// depends on other settings. The sentence begins with `who`.
void check_setting(const std::string& key, const Json& value, const std::string& who = "--set");

/// Returns every combination of a sweep's values as keys of `set`; the last key varies fastest. {"lr": [1, 2]} gives
/// {"lr": 1} and {"lr": 2}; no sweep gives one empty combination.
std::vector<Json> choices_of(const Json& sweep);

/// Makes the preset's plan for (task, model) with the overrides applied; `root` as for plan_task. Throws a usage error
/// for an unknown task, preset, model, key or setting, which names the nearest known one, and for a value that training
/// cannot use.
Experiment make_experiment(const std::string& task, const std::string& preset, const std::string& model,
                           std::uint64_t seed, long limit, const Overrides& overrides,
                           const std::filesystem::path& root = {});

/// Returns the settings that differ from the preset's, by name: {"k": 64, "lr": 0.003}.
Json changes(const Experiment& experiment);

/// Returns false if the experiment uses fewer examples or fewer steps than its preset.
bool is_comparable(const Experiment& experiment);

/// Everything that decides the result and nothing else: no threads, no paths. Equal experiments give equal text.
Json canonical(const Experiment& experiment, const std::string& data_fingerprint);

/// 64 hex digits: SHA-256 of the canonical JSON's text.
std::string key_of(const Json& canonical_experiment);

/// Counts the trained parameters exactly, without building the model. Throws a usage error for settings that no model
/// can be built from.
long count_parameters(const Experiment& experiment);

/// For transfer to another process: decode_experiment(encode(e)) equals e.
Json encode(const Experiment& experiment);
Experiment decode_experiment(const Json& json);

}  // namespace lra
