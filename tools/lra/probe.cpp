#include "harness/probe.h"

#include <cstdio>
#include <iostream>

#include <spdlog/spdlog.h>

#include "harness/build_info.h"
#include "harness/experiment.h"
#include "harness/revision.h"
#include "harness/weights.h"
#include "tasks/batcher.h"
#include "tasks/preset.h"
#include "tools/lra/command.h"
#include "tools/lra/default_paths.h"
#include "tools/lra/hints.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

struct Options {
  std::string model, task, preset = "quick", weights, output, data;
  std::vector<std::string> set, model_args;
  std::uint64_t seed = 0;
  bool json = false;
};

/// Without dropout unless it is set, because no other framework can reproduce our masks.
Experiment experiment_of(const Command& command, const Options& options) {
  check_name("preset", options.preset, preset_names());
  check_task(options.task);
  check_name("model", options.model, models().names());
  Overrides overrides{{{"dropout", 0.0}, {"attention_dropout", 0.0}}, parse_model_args(options.model_args)};
  const Json set = parse_settings(options.set);
  check_no_option(set, command);
  overrides.set.update(set);
  for (const auto& [model, settings] : overrides.model_args.items())
    check_chosen_model("--model-args", model, {options.model});
  return make_experiment(options.task, options.preset, options.model, options.seed, 0, overrides,
                         data_paths(options.data).root);
}

StoredText describe(const Experiment& experiment) {
  const Json all = encode(experiment);
  return {{"model", experiment.model},
          {"model_revision", model_revision(experiment.model)},
          {"model_settings", experiment.model_settings.dump()},
          {"encoder", experiment.plan.encoder.dump()},
          {"task", all.at("spec").dump()},
          {"classes", Json(experiment.plan.classes).dump()},
          {"preset", experiment.plan.preset},
          {"seed", std::to_string(experiment.seed)},
          {"code_version", build_info().code_version}};
}

Json probe_command(const Command& command, const Options& options) {
  const Experiment experiment = experiment_of(command, options);
  const TaskPlan& plan = experiment.plan;
  warn_of_remark(plan);
  Classifier model(experiment.model, experiment.model_settings, parse<EncoderConfig>(plan.encoder, "encoder"),
                   plan.spec, experiment.seed);
  if (!options.weights.empty()) load_weights(options.weights, model.parameters());
  DataPaths paths = data_paths(options.data);
  paths.notice = [](const std::string& sentence) { spdlog::info("{}", sentence); };
  const auto data = open_data(plan, paths);
  EpochSampler order(data->size(Split::train), plan.recipe.batch, experiment.seed);
  const Probe result = probe(model, *data, order.indices(0));
  write_probe(options.output, model, result, describe(experiment));
  return {{"model", experiment.model},
          {"task", plan.spec.name},
          {"variant", plan.spec.variant},
          {"classes", plan.classes},
          {"seed", experiment.seed},
          {"examples", result.batch.size()},
          {"tokens", result.batch.tokens()},
          {"parameters", model.parameters().count()},
          {"parameter_digest", model.parameters().digest()},
          {"loss", result.loss},
          {"file", options.output}};
}

void print(const Json& result) {
  fmt::print("{} on {}, seed {}: loss {:.6f} over {} examples with {} tokens in total\n",
             result.at("model").get<std::string>(), result.at("variant").get<std::string>(),
             result.at("seed").get<std::uint64_t>(), result.at("loss").get<double>(), result.at("examples").get<long>(),
             result.at("tokens").get<long>());
  fmt::print("{} parameters, SHA-256 {}\n", result.at("parameters").get<long>(),
             result.at("parameter_digest").get<std::string>());
  fmt::print("written to {}\n", result.at("file").get<std::string>());
}

}  // namespace

void add_probe(const Command& program, int& exit_code) {
  Command command = program.add_subcommand(
      "probe", "Write a model's parameters, its first batch, logits, loss and gradients to a safetensors file");
  const auto options = std::make_shared<Options>();
  command.add_option("--model", options->model, "the model").required();
  command.add_option("--task", options->task, "the task, or tsv:FOLDER, whose first training batch is taken")
      .required();
  command.add_option("--preset", options->preset, "see 'lra list presets'").shows_default();
  command.add_option("--seed", options->seed, "seed of the parameters and of the order of examples").shows_default();
  command.add_option("--weights", options->weights, "safetensors file with a value for every parameter");
  command.add_option("--set", options->set, "key=value, as for 'lra run'; dropout is 0 unless set here");
  command.add_option("--model-args", options->model_args, "model:key=value, as for 'lra run'");
  command.add_option("--data", options->data, "folder with official data").not_empty().environment("LRA_DATA");
  command.add_option("-o,--output", options->output, "the file to write").required();
  command.add_flag("--json", options->json, "print a summary as JSON");
  add_plugin_option(command);
  command.callback([command, options, &exit_code] {
    const Json result = probe_command(command, *options);
    if (options->json)
      std::cout << result.dump(2) << "\n";
    else
      print(result);
    exit_code = 0;
  });
}

}  // namespace lra
