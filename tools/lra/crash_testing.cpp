#include "tools/lra/crash_testing.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "core/digest.h"
#include "results/store/store.h"

namespace lra {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

bool is_database(const std::string& name) { return name.ends_with(".db"); }

/// Creates a database that takes a while to copy.
void make_many(const fs::path& file) {
  Store store(file);
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    StoredRun run = sample_run("transformer", seed, 0.5);
    run.parameter_digest = "d";
    for (long step = 0; step < 300; ++step) run.history.push_back({step, "train", "loss", 1.0 / double(step + 1)});
    run.test_correctness.assign(1000, 0);
    std::fill_n(run.test_correctness.begin(), run.test_correct, 1);
    store.add(run, Environment{});
  }
}

/// The names in the sandbox, except the test's files and SQLite's.
std::set<std::string> names_in(const Sandbox& sandbox) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(sandbox.path(""))) {
    const std::string name = entry.path().filename();
    const bool is_own = name == "stdout" || name == "stderr" || name.starts_with("background.");
    if (!is_own && !name.ends_with("-wal") && !name.ends_with("-shm")) names.insert(name);
  }
  return names;
}

}  // namespace

bool has_tables(const fs::path& file) {
  return fs::exists(file) && Database(file, Database::Open::existing).integer("PRAGMA user_version") > 0;
}

Json content(const fs::path& file) {
  if (!has_tables(file)) return {{"runs", Json::object()}, {"bench", Json::object()}};
  const Store store(file, Store::Access::read);
  std::map<std::string, Json> runs;
  for (const StoredRun& found : store.runs()) {
    const StoredRun run = store.find(found.id).value();
    Json history = Json::array();
    for (const Metric& m : run.history) history.push_back({m.step, m.split, m.name, m.value});
    runs[run.key] = {run.status,    run.parameter_digest,   run.test_correct,
                     run.test_loss, sha256(history.dump()), sha256(Json(run.test_correctness).dump())};
  }
  std::map<std::string, std::set<std::string>> rows;
  for (const Measurement& m : store.measurements()) rows[fmt::format("{} {}", m.model, m.length)].insert(m.metric);
  return {{"runs", runs}, {"bench", rows}};
}

Steps::Steps()
    : list_{
          {"run --preset smoke --tasks lookup --models transformer,linear --checkpoint 0.0001 --threads 1 --json "
           "--set steps=30",
           "lra.db", 4},
          {"runs export --db many.db -o share.db", "share.db", 2},
          {"runs export --db many.db -o share.json", "share.json", 1},
          {"runs merge share.db --db lra.db", "lra.db", 2},
          {"bench --models identity,linear --lengths 16,32 --batch 2 --seconds 0.01 --threads 1 --max-memory 64M "
           "--db lra.db --json",
           "lra.db", 3},
      } {
  make_many(sandbox_.path("many.db"));
  (void)Sandbox().lra(list_.front().command);  // prepares the data
  keep();
  for (const Step& step : list_) {
    const auto start = Clock::now();
    const Finished finished = sandbox_.lra(step.command);
    milliseconds_.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count());
    if (finished.code != 0) fail("{}: {}", step.command, finished.err);
    keep();
  }
}

void Steps::keep() {
  for (const char* own : {"stdout", "stderr"}) fs::remove(sandbox_.path(own));
  fs::copy(sandbox_.path(""), kept(names_.size()), fs::copy_options::recursive);
  names_.push_back(names_in(sandbox_));
}

void Steps::set_up(std::size_t step, const Sandbox& sandbox) const {
  fs::copy(kept(step), sandbox.path(""), fs::copy_options::recursive);
}

void Steps::expect_consistent(std::size_t step, const Sandbox& sandbox) const {
  for (const char* name : {"many.db", "lra.db", "share.db"})
    if (fs::exists(sandbox.path(name))) {
      EXPECT_EQ(integrity(sandbox, name), "ok") << name;
    }
  const std::string& written = list_[step].writes;
  if (written == "lra.db" || !fs::exists(sandbox.path(written))) return;
  if (is_database(written))
    EXPECT_EQ(content(sandbox.path(written)), content(after(step, written))) << "a partial file has the final name";
  else
    EXPECT_EQ(contents(sandbox.path(written)), contents(after(step, written))) << "a partial file has the final name";
}

void Steps::expect_the_same_end(std::size_t step, const Sandbox& sandbox) const {
  const auto& [command, written, weight] = list_[step];
  // An export does not replace a database; if it exists, the export was finished.
  const bool is_finished =
      command.starts_with("runs export") && is_database(written) && fs::exists(sandbox.path(written));
  if (!is_finished) {
    const Finished again = sandbox.lra(command);
    ASSERT_EQ(again.code, 0) << again.err;
  }
  if (is_database(written)) {
    EXPECT_EQ(content(sandbox.path(written)), content(after(step, written)));
    EXPECT_EQ(integrity(sandbox, written), "ok");
  } else {
    EXPECT_EQ(contents(sandbox.path(written)), contents(after(step, written)));
  }
  EXPECT_EQ(names_in(sandbox), names_.at(step + 1)) << "nothing is left behind";
}

}  // namespace lra
