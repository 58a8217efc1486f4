/// Fuzzes the reading of databases: once with the input as the database file, once with the input as values in the
/// columns of a valid database.
#include "core/fuzz/fuzz.h"

#include <sstream>
#include <string_view>

#include "core/digest.h"
#include "results/store/database.h"
#include "results/store/store.h"
#include "results/tables/report.h"

namespace {

using namespace lra;

void read_all(const std::filesystem::path& file) {
  fuzz::survive([&] {
    const Store store(file, Store::Access::read);
    for (long id = 1; id <= 2; ++id) fuzz::survive([&] { store.find(id); });
    fuzz::survive([&] { store.failures(); });
    fuzz::survive([&] { store.environments(); });
    for (const std::string& format : report_formats().names())
      fuzz::survive([&] {
        std::ostringstream out;
        report_formats().at(format).write(store, ReportRequest(), out);
      });
    fuzz::survive([&] { Store(":memory:").merge(store); });
  });
}

void remove_database(const std::filesystem::path& file) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(file.string() + suffix);
}

StoredRun sample(std::uint64_t seed) {
  StoredRun run;
  run.task = "listops", run.variant = "listops@quick", run.preset = "quick", run.model = "linear";
  run.seed = seed, run.data_fingerprint = "f", run.test_examples = 4, run.test_correct = 3;
  run.experiment = {{"model", "linear"}, {"seed", seed}, {"recipe", {{"steps", 10}}}};
  run.key = sha256(run.experiment.dump());
  run.sweep = {{"lr", {1, 2}}};
  run.history = {{1, "valid", "accuracy", 0.5}};
  run.test_correctness = {1, 1, 0, 1};
  return run;
}

/// Applies one line of the input: a byte that selects the table, a byte that selects the column, then the value.
void put(const Database& database, std::string_view line) {
  static const std::vector<std::pair<std::string, std::vector<std::string>>> kPlaces{
      {"run", {"task",       "variant",          "preset",           "model",         "seed",
               "overrides",  "experiment",       "data_fingerprint", "status",        "sweep",
               "started",    "seconds",          "comparable",       "shared",        "threads",
               "parameters", "test_correct",     "test_examples",    "test_loss",     "train_seconds",
               "gflops",     "gemm_peak_gflops", "peak_bytes",       "configuration", "environment"}},
      {"metric", {"step", "split", "name", "value"}},
      {"prediction", {"examples", "hits"}},
      {"baseline", {"variant", "data_fingerprint", "name", "correct", "examples"}},
      {"measurement", {"model", "mode", "metric", "length", "batch", "threads", "settings", "value"}},
      {"environment", {"cpu", "cores", "memory_bytes", "libraries"}}};
  if (line.size() < 2) return;
  const auto& place = kPlaces[std::uint8_t(line[0]) % kPlaces.size()];
  const std::string& column = place.second[std::uint8_t(line[1]) % place.second.size()];
  const std::string change = fmt::format("UPDATE {} SET {} = ?", place.first, column);
  fuzz::survive([&] { database.query(change, std::string(line.substr(2))).next(); });
}

void make(const std::filesystem::path& file) {
  Store store(file);
  for (const std::uint64_t seed : {0, 1}) store.add(sample(seed), {});
  store.add_baselines("listops@quick", "f", {{"majority", 1, 4}});
  Measurement measured;
  measured.model = "linear", measured.mode = "train", measured.metric = "median_ms";
  measured.length = 8, measured.batch = measured.threads = 1, measured.settings = Json::object();
  store.add(std::vector<Measurement>{measured}, {});
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = fuzz::folder() / "foreign.db", own = fuzz::folder() / "own.db";
  remove_database(file);
  fuzz::write(file, fuzz::bytes(data, size));
  read_all(file);

  static const std::filesystem::path made = [] {
    auto path = fuzz::folder() / "made.db";
    make(path);
    return path;
  }();
  remove_database(own);
  std::filesystem::copy_file(made, own);
  {
    const Database database(own, Database::Open::existing);
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    for (std::size_t end = 0; !rest.empty() && end != std::string_view::npos; rest.remove_prefix(end + 1)) {
      end = rest.find('\n');
      put(database, rest.substr(0, end));
      if (end == std::string_view::npos) break;
    }
  }
  read_all(own);
  return 0;
}
