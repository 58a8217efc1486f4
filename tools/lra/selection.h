/// From the words of the command line to tasks, models, seeds and settings.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/core/json.h"
#include "results/store/record.h"

namespace lra {

/// "a, b" → a, b; "\," is a comma of a name. Empty parts are a usage error that names `option`.
std::vector<std::string> split_list(const std::string& text, const std::string& option);

/// Throws a usage error naming the nearest when `name` is not among `known`.
void check_name(const std::string& what, const std::string& name, const std::vector<std::string>& known);

/// Throws a usage error when `model`, which `option` names, is no model's name or is not among the `chosen`.
void check_chosen_model(const std::string& option, const std::string& model, const std::vector<std::string>& chosen);

/// Throws a usage error unless `name` is a task's or "tsv:FOLDER".
void check_task(const std::string& name);

/// Names, "tsv:FOLDER", and groups: lra5 (those the preset has), all (every task of the preset). Keeps the order, drops
/// repetitions.
std::vector<std::string> select_tasks(const std::string& names, const std::string& preset);

/// Names and groups: lra11 (those in this build), all.
std::vector<std::string> select_models(const std::string& names);

/// A task's name as `is_on_task` of results/tables/versions.h knows it of these runs: of "tsv:FOLDER" the whole folder,
/// or an end of it as tables print it. Throws a usage error when none of them is on it.
std::string stored_task(const std::string& name, const std::vector<StoredRun>& runs);

/// The same names and groups as above, of what is stored.
std::vector<std::string> select_stored_tasks(const std::string& names, const std::vector<StoredRun>& runs);
std::vector<std::string> select_stored_models(const std::string& names, const std::vector<std::string>& stored);

/// "0", "0..2", "1,3", "0..2,7".
std::vector<std::uint64_t> parse_seeds(const std::string& text);

/// "key=value" → {key: value}, merged into one object; the last of a key wins.
Json parse_settings(const std::vector<std::string>& assignments);

/// "key=a,b,c" → {key: [a, b, c]}, merged into one object; null for no assignments. "model:key" is a setting of that
/// model. At least two values per key, and no value twice.
Json parse_sweep(const std::vector<std::string>& assignments);

/// "model:key=value" → {model: {key: value}}.
Json parse_model_args(const std::vector<std::string>& assignments);

}  // namespace lra
