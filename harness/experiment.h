/// From what was asked for to an experiment, its canonical form and its key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/json.h"
#include "harness/train.h"

namespace lra {

/// What a user changes of a preset.
struct Overrides {
  Json set = Json::object();         // keys of Recipe and of EncoderConfig, and "length" (set_length of tasks/task.h)
  Json model_args = Json::object();  // model → settings of that model
  Json sweep = Json();               // key of `set` → the values that are tried of it; null: no sweep
};

/// The keys of `Overrides::set`.
std::vector<std::string> setting_names();

/// Throws the usage error that `make_experiment` would throw for {key: value} in `Overrides::set`, but for one that
/// depends on other settings; `who` opens the sentence.
void check_setting(const std::string& key, const Json& value, const std::string& who = "--set");

/// Every choice of one value a key of a sweep, as keys of `set`, the last key's values first: {"lr": [1, 2]} → {"lr":
/// 1},
/// {"lr": 2}. One empty choice when there is no sweep.
std::vector<Json> choices_of(const Json& sweep);

/// The preset's plan for (task, model) with the overrides applied; `root` as for plan_task. Throws a usage error for an
/// unknown task, preset, model, key or setting (naming the nearest), and for a value that cannot be trained with.
Experiment make_experiment(const std::string& task, const std::string& preset, const std::string& model,
                           std::uint64_t seed, long limit, const Overrides& overrides,
                           const std::filesystem::path& root = {});

/// The settings that differ from the preset's, by name: {"k": 64, "lr": 0.003}.
Json changes(const Experiment& experiment);

/// False when the experiment saw fewer examples or took fewer steps than its preset says.
bool is_comparable(const Experiment& experiment);

/// All that decides the result and nothing else: no threads, no paths. Equal experiments give equal text.
/// Its model_revision is revision_in_key (revision.h).
Json canonical(const Experiment& experiment, const std::string& data_fingerprint);

/// 64 hex digits: SHA-256 of the canonical JSON's text.
std::string key_of(const Json& canonical_experiment);

/// Exact count of the trained parameters. Takes no time: the model is not built. Throws a usage error for settings that
/// no model can be built from.
long count_parameters(const Experiment& experiment);

/// For the way to another process and back; decode(encode(e)) equals e.
Json encode(const Experiment& experiment);
Experiment decode_experiment(const Json& json);

}  // namespace lra
