#include "harness/experiment.h"

#include "core/digest.h"
#include "core/names.h"
#include "harness/revision.h"
#include "models/layers/classifier.h"

namespace lra {
namespace {

std::vector<std::string> field_names(const std::vector<Field>& fields) {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const Field& field : fields) names.push_back(field.name);
  return names;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What changes the data of more than one task; the settings of single tasks are data_setting_names().
struct DataSettings {
  long length = 0;
  void fields(auto&& f) {
    f("length", length, "tokens that sequences are cut at; the preset's where it is not set", at_least(1));
  }
};

/// The keys of `set`, divided by what they belong to.
struct SplitSettings {
  Json recipe = Json::object(), encoder = Json::object(), length = Json::object(), data = Json::object();
};

SplitSettings split(const Json& set, const std::string& who = "--set") {
  SplitSettings parts;
  const auto recipe = field_names(fields_of(Recipe{})), encoder = field_names(fields_of(EncoderConfig{}));
  for (const auto& [key, value] : set.items()) {
    if (contains(recipe, key))
      parts.recipe[key] = value;
    else if (contains(encoder, key))
      parts.encoder[key] = value;
    else if (contains(field_names(fields_of(DataSettings{})), key))
      parts.length[key] = value;
    else if (contains(data_setting_names(), key))
      parts.data[key] = value;
    else
      fail_usage("{}: unknown key '{}'{}", who, key, suggestion(key, setting_names()));
  }
  return parts;
}

/// Rejects a model's setting in --set and names the option that sets it.
void check_not_of_model(const Json& set, const ModelEntry& entry, const std::string& model) {
  const auto known = setting_names(), own = field_names(entry.settings);
  for (const auto& [key, value] : set.items())
    if (!contains(known, key) && contains(own, key))
      fail_usage("--set: '{}' is a setting of the model '{}'; set it with --model-args {}:{}=…", key, model, model,
                 key);
}

Json encode_spec(const TaskSpec& spec) {
  Json json{{"name", spec.name},       {"variant", spec.variant}, {"vocab", spec.vocab},   {"length", spec.length},
            {"classes", spec.classes}, {"paired", spec.paired},   {"height", spec.height}, {"width", spec.width}};
  if (spec.reads_numbers()) json.update({{"mean", spec.mean}, {"deviation", spec.deviation}});
  return json;
}

TaskSpec decode_spec(const Json& json) {
  TaskSpec spec;
  json.at("name").get_to(spec.name);
  json.at("variant").get_to(spec.variant);
  json.at("vocab").get_to(spec.vocab);
  json.at("length").get_to(spec.length);
  json.at("classes").get_to(spec.classes);
  json.at("paired").get_to(spec.paired);
  json.at("height").get_to(spec.height);
  json.at("width").get_to(spec.width);
  spec.mean = json.value("mean", 0.0);
  spec.deviation = json.value("deviation", 0.0);
  return spec;
}

}  // namespace

std::vector<std::string> setting_names() {
  std::vector<std::string> all = field_names(fields_of(Recipe{}));
  for (const auto& fields : {fields_of(EncoderConfig{}), fields_of(DataSettings{})})
    for (const Field& field : fields) all.push_back(field.name);
  for (const std::string& name : data_setting_names()) all.push_back(name);
  return all;
}

bool changes_data(const std::string& key) {
  return contains(field_names(fields_of(DataSettings{})), key) || contains(data_setting_names(), key);
}

void check_setting(const std::string& key, const Json& value, const std::string& who) {
  const SplitSettings parts = split({{key, value}}, who);
  (void)parse<Recipe>(parts.recipe, who);
  (void)parse<EncoderConfig>(parts.encoder, who);
  (void)parse<DataSettings>(parts.length, who);
}

Experiment make_experiment(const std::string& task, const std::string& preset, const std::string& model,
                           std::uint64_t seed, long limit, const Overrides& overrides,
                           const std::filesystem::path& root) {
  const ModelEntry& entry = models().at(model);
  if (limit < 0) fail_usage("--limit must be 0 or more, not {}", limit);

  Experiment experiment;
  experiment.plan = plan_task(task, preset, model, root);
  experiment.model = model;
  experiment.seed = seed;
  experiment.limit = limit;
  experiment.sweep = overrides.sweep;

  check_not_of_model(overrides.set, entry, model);
  const SplitSettings set = split(overrides.set);
  experiment.plan.recipe = parse<Recipe>(set.recipe, "--set", experiment.plan.recipe);
  const EncoderConfig shape = parse<EncoderConfig>(experiment.plan.encoder, fmt::format("preset '{}'", preset));
  experiment.plan.encoder = to_json(parse<EncoderConfig>(set.encoder, "--set", shape));
  if (const long length = parse<DataSettings>(set.length, "--set").length) set_length(experiment.plan, length);
  if (!set.data.empty()) set_data(experiment.plan, set.data);

  experiment.model_settings = experiment.plan.mixer.is_null() ? Json::object() : experiment.plan.mixer;
  if (overrides.model_args.contains(model)) experiment.model_settings.update(overrides.model_args.at(model));
  experiment.model_settings = entry.resolve(experiment.model_settings);
  (void)resolve_settings(experiment);  // rejects a recipe that training cannot use
  return experiment;
}

std::vector<Json> choices_of(const Json& sweep) {
  std::vector<Json> choices{Json::object()};
  for (const auto& [key, values] : sweep.items()) {
    std::vector<Json> longer;
    for (const Json& choice : choices)
      for (const Json& value : values) {
        longer.push_back(choice);
        longer.back()[key] = value;
      }
    choices = std::move(longer);
  }
  return choices;
}

Json changes(const Experiment& experiment) {
  const Experiment usual = make_experiment(experiment.plan.task, experiment.plan.preset, experiment.model, 0, 0, {});
  Json all = Json::object();
  const auto compare = [&all](const Json& now, const Json& before) {
    for (const auto& [key, value] : now.items())
      if (value != before.at(key)) all[key] = value;
  };
  compare(to_json(experiment.plan.recipe), to_json(usual.plan.recipe));
  compare(experiment.plan.encoder, usual.plan.encoder);
  compare(experiment.model_settings, usual.model_settings);
  return all;
}

bool is_comparable(const Experiment& experiment) {
  const TaskPlan usual = plan_task(experiment.plan.task, experiment.plan.preset, experiment.model);
  return experiment.limit == 0 && experiment.plan.recipe.steps >= usual.recipe.steps;
}

Json canonical(const Experiment& experiment, const std::string& data_fingerprint) {
  const TaskPlan& plan = experiment.plan;
  Json form{{"task", encode_spec(plan.spec)},
            {"data", plan.data},
            {"data_fingerprint", data_fingerprint},
            {"model", experiment.model},
            {"model_revision", model_revision(experiment.model)},
            {"settings", resolve_settings(experiment)},
            {"recipe", to_json(plan.recipe)},  // includes the selection
            {"limit", experiment.limit},
            {"seed", experiment.seed}};
  // A trial of a sweep is another experiment than the same settings chosen beforehand: tables show them in different
  // rows.
  if (!experiment.sweep.is_null()) form["sweep"] = experiment.sweep;
  return form;
}

std::string key_of(const Json& canonical_experiment) { return sha256(canonical_experiment.dump()); }

long count_parameters(const Experiment& experiment) {
  const auto shape = parse<EncoderConfig>(experiment.plan.encoder, "encoder");
  const Classifier model(experiment.model, experiment.model_settings, shape, experiment.plan.spec, experiment.seed,
                         Classifier::Build::shapes);
  return model.parameters().trained();
}

Json encode(const Experiment& experiment) {
  const TaskPlan& plan = experiment.plan;
  return {{"task", plan.task},
          {"spec", encode_spec(plan.spec)},
          {"preset", plan.preset},
          {"data", plan.data},
          {"encoder", plan.encoder},
          {"mixer", plan.mixer},
          {"recipe", to_json(plan.recipe)},
          {"model", experiment.model},
          {"model_settings", experiment.model_settings},
          {"seed", experiment.seed},
          {"limit", experiment.limit},
          {"sweep", experiment.sweep}};
}

Experiment decode_experiment(const Json& json) {
  Experiment experiment;
  TaskPlan& plan = experiment.plan;
  json.at("task").get_to(plan.task);
  plan.spec = decode_spec(json.at("spec"));
  json.at("preset").get_to(plan.preset);
  plan.data = json.at("data");
  plan.encoder = json.at("encoder");
  plan.mixer = json.at("mixer");
  plan.recipe = parse<Recipe>(json.at("recipe"), "recipe");
  json.at("model").get_to(experiment.model);
  experiment.model_settings = json.at("model_settings");
  json.at("seed").get_to(experiment.seed);
  json.at("limit").get_to(experiment.limit);
  experiment.sweep = json.at("sweep");
  return experiment;
}

}  // namespace lra
