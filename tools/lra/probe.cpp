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

constexpr long kLastStep = 0xffffffff;  // random streams take a step of 32 bits

struct ProbeOptions {
  std::string model, task, preset = "quick", split = "train", weights, output, data;
  std::vector<std::string> set, model_args;
  std::uint64_t seed = 0;
  long step = 0, limit = 0;
  bool activations = false, json = false;
};

/// Without dropout unless it is set, because no other framework can reproduce our masks.
Experiment probed_experiment(const Command& command, const ProbeOptions& options) {
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

/// The first examples of the batch that the epoch sampler, applied to the chosen split, gives at the chosen step.
ProbeRequest probe_request(const ProbeOptions& options, const Experiment& experiment, const Dataset& data) {
  ProbeRequest request;
  request.split = parse_split(options.split);
  request.step = std::uint32_t(options.step);
  request.activations = options.activations;
  const long batch = experiment.plan.recipe.batch;
  if (data.size(request.split) == 0)
    fail_data("{} has no examples in its {} split", experiment.plan.spec.variant, options.split);
  request.examples = EpochSampler(data.size(request.split), batch, experiment.seed).indices(options.step);
  if (options.limit > batch)
    fail_usage("--limit is {}, but a batch has {} examples; --set batch={} makes it larger", options.limit, batch,
               options.limit);
  if (options.limit > 0) request.examples.resize(std::size_t(options.limit));
  return request;
}

StoredText stored_description(const Experiment& experiment, const ProbeOptions& options) {
  const Json all = encode(experiment);
  return {{"model", experiment.model},
          {"model_revision", model_revision(experiment.model)},
          {"model_settings", experiment.model_settings.dump()},
          {"encoder", experiment.plan.encoder.dump()},
          {"task", all.at("spec").dump()},
          {"classes", Json(experiment.plan.classes).dump()},
          {"preset", experiment.plan.preset},
          {"seed", std::to_string(experiment.seed)},
          {"split", options.split},
          {"step", std::to_string(options.step)},
          {"code_version", build_info().code_version}};
}

Json probe_command(const Command& command, const ProbeOptions& options) {
  (void)parse_split(options.split);
  if (options.step < 0 || options.step > kLastStep)
    fail_usage("--step is {}; it must be 0 to {}", options.step, kLastStep);
  if (options.limit < 0) fail_usage("--limit is {}; it must be 0 or more", options.limit);
  const Experiment experiment = probed_experiment(command, options);
  const TaskPlan& plan = experiment.plan;
  warn_of_remark(plan);
  Classifier model(experiment.model, experiment.model_settings, parse<EncoderConfig>(plan.encoder, "encoder"),
                   plan.spec, experiment.seed);
  if (!options.weights.empty()) load_weights(options.weights, model.parameters());
  DataPaths paths = data_paths(options.data);
  paths.notice = [](const std::string& sentence) { spdlog::info("{}", sentence); };
  const auto data = open_data(plan, paths);
  const Probe result = probe(model, *data, probe_request(options, experiment, *data));
  write_probe(options.output, model, result, stored_description(experiment, options));
  return {{"model", experiment.model},
          {"task", plan.spec.name},
          {"variant", plan.spec.variant},
          {"classes", plan.classes},
          {"seed", experiment.seed},
          {"split", options.split},
          {"step", options.step},
          {"examples", result.batch.size()},
          {"tokens", result.batch.tokens()},
          {"parameters", model.parameters().count()},
          {"parameter_digest", model.parameters().digest()},
          {"loss", result.loss},
          {"auxiliary", result.auxiliary},
          {"file", options.output}};
}

void print_probe(const Json& result) {
  const double auxiliary = result.at("auxiliary").get<double>();
  fmt::print("{} on {}, seed {}: loss {:.6f}{} over {} examples with {} tokens in total\n",
             result.at("model").get<std::string>(), result.at("variant").get<std::string>(),
             result.at("seed").get<std::uint64_t>(), result.at("loss").get<double>(),
             auxiliary == 0 ? "" : fmt::format(" and auxiliary loss {:.6f}", auxiliary),
             result.at("examples").get<long>(), result.at("tokens").get<long>());
  fmt::print("{} parameters, SHA-256 {}\n", result.at("parameters").get<long>(),
             result.at("parameter_digest").get<std::string>());
  fmt::print("written to {}\n", result.at("file").get<std::string>());
}

}  // namespace

void add_probe(const Command& program, int& exit_code) {
  Command command = program.add_subcommand(
      "probe", "Write a model's parameters, one batch, logits, losses and gradients to a safetensors file");
  const auto options = std::make_shared<ProbeOptions>();
  command.add_option("--model", options->model, "the model").required();
  command.add_option("--task", options->task, "the task, or tsv:FOLDER").required();
  command.add_option("--preset", options->preset, "see 'lra list presets'").shows_default();
  command.add_option("--seed", options->seed, "seed of the parameters and of the order of examples").shows_default();
  command.add_option("--split", options->split, "train, valid or test").shows_default();
  command
      .add_option(
          "--step", options->step,
          "step of training, from 0: its batch of the split, in the order of training, and its random constants")
      .shows_default();
  command.add_option("--limit", options->limit, "only the first N examples of the batch; 0: all").shows_default();
  command.add_flag("--activations", options->activations, "also write the input and output of each block's mixer");
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
      print_probe(result);
    exit_code = 0;
  });
}

}  // namespace lra
