/// Parses the tasks, models, seeds and settings on the command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "datasets/dataset.h"
#include "results/store/record.h"

namespace lra {

bool contains(const std::vector<std::string>& names, const std::string& name);

/// Splits "a, b" into a and b; "\," is a comma within a name. Throws a usage error that names `option` for an empty
/// part.
std::vector<std::string> split_list(const std::string& text, const std::string& option);

/// Throws a usage error with the nearest known name when `name` is not among `known`.
void check_name(const std::string& what, const std::string& name, const std::vector<std::string>& known);

/// Throws a usage error that names `option` when `model` is unknown or not among the `chosen` models.
void check_chosen_model(const std::string& option, const std::string& model, const std::vector<std::string>& chosen);

/// Throws a usage error unless `name` is a task or "tsv:FOLDER".
void check_task(const std::string& name);

/// Selects tasks by names, "tsv:FOLDER", and the groups lra5 (those in the preset) and all (every task of the preset).
/// Keeps the order and drops duplicates. Throws a usage error for an unknown name or an empty selection.
std::vector<std::string> select_tasks(const std::string& names, const std::string& preset);

/// Selects models by names and the groups lra11 (those in this build) and all.
std::vector<std::string> select_models(const std::string& names);

/// The form of a task's name with which is_on_task (results/tables/versions.h) matches at least one of these runs; for
/// "tsv:FOLDER" that is the absolute folder or the suffix that tables print. Throws a usage error if no run matches.
std::string stored_task(const std::string& name, const std::vector<StoredRun>& runs);

/// As select_tasks and select_models, but among stored tasks and models.
std::vector<std::string> select_stored_tasks(const std::string& names, const std::vector<StoredRun>& runs);
std::vector<std::string> select_stored_models(const std::string& names, const std::vector<std::string>& stored);

/// Parses "train", "valid" or "test". Throws a usage error.
Split parse_split(const std::string& name);

/// Parses "0", "0..2", "1,3" or "0..2,7". Throws a usage error.
std::vector<std::uint64_t> parse_seeds(const std::string& text);

/// Parses "key=value" assignments into {key: value}; the last value of a key wins.
Json parse_settings(const std::vector<std::string>& assignments);

/// Parses "key=a,b,c" assignments into {key: [a, b, c]}; null without assignments. The key "model:key" is a setting of
/// that model. Throws a usage error unless each key has at least two values, all distinct.
Json parse_sweep(const std::vector<std::string>& assignments);

/// Parses "model:key=value" assignments into {model: {key: value}}.
Json parse_model_args(const std::vector<std::string>& assignments);

}  // namespace lra
