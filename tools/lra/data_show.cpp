#include <iostream>

#include <spdlog/spdlog.h>

#include "core/file.h"
#include "tasks/preset.h"
#include "tasks/render.h"
#include "tools/lra/data.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

struct DataShowOptions {
  std::string task, preset = "quick", split = "train", data, output;
  long index = 0, scale = 0;
};

void show(const DataShowOptions& options) {
  check_name("preset", options.preset, preset_names());
  if (options.scale < 0 || options.scale > 64)
    fail_usage("--scale must be from 1 to 64, or 0 for about 256 pixels per side");
  const Split split = parse_split(options.split);
  DataPaths paths = data_paths(options.data);
  paths.notice = [](const std::string& sentence) { spdlog::info("{}", sentence); };
  const TaskPlan plan = plan_task(options.task, options.preset, "", paths.root);
  warn_of_remark(plan);
  const auto data = open_data(plan, paths);
  if (options.index < 0 || options.index >= data->size(split))
    fail_usage("--index: {} has {} {} examples, counted from 0, so there is no {}", plan.spec.variant,
               data->size(split), options.split, options.index);
  const Example example = data->at(split, options.index);
  const bool picture = options.output.ends_with(".png");
  const std::string content = picture ? render_png(plan.spec, example, options.scale) : render_text(plan, example);
  if (options.output.empty()) {
    std::cout << content;
  } else {
    write_file(options.output, content);
    fmt::print("{}, example {} of the {} split: label {}, {}\n", plan.spec.variant, options.index, options.split,
               label_text(plan, example.label), options.output);
  }
}

}  // namespace

void add_data_show(const Command& data, int& exit_code) {
  Command command = data.add_subcommand("show", "Render one example with its label: a picture, a tree or a text");
  const auto options = std::make_shared<DataShowOptions>();
  command.add_option("task", options->task, "a task, or tsv:FOLDER").required();
  command.add_option("--index", options->index, "index of the example, from 0").shows_default();
  command.add_option("--split", options->split, "train, valid or test").shows_default();
  command.add_option("--preset", options->preset, "the preset whose variant to show").shows_default();
  command.add_option("--scale", options->scale, "side of a pixel in the .png; 0: fit to about 256").shows_default();
  command.add_option("-o,--output", options->output,
                     "a .png (pictures only) or any other file; default: stdout, as text");
  add_data_option(command, options->data);
  command.callback([options, &exit_code] {
    show(*options);
    exit_code = 0;
  });
}

}  // namespace lra
