#include "tasks/task.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/names.h"
#include "core/text.h"
#include "datasets/source.h"
#include "datasets/tsv.h"
#include "tasks/definition.h"
#include "tasks/preset.h"

namespace lra {
namespace {

/// Return `data` without its "source" and with every default filled in, or unchanged for a source that this build
/// lacks.
Json resolve_data(const Json& data) {
  const std::string name = data.at("source");
  Json settings = data;
  settings.erase("source");
  if (sources().contains(name)) settings = sources().at(name).resolve(settings);
  settings["source"] = name;
  return settings;
}

Json settings_of(const Json& data) {
  Json settings = data;
  settings.erase("source");
  return settings;
}

/// Return why the source of `data` cannot read its files below `root`, judged by their names; empty when it can.
std::string obstacle(const Json& data, const std::filesystem::path& root) {
  const std::string name = data.at("source");
  if (!sources().contains(name)) return "this build has no source " + name;
  return refusal_of([&] { sources().at(name).inputs(settings_of(data), root); });
}

/// Return the part of the source's files that is present; nothing for files that cannot be counted, whose error
/// `check_files` reports.
std::optional<Portion> portion_of(const Json& data, const std::filesystem::path& root) {
  const auto& find = sources().at(data.at("source")).portion;
  std::optional<Portion> portion;
  if (find) refusal_of([&] { portion = find(settings_of(data), root); });
  return portion;
}

/// "pathfinder32@overnight" of 12,000 examples is "pathfinder32@part-12000-overnight".
std::string part_name(const std::string& variant, long examples) {
  const std::size_t at = variant.find('@');
  const std::string rest = at == std::string::npos ? "" : "-" + variant.substr(at + 1);
  return fmt::format("{}@part-{}{}", variant.substr(0, at), examples, rest);
}

/// A preset's entry for a task, given the files that are present.
struct Choice {
  Json entry;
  std::string remark;
};

/// Return the task's entry in the preset, with the data of a part where only a part of the official files is present,
/// and with the fallback's data where they are missing and the fallback can be read.
Choice choose(const Json& preset, const std::string& task, const std::filesystem::path& root) {
  Choice choice{preset.at("tasks").at(task), ""};
  Json& entry = choice.entry;
  const std::string source = entry.at("data").at("source"), variant = entry.at("variant");
  const std::string missing = obstacle(entry.at("data"), root);
  if (missing.empty()) {
    const auto portion = portion_of(entry.at("data"), root);
    if (!portion) return choice;
    entry["data"] = portion->settings;
    entry["data"]["source"] = source;
    entry["variant"] = part_name(variant, portion->examples);
    choice.remark = fmt::format("{} stands for {}, of which only a part is there: {}",
                                entry["variant"].get<std::string>(), variant, portion->what);
  } else if (entry.contains("fallback") && obstacle(entry.at("fallback").at("data"), root).empty()) {
    entry.update(entry.at("fallback"));
    choice.remark = fmt::format("{} stands in for {}: {}", entry["variant"].get<std::string>(), variant, missing);
  }
  return choice;
}

constexpr std::string_view kOwn = "tsv:";

constexpr long kLongest = 1 << 20;  // the longest truncation length, in tokens

std::filesystem::path own_folder(const std::string& task) {
  if (task.size() == kOwn.size()) fail_usage("'{}' names no folder; write tsv:FOLDER", task);
  return task.substr(kOwn.size());
}

TaskPlan plan_own_task(const std::string& task, const std::string& preset, const std::string& model) {
  const auto folder = own_data_folder(task);
  if (!is_utf8(folder.string()))
    fail_usage("{}: the folder {} has a name that is not UTF-8; give it another, with which its results can be kept",
               task, shell_word(folder.string()));
  const tsv::Shape shape = tsv::shape_of(folder);
  TaskPlan plan = plan_task(shape.paired ? "retrieval" : "text", preset, model);
  plan.task = std::string(kOwn) + folder.string();
  plan.spec.name = stored_name(task);
  const std::size_t suffix = plan.spec.variant.find('@');
  plan.spec.variant = plan.spec.name + (suffix == std::string::npos ? "" : plan.spec.variant.substr(suffix));
  plan.spec.classes = long(shape.classes.size());
  plan.classes = shape.classes;
  plan.data = resolve_data({{"source", "tsv"}, {"length", plan.spec.length}});
  return plan;
}

TaskSpec spec_of(const std::string& task, const Json& entry) {
  const TaskEntry& definition = task_definitions().at(task);
  TaskSpec spec;
  spec.name = task;
  spec.variant = entry.at("variant");
  spec.vocab = definition.vocab;
  spec.length = entry.at("length");
  spec.classes = definition.classes;
  spec.paired = definition.paired;
  if (definition.shape) definition.shape(resolve_data(entry.at("data")), spec);
  if (entry.contains("numbers")) {
    spec.mean = entry.at("numbers").at("mean");
    spec.deviation = entry.at("numbers").at("deviation");
  }
  if (definition.image) spec.height = spec.width = std::lround(std::sqrt(double(spec.length)));
  return spec;
}

/// The source of a plan's data, its settings, and the folder of its files.
struct Origin {
  std::string source;
  Json settings;
  std::filesystem::path root;
};

Origin origin_of(const TaskPlan& plan, const DataPaths& paths) {
  Origin from{plan.data.at("source"), plan.data, is_own_task(plan.task) ? own_folder(plan.task) : paths.root};
  if (!sources().contains(from.source))
    fail_data("the data of {} are not available yet: this build has no source '{}', which will read {}",
              plan.spec.variant, from.source, task_definitions().at(plan.spec.name).official);
  from.settings.erase("source");
  return from;
}

/// Whether a split's bounds alone show that all its examples fit `spec`.
bool fits(const TaskSpec& spec, const Extent& extent) {
  const std::int64_t pixels = spec.height * spec.width;
  return extent.largest_label < spec.classes && extent.largest_token < spec.vocab && extent.shortest > 0 &&
         std::max(extent.longest, extent.second_longest) <= spec.length &&
         (spec.paired ? extent.second_shortest > 0 : extent.second_longest == 0) &&
         (pixels == 0 || (extent.shortest == pixels && extent.longest == pixels));
}

/// Return why a model built for `spec` cannot read the example; empty when it can.
std::string flaw(const TaskSpec& spec, const Example& example) {
  if (example.label < 0 || example.label >= spec.classes)
    return fmt::format("has label {}, but there are {} classes", example.label, spec.classes);
  if (example.tokens.empty()) return "is empty";
  if (example.second.empty() == spec.paired) return spec.paired ? "has one sequence, not two" : "has two sequences";
  for (const auto sequence : {example.tokens, example.second}) {
    if (long(sequence.size()) > spec.length)
      return fmt::format("has {} tokens, more than the maximum of {}", sequence.size(), spec.length);
    for (const std::uint16_t token : sequence)
      if (token >= spec.vocab) return fmt::format("holds token {}, but ids end at {}", token, spec.vocab - 1);
  }
  if (spec.height > 0 && long(example.tokens.size()) != spec.height * spec.width)
    return fmt::format("has {} pixels, not {} by {}", example.tokens.size(), spec.height, spec.width);
  return {};
}

/// Throws a data error for data that a model built for `spec` cannot read. Reads examples only to name the one at
/// fault.
void check(const TaskPlan& plan, const Dataset& data) {
  const TaskSpec& spec = plan.spec;
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    if (data.size(split) == 0) fail_data("{}: the {} split is empty", spec.variant, name_of(split));
    if (fits(spec, data.extent(split))) continue;
    for (long i = 0; i < data.size(split); ++i) {
      const std::string what = flaw(spec, data.at(split, i));
      if (!what.empty()) fail_data("{}: example {} of the {} split {}", spec.variant, i, name_of(split), what);
    }
  }
}

}  // namespace

Registry<TaskEntry>& task_definitions() {
  static Registry<TaskEntry> registry("task");
  return registry;
}

std::vector<std::string> task_names() { return task_definitions().names(); }

std::vector<std::string> lra_tasks(bool with_pathx) {
  const auto column = [](const std::string& name) { return task_definitions().at(name).lra_column; };
  std::vector<std::string> names = task_names();
  std::erase_if(names, [&](const std::string& name) {
    return column(name) == 0 || (!with_pathx && task_definitions().at(name).may_fail);
  });
  std::ranges::sort(names, {}, column);
  return names;
}

std::vector<std::string> tasks_of_preset(const std::string& name) {
  std::vector<std::string> covered;
  for (const auto& [task, entry] : preset(name).at("tasks").items())
    if (sources().contains(entry.at("data").at("source"))) covered.push_back(task);
  return covered;
}

bool is_own_task(const std::string& task) { return task.starts_with(kOwn); }

std::filesystem::path own_data_folder(const std::string& task) {
  const auto given = std::filesystem::absolute(own_folder(task)).lexically_normal();
  const auto folder = utf8_path(std::filesystem::weakly_canonical(given), given);
  return folder.has_filename() ? folder : folder.parent_path();
}

std::string stored_name(const std::string& task) {
  return is_own_task(task) ? std::string(kOwn) + own_data_folder(task).filename().string() : task;
}

std::string describe_task(const std::string& task) {
  return is_own_task(task) ? "labelled texts of the user, read byte by byte" : task_definitions().at(task).summary;
}

TaskPlan plan_task(const std::string& task, const std::string& name, const std::string& model,
                   const std::filesystem::path& root) {
  if (is_own_task(task)) return plan_own_task(task, name, model);
  task_definitions().at(task);
  const Json& chosen = preset(name);
  if (!chosen.at("tasks").contains(task)) {
    std::vector<std::string> covered;
    for (const auto& [key, entry] : chosen.at("tasks").items()) covered.push_back(key);
    fail_usage("preset '{}' does not cover task '{}'{}", name, task, suggestion(task, covered));
  }
  const auto [entry, remark] = choose(chosen, task, root);
  TaskPlan plan;
  plan.remark = remark;
  plan.task = task;
  plan.spec = spec_of(task, entry);
  plan.preset = name;
  plan.data = resolve_data(entry.at("data"));
  if (const std::string source = plan.data.at("source"); sources().contains(source))
    plan.classes = sources().at(source).facts.classes;
  plan.encoder = preset_settings(chosen, task, model, "encoder");
  plan.mixer = preset_settings(chosen, task, model, "mixer");
  plan.recipe = parse<Recipe>(preset_settings(chosen, task, model, "recipe"), "preset " + name);
  return plan;
}

void set_length(TaskPlan& plan, long length) {
  const auto cut = plan.data.find("length");
  if (cut == plan.data.end())
    fail_usage("--set: the examples of {} are not cut to a length, so 'length' cannot be set", plan.spec.variant);
  if (length < 1 || length > kLongest) fail_usage("--set: length must be from 1 to {}, not {}", kLongest, length);
  if (length == plan.spec.length) return;
  std::string& variant = plan.spec.variant;
  const std::string before = fmt::format("@{}", plan.spec.length);
  if (variant.ends_with(before)) variant.resize(variant.size() - before.size());
  variant += fmt::format("{}{}", variant.find('@', plan.spec.name.size()) == std::string::npos ? '@' : '-', length);
  *cut = plan.spec.length = length;
}

std::vector<std::string> data_setting_names() {
  std::set<std::string> names;
  for (const std::string& task : task_names())
    for (const std::string& name : task_definitions().at(task).settings) names.insert(name);
  return {names.begin(), names.end()};
}

void set_data(TaskPlan& plan, const Json& settings) {
  const TaskEntry none, &definition = is_own_task(plan.task) ? none : task_definitions().at(plan.task);
  Json data = plan.data;
  for (const auto& [key, value] : settings.items()) {
    if (std::ranges::find(definition.settings, key) == definition.settings.end())
      fail_usage("--set: '{}' is not a setting of the data of {}", key, plan.spec.variant);
    data[key] = value;
  }
  data = resolve_data(data);
  for (const auto& [key, value] : settings.items())
    if (data.at(key) != plan.data.at(key)) plan.spec.variant += fmt::format("-{}={}", key, data.at(key).dump());
  plan.data = data;
  if (definition.shape) definition.shape(plan.data, plan.spec);
}

std::filesystem::path data_folder(const TaskPlan& plan, const DataPaths& paths) {
  const std::filesystem::path folder = is_own_task(plan.task) ? own_folder(plan.task) : paths.root;
  return folder.empty() ? folder : utf8_path(std::filesystem::absolute(folder).lexically_normal(), folder);
}

std::filesystem::path prepared_file(const TaskPlan& plan, const DataPaths& paths) {
  const Origin from = origin_of(plan, paths);
  return cache_file(from.source, from.settings, from.root, paths.cache);
}

void check_files(const TaskPlan& plan, const DataPaths& paths) {
  const Origin from = origin_of(plan, paths);
  check_source(from.source, from.settings, from.root);
}

std::unique_ptr<Dataset> open_data(const TaskPlan& plan, const DataPaths& paths) {
  const Origin from = origin_of(plan, paths);
  const Notice notice = [&](const std::string& sentence) {
    if (paths.notice) paths.notice(fmt::format("{}: {}", plan.spec.variant, sentence));
  };
  auto data = open_source(from.source, from.settings, from.root, paths.cache, notice);
  check(plan, *data);
  return data;
}

}  // namespace lra
