#include <cstdio>

#include <spdlog/spdlog.h>

#include "core/clock.h"
#include "datasets/cache.h"
#include "results/tables/text_table.h"
#include "tasks/inventory.h"
#include "tools/lra/data.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

struct DataPrepareOptions {
  std::string tasks, preset = "quick", data;
};

void generate(const DataPrepareOptions& options) {
  DataPaths paths = data_paths(options.data);
  paths.notice = [](const std::string& sentence) { spdlog::info("{}", sentence); };
  for (const std::string& task : select_tasks(options.tasks, options.preset)) {
    const auto start = Clock::now();
    const TaskPlan plan = plan_task(task, options.preset, "", paths.root);
    warn_of_remark(plan);
    open_data(plan, paths);
    const double seconds = seconds_since(start);
    const DataStatus status = data_status(plan, paths);
    fmt::print("{}: {} examples, {}, fingerprint {}, {}, {}\n", status.spec.variant, counts_text(status.examples),
               human_bytes(std::int64_t(status.bytes)), status.fingerprint, status.file.string(),
               human_seconds(seconds));
    std::fflush(stdout);
  }
}

/// Prints the state of every prepared file, and what is wrong with damaged ones.
int verify() {
  const auto folder = data_paths("").cache;
  const std::vector<std::filesystem::path> files = cache_files(folder);
  long damaged = 0;
  for (const auto& file : files) {
    const auto start = Clock::now();
    const std::string flaw = flaw_of_cache(file);
    damaged += !flaw.empty();
    if (!flaw.empty()) {
      fmt::print("{}: {}\n", file.filename().string(), flaw);
      continue;
    }
    const auto summary = summarise_cache(file).value();
    fmt::print("{}: intact, {} examples, {}, fingerprint {}, {}\n", file.filename().string(),
               counts_text(summary.examples), human_bytes(std::int64_t(summary.bytes)), summary.fingerprint,
               human_seconds(seconds_since(start)));
  }
  fmt::print("{} of {} prepared files in {} are intact\n", long(files.size()) - damaged, files.size(), folder.string());
  return damaged > 0 ? int(Kind::data) : 0;
}

}  // namespace

void add_data_generate(const Command& data, int& exit_code) {
  Command command =
      data.add_subcommand("generate", "Prepare a task's data: generate or read them, and store them in the cache");
  const auto options = std::make_shared<DataPrepareOptions>();
  command.add_option("tasks", options->tasks, "names, lra5 or all, separated by commas").required();
  command.add_option("--preset", options->preset, "the preset whose variant to prepare").shows_default();
  add_data_option(command, options->data);
  command.callback([options, &exit_code] {
    generate(*options);
    exit_code = 0;
  });
}

void add_data_verify(const Command& data, int& exit_code) {
  Command command = data.add_subcommand("verify", "Check the hash of all prepared data and remove damaged files");
  command.callback([&exit_code] { exit_code = verify(); });
}

}  // namespace lra
