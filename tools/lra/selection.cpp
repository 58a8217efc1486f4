#include "tools/lra/selection.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/names.h"
#include "harness/experiment.h"
#include "models/layers/mixer.h"
#include "results/tables/versions.h"
#include "tasks/preset.h"
#include "tasks/task.h"

namespace lra {
namespace {

/// The rows of Tay et al. "Long Range Arena." arXiv:2011.04006, table 1.
const std::vector<std::string> kLra11{"transformer", "local",       "sparse",  "longformer", "linformer", "reformer",
                                      "sinkhorn",    "synthesizer", "bigbird", "linear",     "performer"};
constexpr std::size_t kMostSeeds = 10000;

/// Expands groups to their members among `available`; every other name must be in `known`.
std::vector<std::string> select(const std::string& what, const std::vector<std::string>& names,
                                std::vector<std::string> known, const std::vector<std::string>& available,
                                const std::string& group, const std::vector<std::string>& group_members) {
  std::vector<std::string> selected;
  known.insert(known.end(), {group, "all"});
  const auto take = [&](const std::string& name) {
    if (!contains(selected, name)) selected.push_back(name);
  };
  for (const std::string& name : names) {
    if (name == "all") {
      for (const std::string& member : available) take(member);
    } else if (name == group) {
      for (const std::string& member : group_members)
        if (contains(available, member)) take(member);
    } else {
      check_name(what, name, known);
      take(name);
    }
  }
  if (selected.empty()) fail_usage("no {} is selected: none of '{}' is available here", what, fmt::join(names, ", "));
  return selected;
}

std::uint64_t parse_seed(std::string_view text, const std::string& whole) {
  const auto seed = whole_number(text);
  if (!seed || *seed < 0) fail_usage("--seeds: '{}' is not a list of numbers and ranges such as 0..2,7", whole);
  return std::uint64_t(*seed);
}

/// The text without leading and trailing spaces.
std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::pair<std::string, std::string> cut_assignment(const std::string& text, const std::string& option) {
  const std::size_t at = text.find('=');
  const std::string key = trimmed(text.substr(0, at));
  if (at == std::string::npos || key.empty()) fail_usage("{}: '{}' is not of the form key=value", option, text);
  return {key, trimmed(text.substr(at + 1))};
}

std::pair<std::string, Json> parse_assignment(const std::string& text, const std::string& option) {
  const auto [key, value] = cut_assignment(text, option);
  return {key, parse_scalar(value)};
}

std::vector<std::string> tasks_of(const std::vector<StoredRun>& runs) {
  std::set<std::string> all;
  for (const StoredRun& run : runs) all.insert(run.task);
  return {all.begin(), all.end()};
}

/// The forms in which runs may name the task, most specific first.
std::vector<std::string> candidates(const std::string& task) {
  if (!is_own_task(task)) return {task};
  const std::size_t folder = task.find(':') + 1;
  std::string end = std::filesystem::path(task.substr(folder)).lexically_normal().string();
  if (end.ends_with('/')) end.pop_back();
  if (end.find('/') == std::string::npos && !end.starts_with('.'))
    return {stored_name(task), task.substr(0, folder) + end};
  return {task.substr(0, folder) + own_data_folder(task).string(), task.substr(0, folder) + end};
}

}  // namespace

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> split_list(const std::string& text, const std::string& option) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ',')
      parts.emplace_back();
    else
      parts.back() += text.compare(i, 2, "\\,") == 0 ? text[++i] : text[i];
  }
  for (std::string& part : parts) {
    part = trimmed(part);
    if (part.empty()) fail_usage("{}: '{}' has an empty name", option, text);
  }
  return parts;
}

void check_name(const std::string& what, const std::string& name, const std::vector<std::string>& known) {
  if (!contains(known, name)) fail_usage("unknown {} '{}'{}", what, name, suggestion(name, known));
}

void check_chosen_model(const std::string& option, const std::string& model, const std::vector<std::string>& chosen) {
  check_name("model", model, models().names());
  if (!contains(chosen, model))
    fail_usage("{}: the model '{}' is not among the selected models: {}", option, model, fmt::join(chosen, ", "));
}

void check_task(const std::string& name) {
  if (!is_own_task(name)) check_name("task", name, task_names());
}

std::vector<std::string> select_tasks(const std::string& names, const std::string& preset) {
  check_name("preset", preset, preset_names());
  std::vector<std::string> known = task_names();
  std::string own;
  const std::vector<std::string> wanted = split_list(names, "--tasks");
  for (const std::string& name : wanted) {
    if (is_own_task(name)) known.push_back(own = name);
    if (!own.empty() && !contains(known, name) && name != "lra5" && name != "all")
      fail_usage("unknown task '{}' after '{}'; write a comma within a folder's name as \\,", name, own);
  }
  return select("task", wanted, known, tasks_of_preset(preset), "lra5", lra_tasks(false));
}

std::vector<std::string> select_models(const std::string& names) {
  return select("model", split_list(names, "--models"), models().names(), models().names(), "lra11", kLra11);
}

std::string stored_task(const std::string& name, const std::vector<StoredRun>& runs) {
  for (const std::string& candidate : candidates(name))
    if (std::any_of(runs.begin(), runs.end(), [&](const StoredRun& run) { return is_on_task(run, candidate); }))
      return candidate;
  fail_usage("unknown task '{}'{}", name, suggestion(name, tasks_of(runs)));
}

std::vector<std::string> select_stored_tasks(const std::string& names, const std::vector<StoredRun>& runs) {
  const std::vector<std::string> stored = tasks_of(runs);
  std::vector<std::string> wanted = split_list(names, "--tasks"), known = stored;
  for (std::string& name : wanted)
    if (is_own_task(name)) known.push_back(name = stored_task(name, runs));
  return select("task", wanted, known, stored, "lra5", lra_tasks(false));
}

std::vector<std::string> select_stored_models(const std::string& names, const std::vector<std::string>& stored) {
  return select("model", split_list(names, "--models"), stored, stored, "lra11", kLra11);
}

Split parse_split(const std::string& name) {
  check_name("split", name, {"train", "valid", "test"});
  return name == "train" ? Split::train : name == "valid" ? Split::valid : Split::test;
}

std::vector<std::uint64_t> parse_seeds(const std::string& text) {
  std::vector<std::uint64_t> seeds;
  for (const std::string& part : split_list(text, "--seeds")) {
    const std::size_t dots = part.find("..");
    const std::uint64_t first = parse_seed(std::string_view(part).substr(0, dots), text);
    const std::uint64_t last =
        dots == std::string::npos ? first : parse_seed(std::string_view(part).substr(dots + 2), text);
    if (last < first || last - first >= kMostSeeds)
      fail_usage("--seeds: the range '{}' is empty or has more than {} seeds", part, kMostSeeds);
    for (std::uint64_t seed = first; seed <= last; ++seed)
      if (std::find(seeds.begin(), seeds.end(), seed) == seeds.end()) seeds.push_back(seed);
  }
  return seeds;
}

Json parse_settings(const std::vector<std::string>& assignments) {
  Json all = Json::object();
  for (const std::string& text : assignments) {
    const auto [key, value] = parse_assignment(text, "--set");
    all[key] = value;
  }
  return all;
}

Json parse_sweep(const std::vector<std::string>& assignments) {
  Json sweep;
  for (const std::string& text : assignments) {
    const auto [key, list] = cut_assignment(text, "--sweep");
    if (sweep.contains(key)) fail_usage("--sweep: '{}' is given twice", key);
    Json& values = sweep[key] = Json::array();
    for (const std::string& part : split_list(list, "--sweep")) {
      const Json value = parse_scalar(part);
      if (std::find(values.begin(), values.end(), value) != values.end())
        fail_usage("--sweep: '{}' names the value {} twice", text, part);
      values.push_back(value);
    }
    if (values.size() < 2) fail_usage("--sweep: '{}' has only one value; use --set", text);
  }
  return sweep;
}

Json parse_model_args(const std::vector<std::string>& assignments) {
  Json all = Json::object();
  for (const std::string& text : assignments) {
    const std::size_t colon = text.find(':');
    const std::string model = trimmed(text.substr(0, colon));
    if (colon == std::string::npos || model.empty())
      fail_usage("--model-args: '{}' is not of the form model:key=value", text);
    const auto [key, value] = parse_assignment(text.substr(colon + 1), "--model-args");
    all[model][key] = value;
  }
  return all;
}

}  // namespace lra
