#include "results/store/store.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <thread>

#include "results/results_testing.h"

namespace lra {
namespace {

StoredRun full_run() {
  StoredRun run = sample_run("linformer", 0xffff'ffff'ffff'fffe, 0.377);
  run.overrides = {{"k", 64}, {"lr", 3e-3}};
  run.status = "done";
  run.reason = "none";
  run.command = "lra run --tasks 'listops'";
  run.started = "2026-01-02T03:04:05Z";
  run.seconds = 12.5;
  run.comparable = false;
  run.shared = true;
  run.data_folder = "/data/mine";
  run.parts = {{{"threads", 2}, {"steps", 10}}};
  run.timing_flaw = "stopped for 3.2 s";
  run.threads = 3;
  run.sweep = {{"lr", {1e-3, 3e-3}}};
  run.parameters = 12'345;
  run.parameter_digest = std::string(64, 'd');
  run.test_loss = 0.1;
  run.train_seconds = 11.25;
  run.data_seconds = 0.0625;
  run.examples_per_second = 1e3 / 3;
  run.gflops = 77.7;
  run.gemm_peak_gflops = 150.3;
  run.peak_bytes = 5'000'000'000;
  run.activation_bytes = 4'000'000'001;
  run.rss_bytes = 6'000'000'002;
  run.history = {{200, "valid", "accuracy", 0.41}, {200, "train", "loss", 1.0 / 3}, {100, "valid", "accuracy", 0.41}};
  for (int i = 0; i < 1003; ++i) run.test_correctness.push_back(i % 3 == 0 || i > 998);
  run.test_examples = 1003, run.test_correct = std::count(run.test_correctness.begin(), run.test_correctness.end(), 1);
  return run;
}

Environment full_environment() {
  Environment e;
  e.cpu = "Fast One", e.isa = "avx512", e.os = "Linux 6", e.compiler = "g++ 12", e.flags = "-O3", e.onednn = "2.6.3";
  e.onednn_isa = "AVX512_CORE";
  e.libraries = {{"SQLite", "3.40"}}, e.code_version = "0.1-5-gabc", e.cores = 2, e.memory_bytes = 8'000'000'000,
  e.dirty = true;
  return e;
}

TEST(Store, ARunIsReadBackWithEveryField) {
  const TemporaryFolder folder;
  const StoredRun run = full_run();
  long id = 0;
  {
    Store store(folder.path() / "lra.db");
    store.add(sample_run("other", 0, 0.5), Environment{});
    id = store.add(run, full_environment());
  }
  const Store store(folder.path() / "lra.db");
  const auto found = store.find(run.key);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, id);
  EXPECT_EQ(found->key, run.key);
  EXPECT_EQ(found->task, run.task);
  EXPECT_EQ(found->variant, run.variant);
  EXPECT_EQ(found->preset, run.preset);
  EXPECT_EQ(found->model, run.model);
  EXPECT_EQ(found->model_revision, run.model_revision);
  EXPECT_EQ(found->seed, run.seed);
  EXPECT_EQ(found->overrides, run.overrides);
  EXPECT_EQ(found->experiment, run.experiment);
  EXPECT_EQ(found->data_fingerprint, run.data_fingerprint);
  EXPECT_EQ(found->status, run.status);
  EXPECT_EQ(found->reason, run.reason);
  EXPECT_EQ(found->command, run.command);
  EXPECT_EQ(found->started, run.started);
  EXPECT_EQ(found->seconds, run.seconds);
  EXPECT_EQ(found->comparable, run.comparable);
  EXPECT_EQ(found->shared, run.shared);
  EXPECT_EQ(found->data_folder, run.data_folder);
  EXPECT_EQ(found->parts, run.parts);
  EXPECT_EQ(found->timing_flaw, run.timing_flaw);
  EXPECT_EQ(found->threads, run.threads);
  EXPECT_EQ(found->sweep, run.sweep);
  EXPECT_EQ(found->parameters, run.parameters);
  EXPECT_EQ(found->parameter_digest, run.parameter_digest);
  EXPECT_EQ(found->test_correct, run.test_correct);
  EXPECT_EQ(found->test_examples, run.test_examples);
  EXPECT_EQ(found->test_loss, run.test_loss);
  EXPECT_EQ(found->train_seconds, run.train_seconds);
  EXPECT_EQ(found->data_seconds, run.data_seconds);
  EXPECT_EQ(found->examples_per_second, run.examples_per_second);
  EXPECT_EQ(found->gflops, run.gflops);
  EXPECT_EQ(found->gemm_peak_gflops, run.gemm_peak_gflops);
  EXPECT_EQ(found->peak_bytes, run.peak_bytes);
  EXPECT_EQ(found->activation_bytes, run.activation_bytes);
  EXPECT_EQ(found->rss_bytes, run.rss_bytes);
  EXPECT_EQ(found->test_correctness, run.test_correctness);
  ASSERT_EQ(found->history.size(), run.history.size());
  for (std::size_t i = 0; i < run.history.size(); ++i) {
    EXPECT_EQ(found->history[i].step, run.history[i].step);
    EXPECT_EQ(found->history[i].split, run.history[i].split);
    EXPECT_EQ(found->history[i].name, run.history[i].name);
    EXPECT_EQ(found->history[i].value, run.history[i].value);
  }
  const Environment e = store.environments().at(found->environment);
  EXPECT_EQ(e.cpu, "Fast One");
  EXPECT_EQ(e.isa, "avx512");
  EXPECT_EQ(e.os, "Linux 6");
  EXPECT_EQ(e.compiler, "g++ 12");
  EXPECT_EQ(e.flags, "-O3");
  EXPECT_EQ(e.onednn, "2.6.3");
  EXPECT_EQ(e.onednn_isa, "AVX512_CORE");
  EXPECT_EQ(e.libraries.at("SQLite"), "3.40");
  EXPECT_EQ(e.code_version, "0.1-5-gabc");
  EXPECT_EQ(e.cores, 2);
  EXPECT_EQ(e.memory_bytes, 8'000'000'000);
  EXPECT_TRUE(e.dirty);
}

TEST(Store, PredictionsAreReadBackPackedAndSeriesInOrder) {
  Store store(":memory:");
  const long id = store.add(full_run(), Environment{});
  const auto correctness = store.correct_examples();
  ASSERT_EQ(correctness.size(), 1u);
  EXPECT_EQ(correctness.at(id).examples, 1003);
  EXPECT_EQ(correctness.at(id).bits.size(), 126u);       // ⌈1003 / 8⌉
  EXPECT_EQ(correctness.at(id).bits.at(0), 0b01001001);  // examples 0, 3, 6
  const auto series = store.series("valid", "accuracy");
  ASSERT_EQ(series.at(id).size(), 2u);
  EXPECT_EQ(series.at(id)[0].step, 200);
  EXPECT_EQ(series.at(id)[1].step, 100);
}

TEST(Store, RemovesRunsWithHistoryAndPredictions) {
  Store store(":memory:");
  const long id = store.add(full_run(), Environment{});
  const long other = store.add(sample_run("other", 0, 0.5), Environment{});
  EXPECT_EQ(sentence_of(
                [&] {
                  store.remove({id, 999});
                },
                Kind::usage),
            ":memory: has no run 999; `lra runs list --db :memory:` shows all runs");
  EXPECT_TRUE(store.find(id)) << "all or none";
  EXPECT_EQ(store.remove({id}), 1);
  EXPECT_FALSE(store.find(id));
  EXPECT_TRUE(store.find(other));
  EXPECT_TRUE(store.correct_examples().empty());
  EXPECT_TRUE(store.series("valid", "accuracy").empty());
}

TEST(Store, MergesOnlyWhatIsMissing) {
  Store store(":memory:"), other(":memory:");
  store.add(sample_run("linear", 0, 0.5), Environment{});
  other.add(sample_run("linear", 0, 0.9), Environment{});  // the same key: the first run stays
  StoredRun failed = sample_run("local", 0, 0);
  failed.status = "failed";
  other.add(failed, Environment{});
  const StoredRun run = full_run();
  other.add(run, full_environment());
  other.add_baselines("listops@quick", "a1b2", {{"majority", 17, 100}});
  other.add({Measurement{}}, Environment{});
  EXPECT_EQ(store.merge(other), std::pair(2L, 1L));
  EXPECT_EQ(store.runs().size(), 2u);
  EXPECT_NEAR(accuracy(store.runs().at(0)), 0.5, 1e-12);
  EXPECT_EQ(store.failures().size(), 1u);
  const auto found = store.find(run.key);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->test_correctness, run.test_correctness);
  EXPECT_EQ(found->history.size(), run.history.size());
  EXPECT_EQ(store.environments().at(found->environment).cpu, "Fast One");
  EXPECT_EQ(store.baselines("listops@quick", "a1b2").size(), 1u);
  EXPECT_EQ(store.merge(other), std::pair(0L, 0L)) << "a second merge adds nothing";
  EXPECT_EQ(store.measurements().size(), 1u);
}

TEST(Store, MergesEqualMeasurementsFromAnotherMachineOrLevel) {
  Store store(":memory:"), other(":memory:");
  Environment here, level, machine;
  level.isa = "AVX2", machine.cpu = "Another";
  store.add({Measurement{}}, here);
  for (const Environment& environment : {level, here, machine}) other.add({Measurement{}}, environment);
  EXPECT_EQ(store.merge(other), std::pair(0L, 2L));
  EXPECT_EQ(store.merge(other), std::pair(0L, 0L)) << "a second merge adds nothing";
  EXPECT_EQ(store.environments().size(), 3u);
}

TEST(Store, SeedsShareAConfigurationAndSettingsDoNot) {
  Store store(":memory:");
  store.add(sample_run("linear", 0, 0.4), Environment{});
  store.add(sample_run("linear", 1, 0.4), Environment{});
  StoredRun other = sample_run("linear", 2, 0.4);
  other.experiment["lr"] = 0.1;
  store.add(other, Environment{});
  const auto runs = store.runs();
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[0].configuration, runs[1].configuration);
  EXPECT_NE(runs[0].configuration, runs[2].configuration);
}

TEST(Store, EnvironmentsAreStoredOnce) {
  Store store(":memory:");
  store.add(sample_run("a", 0, 0.4), full_environment());
  store.add(sample_run("b", 0, 0.4), full_environment());
  Environment other = full_environment();
  other.dirty = false;
  store.add(sample_run("c", 0, 0.4), other);
  EXPECT_EQ(store.environments().size(), 2u);
}

TEST(Store, ADoneRunStaysUnlessForced) {
  Store store(":memory:");
  StoredRun run = full_run();
  const long first = store.add(run, Environment{});
  run.seconds = 99;
  EXPECT_EQ(store.add(run, Environment{}), first);
  EXPECT_EQ(store.find(run.key)->seconds, 12.5);

  run.status = "failed";
  store.add(run, Environment{});
  EXPECT_EQ(store.runs().size(), 1u);
  EXPECT_EQ(store.find(run.key)->seconds, 12.5);
  EXPECT_TRUE(store.failures().empty()) << "a key with a done run is not a failure";

  run.status = "done";
  const long second = store.add(run, Environment{}, /*force=*/true);
  EXPECT_NE(second, first);
  EXPECT_EQ(store.runs().size(), 1u);
  EXPECT_EQ(store.find(run.key)->seconds, 99);
}

TEST(Store, ADoneRunReplacesFailedOnes) {
  Store store(":memory:");
  StoredRun run = sample_run("linear", 0, 0.4);
  run.status = "interrupted";
  store.add(run, Environment{});
  run.status = "failed";
  run.reason = "loss is not finite at step 12";
  run.test_loss = std::nan("");
  store.add(run, Environment{});
  ASSERT_EQ(store.failures().size(), 1u);
  EXPECT_EQ(store.failures()[0].reason, "loss is not finite at step 12");
  EXPECT_TRUE(std::isnan(store.failures()[0].test_loss));
  EXPECT_FALSE(store.find(run.key));
  EXPECT_TRUE(store.runs().empty());

  run.status = "done";
  store.add(run, Environment{});
  EXPECT_TRUE(store.failures().empty());
  EXPECT_EQ(store.runs().size(), 1u);
}

TEST(Store, RejectsAnUnknownStatusAndLosesNothing) {
  Store store(":memory:");
  StoredRun run = sample_run("linear", 0, 0.4);
  run.status = "failed";
  store.add(run, Environment{});
  run.status = "finished";
  EXPECT_NE(sentence_of([&] { store.add(run, Environment{}); }, Kind::failed).find("CHECK constraint"),
            std::string::npos);
  EXPECT_EQ(store.failures().size(), 1u) << "the transaction must have been rolled back";
}

TEST(Store, BaselinesBelongToAVersionOfTheData) {
  Store store(":memory:");
  store.add_baselines("listops@quick", "one", {{"majority", 17, 100}, {"first_token", 36, 100}});
  store.add_baselines("listops@quick", "two", {{"majority", 18, 100}});
  store.add_baselines("listops@quick", "one", {{"majority", 19, 100}});
  const auto baselines = store.baselines("listops@quick", "one");
  ASSERT_EQ(baselines.size(), 2u);
  EXPECT_EQ(baselines[0].name, "first_token");
  EXPECT_EQ(baselines[1].correct, 19);
  EXPECT_EQ(baselines[1].examples, 100);
  EXPECT_TRUE(store.baselines("image@quick", "one").empty());
}

TEST(Store, MeasurementsAreReadBackInOrder) {
  Store store(":memory:");
  Measurement m;
  m.model = "transformer", m.mode = "train", m.metric = "median_ms", m.length = 1024, m.batch = 32, m.threads = 2;
  m.settings = {{"width", 64}}, m.value = 12.25;
  Measurement later = m;
  later.value = std::nan("");
  store.add({m, later}, full_environment());
  const auto all = store.measurements();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].model, "transformer");
  EXPECT_EQ(all[0].mode, "train");
  EXPECT_EQ(all[0].metric, "median_ms");
  EXPECT_EQ(all[0].length, 1024);
  EXPECT_EQ(all[0].batch, 32);
  EXPECT_EQ(all[0].threads, 2);
  EXPECT_EQ(all[0].settings, (Json{{"width", 64}}));
  EXPECT_EQ(all[0].value, 12.25);
  EXPECT_EQ(store.environments().at(all[0].environment).cpu, "Fast One");
  EXPECT_TRUE(std::isnan(all[1].value));
}

constexpr int kWriters = 8, kRunsEach = 12;

void write_some(const std::filesystem::path& path, int writer) {
  for (int i = 0; i < kRunsEach; ++i) {
    Store store(path);  // reopened each time: missing locks show up when opening and closing
    StoredRun run = sample_run("model" + std::to_string(writer), static_cast<std::uint64_t>(i), 0.5);
    run.history.assign(50, {1, "train", "loss", 1.0});
    run.test_correctness.assign(1000, 1), run.test_correct = 1000;
    store.add(run, full_environment());
    if (store.runs().empty()) fail("nothing to read");
  }
}

void expect_all_written(const std::filesystem::path& path) {
  const Store store(path);
  EXPECT_EQ(store.runs().size(), std::size_t(kWriters * kRunsEach));
  EXPECT_EQ(store.environments().size(), 1u);
  for (const StoredRun& run : store.runs()) EXPECT_EQ(store.find(run.key)->history.size(), 50u);
}

TEST(Store, EightProcessesWriteToOneNewFile) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "lra.db";
  std::vector<pid_t> children;
  for (int writer = 0; writer < kWriters; ++writer) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        write_some(path, writer);
        _exit(0);
      } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        _exit(1);
      }
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  expect_all_written(path);
}

// While one thread creates the tables, the others see a half-initialised file.
TEST(Store, EightThreadsOpenNewFilesAtOnce) {
  constexpr int kFiles = 40;
  const TemporaryFolder folder;
  std::vector<std::string> errors(kWriters);
  std::barrier all(kWriters);
  std::vector<std::thread> threads;
  threads.reserve(kWriters);
  for (int opener = 0; opener < kWriters; ++opener)
    threads.emplace_back([&, opener] {
      for (int file = 0; file < kFiles; ++file) {
        all.arrive_and_wait();
        try {
          Store store(folder.path() / fmt::format("{}.db", file));
        } catch (const std::exception& error) {
          errors[static_cast<std::size_t>(opener)] = error.what();
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& error : errors) EXPECT_EQ(error, "");
}

TEST(Store, EightThreadsWriteToOneNewFile) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "lra.db";
  std::vector<std::string> errors(kWriters);
  std::vector<std::thread> threads;
  threads.reserve(kWriters);
  for (int writer = 0; writer < kWriters; ++writer)
    threads.emplace_back([&, writer] {
      try {
        write_some(path, writer);
      } catch (const std::exception& error) {
        errors[static_cast<std::size_t>(writer)] = error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& error : errors) EXPECT_EQ(error, "");
  expect_all_written(path);
}

}  // namespace
}  // namespace lra
