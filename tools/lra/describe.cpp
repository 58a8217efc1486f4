#include <cstdio>
#include <iostream>

#include "datasets/source.h"
#include "harness/experiment.h"
#include "harness/measure.h"
#include "harness/reach.h"
#include "models/layers/classifier.h"
#include "tasks/definition.h"
#include "tasks/preset.h"
#include "tools/lra/command.h"
#include "tools/lra/hints.h"
#include "tools/lra/model_table.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

struct DescribeOptions {
  std::string what, name, task = "listops", model = "transformer", preset = "quick";
  std::vector<std::string> set, model_args;
  bool json = false, no_cost = false;
};

Experiment described_experiment(const DescribeOptions& options) {
  check_name("preset", options.preset, preset_names());
  check_task(options.task);
  Overrides overrides{parse_settings(options.set), parse_model_args(options.model_args)};
  for (const auto& [model, settings] : overrides.model_args.items())
    check_chosen_model("--model-args", model, {options.model});
  return make_experiment(options.task, options.preset, options.model, 0, 0, overrides);
}

Json parameters_json(const Parameters& parameters) {
  Json tensors = Json::array();
  for (const ParameterInfo& info : parameters.list()) {
    Json sizes = Json::array();
    for (int i = 0; i < info.shape.rank(); ++i) sizes.push_back(info.shape[i]);
    tensors.push_back(
        {{"name", info.name}, {"shape", sizes}, {"count", info.shape.size()}, {"state", bool(info.rule)}});
  }
  return {{"count", parameters.trained()}, {"tensors", tensors}};
}

Json cost_json(const Classifier& model, const TaskSpec& spec) {
  const ExampleCost cost = cost_of_example(model, spec);
  return {{"tokens", spec.length * (spec.paired ? 2 : 1)},
          {"inference_flops", cost.inference_flops},
          {"training_flops", cost.training_flops},
          {"inference_bytes", cost.inference_bytes},
          {"training_bytes", cost.training_bytes}};
}

Json model_json(const DescribeOptions& options) {
  const ModelEntry& entry = models().at(options.model);
  const Experiment experiment = described_experiment(options);
  const TaskPlan& plan = experiment.plan;
  const Classifier model(experiment.model, experiment.model_settings, parse<EncoderConfig>(plan.encoder, "encoder"),
                         plan.spec, experiment.seed);
  Json settings = Json::array();
  for (const Field& field : entry.settings)
    settings.push_back({{"name", field.name},
                        {"type", field.type},
                        {"default", field.value},
                        {"here", experiment.model_settings.at(field.name)},
                        {"help", field.help}});
  const Exponents powers = entry.exponents(experiment.model_settings);
  return {{"name", options.model},
          {"summary", entry.facts.summary},
          {"paper", entry.facts.paper},
          {"complexity", entry.facts.complexity},
          {"kind", entry.facts.kind},
          {"differs", entry.facts.differs},
          {"exponent", powers.operations},
          {"memory_exponent", powers.bytes},
          {"fixed_length", entry.facts.fixed_length},
          {"causal", entry.facts.causal},
          {"stochastic", entry.facts.stochastic},
          {"auxiliary_loss", entry.facts.auxiliary_loss},
          {"mixes", entry.facts.mixes},
          {"settings", settings},
          {"task", plan.spec.variant},
          {"preset", options.preset},
          {"encoder", plan.encoder},
          {"caveat", options.no_cost ? switched_off(experiment) : reach_caveat(experiment, plan.spec.length)},
          {"parameters", parameters_json(model.parameters())},
          {"cost", options.no_cost ? Json() : cost_json(model, plan.spec)}};
}

/// What the preset says about its task and about itself, where it departs from its sources.
std::string notes_of(const TaskPlan& plan) {
  const Json& whole = preset(plan.preset);
  std::string notes = whole.value("note", "");
  if (const auto entry = whole.at("tasks").find(plan.spec.name); entry != whole.at("tasks").end()) {
    const std::string own = entry->value("note", "");
    notes += (notes.empty() || own.empty() ? "" : " ") + own;
  }
  return notes;
}

/// The source of the examples, with its licence and citation.
Json source_json(const std::string& name) {
  if (!sources().contains(name)) return {{"name", name}, {"summary", "not read by this build"}};
  const SourceFacts& facts = sources().at(name).facts;
  return {{"name", name}, {"summary", facts.summary}, {"licence", facts.licence}, {"citation", facts.citation}};
}

Json task_json(const DescribeOptions& options) {
  const Experiment experiment = described_experiment(options);
  const TaskPlan& plan = experiment.plan;
  const bool own = is_own_task(options.task);
  return {{"name", options.task},
          {"summary", describe_task(options.task)},
          {"citation", own ? "" : task_definitions().at(options.task).citation},
          {"official", own ? "" : task_definitions().at(options.task).official},
          {"preset", options.preset},
          {"note", notes_of(plan)},
          {"model", options.model},
          {"classes", plan.classes},
          {"spec", encode(experiment).at("spec")},
          {"source", source_json(plan.data.at("source"))},
          {"data", plan.data},
          {"encoder", plan.encoder},
          {"recipe", to_json(plan.recipe)}};
}

std::string plain(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

void print_line(const std::string& key, const Json& value) {
  if (value.is_string() && value.get<std::string>().empty()) return;
  fmt::print("{:<14} {}\n", key, value.is_boolean() ? (value.get<bool>() ? "yes" : "no") : plain(value));
}

/// "key = value" lines under a heading.
void print_block(const std::string& heading, const Json& object) {
  fmt::print("\n{}\n", heading);
  for (const auto& [key, value] : object.items()) fmt::print("  {:<20} {}\n", key, plain(value));
}

void print_cost(const Json& cost) {
  if (cost.is_null()) return;
  fmt::print("\ncost of one example of {} tokens\n", cost.at("tokens").get<long>());
  for (const char* mode : {"inference", "training"})
    fmt::print("  {:<20} {:>10.4g} MFLOP  {:>10.4g} MB of activations\n", mode,
               1e-6 * cost.at(fmt::format("{}_flops", mode)).get<double>(),
               1e-6 * cost.at(fmt::format("{}_bytes", mode)).get<double>());
}

void print_model(const Json& model) {
  for (const char* key : {"name", "summary", "paper", "complexity", "kind", "fixed_length", "causal", "stochastic",
                          "auxiliary_loss", "mixes"})
    print_line(key, model.at(key));
  print_line("differs", model.at("differs"));
  fmt::print("\nsettings (here: for {} in preset {})\n", plain(model.at("task")), plain(model.at("preset")));
  for (const Json& setting : model.at("settings"))
    fmt::print("  {:<20} {:<7} default {:<10} here {:<10} {}\n", plain(setting.at("name")), plain(setting.at("type")),
               plain(setting.at("default")), plain(setting.at("here")), plain(setting.at("help")));
  if (model.at("settings").empty()) fmt::print("  none\n");
  print_block("encoder", model.at("encoder"));
  if (const std::string caveat = model.at("caveat"); !caveat.empty()) fmt::print("\nwith these settings: {}\n", caveat);
  fmt::print("\nparameters {}\n", model.at("parameters").at("count").get<long>());
  for (const Json& tensor : model.at("parameters").at("tensors"))
    fmt::print("  {:<36} {:>10}  {}{}\n", plain(tensor.at("name")), plain(tensor.at("count")),
               plain(tensor.at("shape")), tensor.at("state").get<bool>() ? "  not trained, not counted" : "");
  print_cost(model.at("cost"));
}

void print_task(const Json& task) {
  for (const char* key : {"name", "summary", "citation", "official", "preset", "note"}) print_line(key, task.at(key));
  print_line("classes", fmt::format("{}", fmt::join(task.at("classes").get<std::vector<std::string>>(), ", ")));
  for (const char* key : {"source", "spec", "data", "encoder", "recipe"}) print_block(key, task.at(key));
}

void describe(DescribeOptions options) {
  check_name("thing to describe", options.what, {"model", "task", "models"});
  if (options.what == "models") {
    std::cout << (options.name.empty() ? model_page(model_rows(models().names(), ""))
                                       : model_table(model_rows(select_models(options.name), "")));
    return;
  }
  if (options.name.empty())
    fail_usage("'lra describe {}' needs a name; see 'lra list {}s'", options.what, options.what);
  const bool model = options.what == "model";
  (model ? options.model : options.task) = options.name;
  const Json text = model ? model_json(options) : task_json(options);
  if (options.json)
    std::cout << text.dump(2) << "\n";
  else if (model)
    print_model(text);
  else
    print_task(text);
}

}  // namespace

void add_describe(const Command& program, int& exit_code) {
  Command command = program.add_subcommand("describe", "Describe one model or task, or models as Markdown tables");
  const auto options = std::make_shared<DescribeOptions>();
  command.add_option("what", options->what, "model, task or models").required();
  command.add_option("name", options->name, "its name; for models, a list as in 'lra run --models' (default: all)");
  command.add_option("--task", options->task, "the task that a model is built for").shows_default();
  command.add_option("--model", options->model, "the model for which a task's preset is shown").shows_default();
  command.add_option("--preset", options->preset, "see 'lra list presets'").shows_default();
  command.add_option("--set", options->set, "key=value, as for 'lra run'");
  command.add_option("--model-args", options->model_args, "model:key=value, as for 'lra run'");
  command.add_flag("--no-cost", options->no_cost, "leave out the cost, which takes a training step on one example");
  command.add_flag("--json", options->json, "as JSON");
  add_plugin_option(command);
  command.callback([command, options, &exit_code] {
    check_no_option(parse_settings(options->set), command);
    describe(*options);
    exit_code = 0;
  });
}

}  // namespace lra
