#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <iostream>
#include <optional>

#include "harness/bench_progress.h"
#include "harness/environment.h"
#include "harness/plugin.h"
#include "harness/worker_pool.h"
#include "models/layers/encoder.h"
#include "results/store/store.h"
#include "results/tables/document.h"
#include "results/tables/row.h"
#include "results/tables/text_table.h"
#include "tools/lra/amount.h"
#include "tools/lra/bench_steps.h"
#include "tools/lra/command.h"
#include "tools/lra/default_paths.h"
#include "tools/lra/hints.h"
#include "tools/lra/profile_table.h"
#include "tools/lra/report_request.h"
#include "tools/lra/selection.h"
#include "tools/lra/threads.h"

namespace lra {
namespace {

using Status = BenchCell::Status;

constexpr long kUsualBatch = -1;  // that of the mode

struct BenchCommandOptions {
  std::string models = "all", lengths = "1024,2048,3072,4096", mode = "train", seconds = "2s", database, max_memory,
              max_time;
  std::vector<std::string> set;
  long batch = kUsualBatch, threads = 0;
  bool alone = false, profile = false, json = false;
};

long parse_length(const std::string& text) {
  const auto length = whole_number(text);
  if (!length || *length < 1) fail_usage("--lengths: '{}' is not a number of tokens", text);
  return *length;
}

/// The lengths in the given order, without duplicates.
std::vector<long> parse_lengths(const std::string& text) {
  std::vector<long> lengths;
  for (const std::string& part : split_list(text, "--lengths"))
    if (const long length = parse_length(part); std::find(lengths.begin(), lengths.end(), length) == lengths.end())
      lengths.push_back(length);
  return lengths;
}

Json encoder_of(const Command& command, const BenchCommandOptions& options) {
  const Json set = parse_settings(options.set);
  check_no_option(set, command);
  return to_json(parse<EncoderConfig>(set, "--set"));
}

StepBenchTask step_task(const Command& command, const BenchCommandOptions& options) {
  for (const auto& [name, given] : {std::pair{"--profile", options.profile},
                                    {"--max-memory", !options.max_memory.empty()},
                                    {"--max-time", !options.max_time.empty()},
                                    {"--threads", options.threads > 1}})
    if (given) fail_usage("{} has no effect with --mode step; leave it out", name);
  StepBenchTask task;
  task.batch = options.batch == kUsualBatch ? 1 : options.batch;
  task.seconds = parse_seconds(options.seconds, "--seconds");
  task.lengths = parse_lengths(options.lengths);
  task.encoder = encoder_of(command, options);
  return task;
}

BenchRequest bench_request(const Command& command, const BenchCommandOptions& options) {
  BenchRequest request;
  request.models = select_models(options.models);
  // Exact attention is measured twice: as implemented here, and with a stored N×N matrix as in the papers.
  if (const auto exact = std::find(request.models.begin(), request.models.end(), reference_models().exact);
      exact != request.models.end() && !options.alone)
    request.models.insert(exact + 1, reference_models().materialized_row());
  request.lengths = parse_lengths(options.lengths);
  request.task.batch = options.batch == kUsualBatch ? 32 : options.batch;
  request.task.training = options.mode == "train";
  request.task.encoder = encoder_of(command, options);
  request.task.threads = std::min(threads_of(options.threads), kMostThreads);
  request.task.seconds = parse_seconds(options.seconds, "--seconds");
  request.task.max_memory = parse_bytes(options.max_memory, "--max-memory");
  request.task.profile = options.profile;
  return request;
}

/// The cell's row in the table; null if it has no measurements.
const BenchRow* row_of(const BenchTable& table, const BenchCell& cell) {
  for (const BenchRow& row : table.rows)
    if (row.model == cell.model && row.length == cell.length) return &row;
  return nullptr;
}

std::vector<std::string> line_of(const BenchCell& cell, const BenchRow* found) {
  if (!found) return {cell.model, "failed"};
  const BenchRow& row = *found;
  const auto value = [&row](const char* name, auto&& text) {
    const auto known = row.values.find(name);
    return known == row.values.end() ? std::string("–") : std::string(text(known->second));
  };
  const auto figure = [&](const char* name) { return value(name, three_digits); };
  const auto share = [&](const char* name) {
    return value(name, [](double v) { return fmt::format("{:.0f} %", 100 * v); });
  };
  const auto bytes = [&](const char* name) {
    return value(name, [](double v) { return human_bytes(std::int64_t(v)); });
  };
  if (!row.fits()) {
    std::vector<std::string> cells{row.model, "does not fit"};
    cells.resize(11);
    cells.push_back("about " + bytes("estimated_bytes"));
    return cells;
  }
  const auto times = [](const std::optional<double>& v) { return v ? fmt::format("{:.2f}×", *v) : "–"; };
  return {row.model,
          figure("median_ms"),
          fmt::format("{}–{}", figure("p10_ms"), figure("p90_ms")),
          figure("steps_per_second"),
          figure("examples_per_second"),
          times(row.speed_up),
          times(row.speed_up_to_stored),
          figure("gflops"),
          share("peak_share"),
          share("bandwidth_share"),
          bound_of(row),
          bytes("peak_bytes"),
          bytes("bytes_per_example"),
          bytes("rss_bytes")};
}

/// The heading of one length, with the machine's measured peaks if known.
std::string heading(long length, const BenchTask& task, const BenchRow* row) {
  std::string text = fmt::format("{} tokens, batch {}, {}, {}", grouped(length), task.batch,
                                 task.training ? "training" : "inference", plural(task.threads, "thread"));
  if (row && row->values.count("peak_gflops"))
    text += fmt::format(": matrix products {:.0f} GFLOP/s, memory {:.1f} GB/s", row->values.at("peak_gflops"),
                        1e-9 * row->values.at("bandwidth"));
  return text;
}

/// Prints the table of one length; nothing if no cell of it is finished.
void print_length(long length, const std::vector<BenchCell>& cells, const BenchTable& table, const BenchTask& task) {
  TextTable text{{"model", "ms/step", "p10–p90", "steps/s", "examples/s", "× fused", "× stored", "GFLOP/s", "of peak",
                  "of bandwidth", "bound by", "memory", "an example", "VmHWM"},
                 {}};
  const BenchRow* measured = nullptr;
  std::string reasons;
  for (const BenchCell& cell : cells) {
    if (cell.length != length || cell.status == Status::open) continue;
    const BenchRow* row = row_of(table, cell);
    if (row && row->fits()) measured = row;
    text.rows.push_back(line_of(cell, row));
    if (cell.status == Status::failed) reasons += fmt::format("{} failed: {}\n", cell.model, cell.reason);
  }
  if (text.rows.empty()) return;
  std::cout << heading(length, task, measured) << "\n\n" << text << reasons << "\n";
}

void print_cells(const std::vector<BenchCell>& cells, const BenchTable& table, const BenchRequest& request) {
  for (const long length : request.lengths) print_length(length, cells, table, request.task);
  if (!table.rows.empty())
    std::cout
        << "× fused, × stored: speed relative to `transformer`, and to the one that stores its N×N matrix. Of "
           "bandwidth: an estimate.\nMemory: peak of parameters, gradients, optimiser state and activations, counted "
           "tensor by tensor; an example: its activations.\nVmHWM: how much the process's peak memory grew in such a "
           "step, which is less than memory when it reused memory it already had.\n";
  std::cout.flush();  // before print_profile writes to stdout directly
  for (const BenchCell& cell : cells)
    if (cell.profile) print_profile(fmt::format("{} N {}", cell.model, cell.length), *cell.profile);
}

/// Prints progress to stderr, and stores every row as soon as it is measured.
class Keeper final : public BenchProgress {
 public:
  explicit Keeper(const std::string& database) : environment_(capture_environment()) {
    if (!database.empty())
      store_ = open_database_to_write(database);  // before measuring, so that results can be stored
  }

  void ended(const BenchCell& cell) override {
    measured_.insert(measured_.end(), cell.figures.begin(), cell.figures.end());
    if (store_ && !cell.figures.empty()) keep(cell);
    BenchProgress::ended(cell);  // after storing, so that a cell reported as measured is stored
  }

  /// Stores the rows that could not be stored before. Throws when that fails again.
  void finish() {
    if (store_) store();
  }

  /// The table of all measurements; empty without any.
  BenchTable table() const {
    auto tables = bench_tables(measured_, {{0, environment_}}, reference_models());
    return tables.empty() ? BenchTable{} : std::move(tables.front());
  }

 private:
  void keep(const BenchCell& cell) {
    waiting_.push_back(cell.figures);
    try {
      store();
    } catch (const Error& error) {  // retried with the next row and in `finish`
      spdlog::warn("cannot store {} N {} yet: {}", cell.model, cell.length, error.what());
    }
  }

  /// Stores the waiting rows, one transaction per row.
  void store() {
    for (; !waiting_.empty(); waiting_.pop_front()) store_->add(waiting_.front(), environment_);
  }

  Environment environment_;
  std::optional<Store> store_;
  std::vector<Measurement> measured_;
  std::deque<std::vector<Measurement>> waiting_;  // rows that are not stored yet
};

const char* name_of(Status status) {
  switch (status) {
    case Status::done:
      return "done";
    case Status::refused:
      return "does not fit";
    case Status::failed:
      return "failed";
    case Status::open:
      break;
  }
  return "not measured";
}

Json cells_json(const std::vector<BenchCell>& cells, const BenchTable& table, const BenchTask& task) {
  Json all = Json::array();
  for (const BenchCell& cell : cells) {
    if (cell.status == Status::open) continue;
    const BenchRow* row = row_of(table, cell);
    Json json =
        row ? json_row(table, *row) : Json{{"model", cell.model},     {"length", cell.length},
                                           {"batch", task.batch},     {"mode", task.training ? "train" : "infer"},
                                           {"threads", task.threads}, {"fits", nullptr}};
    json["status"] = name_of(cell.status);
    json["reason"] = cell.reason;
    if (cell.profile) json["profile"] = encode(*cell.profile);
    all.push_back(std::move(json));
  }
  return all;
}

long count(const std::vector<BenchCell>& cells, Status status) {
  return long(std::count_if(cells.begin(), cells.end(), [&](const BenchCell& cell) { return cell.status == status; }));
}

/// "3 of 4 cells are not measured: linear N 64, …".
std::string what_is_open(const std::vector<BenchCell>& cells) {
  constexpr std::size_t kMostNamed = 8;
  std::vector<std::string> names;
  for (const BenchCell& cell : cells)
    if (cell.status == Status::open) names.push_back(fmt::format("{} N {}", cell.model, cell.length));
  const std::size_t open = names.size();
  if (open > kMostNamed) names.resize(kMostNamed), names.emplace_back("…");
  return fmt::format("incomplete: {} of {} are not measured: {}", open, plural(long(cells.size()), "cell"),
                     fmt::join(names, ", "));
}

int bench_command(const Command& command, const BenchCommandOptions& options) {
  check_name("mode", options.mode, {"train", "infer", "step"});
  if (options.batch < 1 && options.batch != kUsualBatch) fail_usage("--batch must be at least 1");
  if (options.mode == "step")
    return bench_steps_command(select_models(options.models), step_task(command, options), options.json);
  const BenchRequest request = bench_request(command, options);
  BenchOptions how;
  how.max_seconds = parse_seconds(options.max_time, "--max-time");
  how.stop = &interrupted;
  for (const Plugin& plugin : plugins()) how.program.insert(how.program.end(), {"--plugin", plugin.file});
  std::vector<BenchCell> cells;
  BenchTable table;
  std::exception_ptr not_stored;
  {
    Keeper keeper(options.database);
    watch_signals(/*second_ends=*/true);
    cells = bench(request, how, keeper);
    table = keeper.table();
    try {
      keeper.finish();
    } catch (const Error&) {  // rethrown after the results are printed
      not_stored = std::current_exception();
    }
  }
  if (options.json)
    std::cout << cells_json(cells, table, request.task).dump(2) << "\n";
  else
    print_cells(cells, table, request);
  std::cout.flush();
  if (not_stored) std::rethrow_exception(not_stored);

  if (count(cells, Status::open) > 0)
    spdlog::warn("{}; {}", interrupted ? "interrupted" : "the time limit --max-time was reached", what_is_open(cells));
  if (interrupted) return kInterrupted;
  const long failed = count(cells, Status::failed);
  if (failed > 0) spdlog::error("{} of {} failed", failed, plural(long(cells.size()), "cell"));
  return failed > 0 || count(cells, Status::open) > 0 ? int(Kind::failed) : 0;
}

}  // namespace

void add_bench(const Command& program, int& exit_code) {
  Command command =
      program.add_subcommand("bench", "Measure time and memory per step of each model at several lengths");
  const auto options = std::make_shared<BenchCommandOptions>();
  command.add_option("--models", options->models, "names, lra11 or all, separated by commas").shows_default();
  command.add_option("--lengths", options->lengths, "sequence lengths in tokens, separated by commas").shows_default();
  command.add_option("--batch", options->batch, "sequences per step; default: 32, in mode step 1");
  command
      .add_option(
          "--mode", options->mode,
          "train, infer, or step: time per token and bytes of state when causal models read token by token, after "
          "this many tokens, in one thread; printed and not stored")
      .shows_default();
  command.add_option("--set", options->set, "key=value: a setting of the encoder, including dropout");
  command.add_option("--threads", options->threads, "default: one per CPU that the process can use");
  command.add_option("--seconds", options->seconds, "duration of the measured steps per model and length")
      .shows_default();
  command.add_option("--max-memory", options->max_memory,
                     "memory limit, such as 800M or 4G; cells that exceed it are not run; default: the free memory");
  command.add_option("--max-time", options->max_time,
                     "time limit for all cells, such as 90s, 30m or 2h; lists the cells not measured; exit code 1");
  command.add_flag("--alone", options->alone, "do not add the transformer that stores its N×N matrix");
  add_database_option(command, options->database, "store each row in this database as soon as it is measured");
  command.add_flag("--profile", options->profile, "also print the time per step by layer and op");
  command.add_flag("--json", options->json, "print one JSON object per model and length");
  add_plugin_option(command);
  command.callback([command, options, &exit_code] { exit_code = bench_command(command, *options); });
}

}  // namespace lra
