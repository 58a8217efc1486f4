#include <spdlog/spdlog.h>

#include <algorithm>
#include <iostream>
#include <optional>
#include <thread>

#include "harness/bench.h"
#include "harness/environment.h"
#include "models/layers/encoder.h"
#include "results/comparison.h"
#include "results/document.h"
#include "results/row.h"
#include "results/store.h"
#include "results/text_table.h"
#include "tools/lra/amount.h"
#include "tools/lra/command.h"
#include "tools/lra/places.h"
#include "tools/lra/profile_table.h"
#include "tools/lra/report_request.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

struct Options {
  std::string models = "all", lengths = "1024,2048,3072,4096", mode = "train", database, max_memory;
  std::vector<std::string> set;
  long batch = 32, threads = 0;
  double seconds = 2;
  bool alone = false, profile = false, json = false;
};

long parse_length(const std::string& text) {
  const Json value = parse_scalar(text);
  if (!value.is_number_integer() || value.get<long>() < 1)
    fail_usage("--lengths: '{}' is not a number of tokens", text);
  return value.get<long>();
}

BenchRequest request_of(const Options& options) {
  check_name("mode", options.mode, {"train", "infer"});
  if (options.batch < 1) fail_usage("--batch must be at least 1");
  if (options.threads < 0 || options.threads > 1024)
    fail_usage("--threads must be from 1 to 1024, or 0 for one a core");
  BenchRequest request;
  request.models = select_models(options.models);
  // Whoever measures exact attention gets both: as it is here, and as the papers had it, with the N×N matrix stored.
  if (const auto exact = std::find(request.models.begin(), request.models.end(), "transformer");
      exact != request.models.end() && !options.alone)
    request.models.insert(exact + 1, kMaterialized);
  request.lengths.clear();
  for (const std::string& text : split_list(options.lengths, "--lengths"))
    request.lengths.push_back(parse_length(text));
  request.batch = options.batch;
  request.training = options.mode == "train";
  request.encoder = to_json(parse<EncoderConfig>(parse_settings(options.set), "--set"));
  request.threads = options.threads ? options.threads : std::max(1L, long(std::thread::hardware_concurrency()));
  request.seconds = options.seconds;
  request.max_memory = parse_bytes(options.max_memory, "--max-memory");
  return request;
}

/// Rows in the order asked for: by length, then model.
std::vector<const BenchRow*> in_order(const BenchTable& table, const BenchRequest& request) {
  std::vector<const BenchRow*> rows;
  for (const long length : request.lengths)
    for (const std::string& model : request.models)
      for (const BenchRow& row : table.rows)
        if (row.model == model && row.length == length) rows.push_back(&row);
  return rows;
}

std::vector<std::string> line_of(const BenchRow& row) {
  if (!row.fits()) {
    std::vector<std::string> cells{row.model, "does not fit"};
    cells.resize(11);
    cells.push_back("about " + human_bytes(std::int64_t(row.values.at("estimated_bytes"))));
    return cells;
  }
  const auto figure = [&row](const char* name) { return three_digits(row.values.at(name)); };
  const auto share = [&row](const char* name) { return fmt::format("{:.0f} %", 100 * row.values.at(name)); };
  const auto bytes = [&row](const char* name) { return human_bytes(std::int64_t(row.values.at(name))); };
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

/// What the machine gave while rows of one length were measured.
std::string heading(const BenchTable& table, const BenchRow& row) {
  return fmt::format("{} tokens, batch {}, {}, {}: matrix products {:.0f} GFLOP/s, memory {:.1f} GB/s",
                     grouped(row.length), table.batch, table.mode == "train" ? "training" : "inference",
                     plural(table.threads, "thread"), row.values.at("peak_gflops"), 1e-9 * row.values.at("bandwidth"));
}

void print(const BenchTable& table, const std::vector<const BenchRow*>& rows, const std::vector<long>& lengths) {
  for (const long length : lengths) {
    TextTable text{{"model", "ms/step", "p10–p90", "steps/s", "examples/s", "× fused", "× stored", "GFLOP/s", "of peak",
                    "of bandwidth", "bound by", "memory", "an example", "VmHWM"},
                   {}};
    std::string above = fmt::format("{} tokens: nothing fits", grouped(length));
    for (const BenchRow* row : rows) {
      if (row->length != length) continue;
      if (row->fits()) above = heading(table, *row);
      text.rows.push_back(line_of(*row));
    }
    std::cout << above << "\n\n" << text << "\n";
  }
  std::cout
      << "× fused, × stored: faster than `transformer`, and than the one that stores its N×N matrix. Of bandwidth: "
         "an estimate.\nMemory: parameters, gradients, optimiser and activations at their peak, counted tensor by "
         "tensor; an example: its activations.\nVmHWM: by how much the process's own peak grew in such a step; less "
         "than memory where it used again what it had already.\n";
}

void bench_command(const Options& options) {
  const BenchRequest request = request_of(options);
  std::optional<Store> store;
  if (!options.database.empty()) store = open_database_to_write(options.database);  // before anything is measured
  const auto measurements = bench(request, [](const std::string& line) { spdlog::info("{}", line); });
  const Environment environment = capture_environment();
  if (store) store->add(measurements, environment);
  const BenchTable table = bench_tables(measurements, {{0, environment}}).at(0);
  const auto rows = in_order(table, request);
  const auto profiles = options.profile ? profile_bench(request) : std::vector<BenchProfile>();
  if (!options.json) {
    print(table, rows, request.lengths);
    std::cout.flush();  // before what is printed by other means
    for (const BenchProfile& p : profiles) print_profile(fmt::format("{} N {}", p.model, p.length), p.profile);
    return;
  }
  Json json = Json::array();
  for (const BenchRow* row : rows) {
    json.push_back(json_row(table, *row));
    for (const BenchProfile& p : profiles)
      if (p.model == row->model && p.length == row->length) json.back()["profile"] = encode(p.profile);
  }
  std::cout << json.dump(2) << "\n";
}

}  // namespace

void add_bench(const Command& program, int& exit_code) {
  Command command = program.add_subcommand("bench", "Time a step of each model at several lengths, and its memory");
  const auto options = std::make_shared<Options>();
  command.add_option("--models", options->models, "names, lra11 or all, separated by commas").shows_default();
  command.add_option("--lengths", options->lengths, "tokens of a sequence, separated by commas").shows_default();
  command.add_option("--batch", options->batch, "sequences a step").shows_default();
  command.add_option("--mode", options->mode, "train or infer").shows_default();
  command.add_option("--set", options->set, "key=value: a setting of the encoder's shape, dropout among them");
  command.add_option("--threads", options->threads, "default: one a core");
  command.add_option("--seconds", options->seconds, "of measured steps a model and length").shows_default();
  command.add_option("--max-memory", options->max_memory,
                     "what does not fit is not run; such as 800M or 4G; default: what is free");
  command.add_flag("--alone", options->alone, "without the transformer that stores its N×N matrix, unasked for");
  add_database_option(command, options->database, "store the figures in this database too");
  command.add_flag("--profile", options->profile, "show where the time goes too, by layer and op");
  command.add_flag("--json", options->json, "print one JSON object a model and length");
  add_plugin_option(command);
  command.callback([options, &exit_code] {
    bench_command(*options);
    exit_code = 0;
  });
}

}  // namespace lra
