#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <set>
#include <vector>

#include "core/machine.h"
#include "datasets/source.h"
#include "harness/environment.h"
#include "harness/measure.h"
#include "models/layers/mixer.h"
#include "results/tables/document.h"
#include "results/tables/text_table.h"
#include "tasks/task.h"
#include "tools/lra/command.h"
#include "tools/lra/default_paths.h"

namespace lra {
namespace {

namespace fs = std::filesystem;

void say(const std::string& what, const std::string& finding) { fmt::print("{:<14} {}\n", what, finding); }

/// Whether a file or folder, which need not exist, could be written.
bool could_write(const fs::path& path) {
  fs::path nearest = fs::absolute(path);
  while (!fs::exists(nearest) && nearest.has_relative_path()) nearest = nearest.parent_path();
  return access(nearest.c_str(), W_OK) == 0;
}

std::string place(const fs::path& path) {
  std::error_code error;
  const bool there = fs::exists(path, error);
  return fmt::format("{} ({}, {})", path.string(), there ? "exists" : "not there yet",
                     could_write(path) ? "writable" : "NOT writable");
}

void say_official(const DataPaths& paths) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(paths.root, error))
    if (const fs::path name = entry.path().filename();
        !is_hidden(name) && !fs::equivalent(entry.path(), paths.cache, error))
      names.insert(name.string());
  for (const std::string& name : names) say("", "  " + name);
}

void say_prepared(const fs::path& folder) {
  const std::vector<fs::path> files = cache_files(folder);
  std::int64_t bytes = 0;
  for (const fs::path& file : files) {
    std::error_code gone;
    const std::uintmax_t size = fs::file_size(file, gone);
    if (!gone) bytes += std::int64_t(size);
  }
  if (!files.empty())
    say("", fmt::format("  {} files, {}; 'lra data list' says of what", files.size(), human_bytes(bytes)));
}

std::string limit_of_memory() {
  const auto limit = memory_limit();
  return limit ? fmt::format(", of {:.1f} GB that {} allows", double(limit->bytes) / 1e9, limit->name) : "";
}

void doctor(const std::string& data, const std::string& database) {
  const Environment here = capture_environment();
  say("program", here.code_version + (here.dirty ? " with changes" : ""));
  say("compiler", here.compiler + " " + here.flags);
  say("oneDNN", fmt::format("{}, vector instructions {}", here.onednn, here.onednn_isa));
  say("system", here.os);
  const long cpus = usable_cpus();
  say("processor", fmt::format("{}, {} cores{}, vector instructions {}", here.cpu, here.cores,
                               cpus < here.cores ? fmt::format(" ({} may be used)", cpus) : "", here.isa));
  say("memory",
      fmt::format("{:.1f} GB, {:.1f} GB free", double(here.memory_bytes) / 1e9, double(available_memory()) / 1e9) +
          limit_of_memory());
  WorkerPool workers(cpus);
  say("peak", fmt::format("{:.0f} GFLOP/s in matrix products, {}", gemm_peak_gflops(workers), plural(cpus, "thread")));
  say("models", fmt::format("{}", models().names().size()));
  say("tasks", fmt::format("{}", task_names().size()));
  const DataPaths paths = data_paths(data);
  say("data", place(paths.root));
  say_official(paths);
  say("prepared data", place(paths.cache));
  say_prepared(paths.cache);
  say("database", place(database));
}

}  // namespace

void add_doctor(const Command& program, int& exit_code) {
  Command command = program.add_subcommand("doctor", "Show what this machine, build and data folder can do");
  const auto data = std::make_shared<std::string>();
  const auto database = std::make_shared<std::string>(kDefaultDatabase);
  command.add_option("--data", *data, "folder with official data").not_empty().environment("LRA_DATA");
  add_database_option(command, *database);
  command.callback([data, database, &exit_code] {
    doctor(*data, *database);
    exit_code = 0;
  });
}

}  // namespace lra
