#include "results/tables/comparison.h"

#include <gtest/gtest.h>

#include <sstream>

#include "results/page/page.h"
#include "results/results_testing.h"
#include "results/store/numeric_level.h"

namespace lra {
namespace {

/// A run of a full LRA task.
StoredRun full_run(const std::string& task, const std::string& model, std::uint64_t seed, double share) {
  StoredRun run = sample_run(model, seed, share);
  run.task = run.variant = task, run.preset = "small", run.data_fingerprint = task + "1";
  set_key(run);
  return run;
}

/// Adds predictions: `test_correct` correct examples, starting at example `shift`.
StoredRun with_hits(StoredRun run, long shift = 0) {
  for (long i = 0; i < run.test_examples; ++i)
    run.test_correctness.push_back(i >= shift && i < run.test_correct + shift ? 1 : 0);
  return run;
}

AccuracyTable only_table(const Store& store, const std::vector<StoredRun>& runs) {
  auto tables = accuracy_tables(runs, store, lra_request());
  EXPECT_EQ(tables.size(), 1u);
  return tables.at(0);
}

TEST(Bench, MeasurementsOfSeveralLevelsShareNoRow) {
  Environment old_level, new_level, other_machine;
  old_level.cpu = new_level.cpu = "CPU", other_machine.cpu = "Other";
  old_level.isa = "AVX2", new_level.isa = "AVX3";
  const auto figure = [](const char* metric, double value, long environment) {
    Measurement m;
    m.model = "linear", m.mode = "train", m.metric = metric, m.length = 64, m.value = value;
    m.environment = environment;
    return m;
  };
  const std::map<long, Environment> environments{{1, old_level}, {2, new_level}, {3, other_machine}};
  const auto tables = bench_tables(
      {figure("median_ms", 1, 1), figure("peak_bytes", 2, 1), figure("median_ms", 3, 2), figure("median_ms", 4, 3)},
      environments, lra_request().references);
  ASSERT_EQ(tables.size(), 3u);
  EXPECT_EQ(tables[0].machine, machine_name(old_level) + ", " + level_name(old_level));
  EXPECT_EQ(tables[0].rows.at(0).values, (std::map<std::string, double>{{"median_ms", 1}, {"peak_bytes", 2}}));
  EXPECT_EQ(tables[1].rows.at(0).values, (std::map<std::string, double>{{"median_ms", 3}}));
  EXPECT_EQ(tables[2].machine, machine_name(other_machine)) << "its only level needs no name";
}

TEST(PairedComparison, PairsBySeed) {
  std::vector<StoredRun> all;
  for (std::uint64_t seed : {0, 1, 2, 3}) all.push_back(sample_run("a", seed, 0.50 + 0.01 * double(seed)));
  for (std::uint64_t seed : {3, 1, 7}) all.push_back(sample_run("b", seed, 0.48));
  const std::vector<const StoredRun*> a{&all[0], &all[1], &all[2], &all[3]}, b{&all[4], &all[5], &all[6]};
  const PairedComparison result = compare_paired(a, b, {}, 100);
  EXPECT_EQ(result.seeds, (std::vector<std::uint64_t>{1, 3}));
  EXPECT_NEAR(result.difference, (0.03 + 0.05) / 2, 1e-12);
  EXPECT_EQ(result.method, "t");
  EXPECT_TRUE(result.network_p.empty()) << "no predictions are stored";
}

TEST(PairedComparison, OneSeedIsNeverSignificant) {
  const StoredRun a = sample_run("a", 0, 0.9), b = sample_run("b", 0, 0.1);
  const PairedComparison result = compare_paired({&a}, {&b}, {}, 100);
  EXPECT_TRUE(std::isnan(result.p));
  EXPECT_FALSE(result.significant());
}

TEST(PairedComparison, SixSeedsArePermutedAndBootstrapped) {
  Store store(":memory:");
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    store.add(with_hits(sample_run("a", seed, 0.50 + 0.01 * double(seed))), {});
    store.add(with_hits(sample_run("b", seed, 0.45), 10), {});
  }
  const auto runs = store.runs();
  std::vector<const StoredRun*> a, b;
  for (const StoredRun& run : runs) (run.model == "a" ? a : b).push_back(&run);
  const PairedComparison result = compare_paired(a, b, store.correct_examples(), 1000);
  EXPECT_EQ(result.method, "permutation");
  EXPECT_EQ(result.p, 2.0 / 64);  // all six differences are positive
  EXPECT_EQ(result.interval_kind, "bootstrap");
  // Seed 0: a is correct on 0 … 499, b on 10 … 459, so only a on 10 + 40, only b on none.
  EXPECT_EQ(result.discordances.at(0).only_first, 50);
  EXPECT_EQ(result.discordances.at(0).only_second, 0);
  EXPECT_NEAR(result.network_p.at(0), std::ldexp(1.0, -49), 1e-20);  // 2 / 2^50
  EXPECT_GT(result.interval.low, 0);
}

TEST(PairedComparison, CaveatsGiveTheLimitsOfTheSeeds) {
  const auto caveat = [](std::size_t comparisons, std::size_t tests, std::size_t seeds, bool many = true) {
    return seeds_caveat({comparisons, tests, seeds, many});
  };
  EXPECT_NE(caveat(1, 0, 0, false).find("one seed nothing is significant"), std::string::npos);
  EXPECT_NE(caveat(3, 3, 5).find("5 seeds cannot reach p < 0.05 by permutation"), std::string::npos);
  EXPECT_EQ(caveat(1, 1, 6), "");
  EXPECT_NE(caveat(2, 2, 6).find("6 seeds cannot reach"), std::string::npos);  // 2 · 0.031
  EXPECT_EQ(caveat(0, 0, 0, false), "") << "nothing was compared";
  EXPECT_EQ(caveat(2, 0, 0).find("one seed"), std::string::npos) << "there are many seeds, none in common";
  EXPECT_EQ(caveat(3, 1, 6), "2 of 3 comparisons have fewer than two common seeds and are not tested.");
  EXPECT_EQ(seeds_needed(10), 9u);  // 10 / 2^7 = 0.078, 10 / 2^8 = 0.039
}

TEST(Accuracy, OnlySignificantDifferencesDecideBoldType) {
  Store store(":memory:");
  const auto add = [&](const char* model, double share, std::uint64_t seed) {
    store.add(sample_run(model, seed, share), {});
  };
  const auto rank = [&](const std::string& label) {
    const auto runs = store.runs();
    const AccuracyTable table = only_table(store, runs);
    for (const Row& row : table.rows)
      if (row.label == label) return row.cells.at(0)->rank;
    return Rank::open;
  };
  add("best", 0.80, 0), add("other", 0.20, 0);
  EXPECT_EQ(rank("best"), Rank::open) << "one seed each";
  for (std::uint64_t seed = 1; seed < 5; ++seed)
    add("best", 0.80 + 0.002 * double(seed % 3), seed), add("other", 0.20 + 0.003 * double(seed % 2), seed);
  EXPECT_EQ(rank("best"), Rank::best);
  EXPECT_EQ(rank("other"), Rank::second);
  for (std::uint64_t seed = 0; seed < 5; ++seed)  // alternately above and below the best
    add("close", 0.80 + 0.004 * (seed % 2 ? 1.0 : -1.0), seed);
  EXPECT_EQ(rank("close"), Rank::best) << "ties with the best";
  EXPECT_EQ(rank("best"), Rank::best);
  EXPECT_EQ(rank("other"), Rank::second);
  add("lonely", 0.1, 99);
  EXPECT_EQ(rank("lonely"), Rank::behind) << "no common seeds: never a tie";
}

TEST(Accuracy, AveragesAreNamed) {
  Store store(":memory:");
  const std::vector<std::string> tasks{"listops", "text", "retrieval", "image", "pathfinder"};
  double share = 0.3;
  for (const std::string& task : tasks) store.add(full_run(task, "linear", 0, share += 0.1), {});
  for (const char* task : {"listops", "text"}) store.add(full_run(task, "local", 0, 0.9), {});
  {
    const auto runs = store.runs();
    const AccuracyTable table = only_table(store, runs);
    EXPECT_EQ(table.averages, (std::vector<std::string>{"avg5"}));
    EXPECT_NEAR(table.rows.at(0).averages.at(0).value(), 0.6, 1e-12);  // 0.4 … 0.8
    EXPECT_EQ(table.rows.at(1).label, "local");
    EXPECT_FALSE(table.rows[1].averages[0]) << "tasks are missing";
  }
  StoredRun failed = full_run("pathx", "linear", 0, 0);
  failed.status = "failed";
  store.add(failed, {});
  store.add(full_run("pathx", "local", 0, 0.51), {});
  const auto runs = store.runs();
  const AccuracyTable table = only_table(store, runs);
  EXPECT_EQ(table.averages, (std::vector<std::string>{"avg5", "avg6_fail50"}));
  EXPECT_NEAR(table.rows.at(0).averages.at(1).value(), (5 * 0.6 + 0.5) / 6, 1e-12);
}

TEST(Accuracy, OtherAveragesDoNotUseTheirNames) {
  Store store(":memory:");
  for (const char* task : {"listops", "text", "retrieval", "image", "lookup"})
    store.add(full_run(task, "linear", 0, 0.5), {});
  const auto runs = store.runs();
  EXPECT_EQ(only_table(store, runs).averages, (std::vector<std::string>{"avg5_own"}));
}

TEST(Accuracy, SolvedCountsSeedsAboveChance) {
  Store store(":memory:");
  store.add_baselines("pathfinder", "pathfinder1", {{"majority", 500, 1000}});
  for (const auto& [seed, share] : {std::pair(0, 0.5), std::pair(1, 0.72), std::pair(2, 0.51)})
    store.add(full_run("pathfinder", "linear", std::uint64_t(seed), share), {});
  const auto runs = store.runs();
  EXPECT_EQ(only_table(store, runs).rows.at(0).cells.at(0)->solved, 1);  // 0.51: Wilson from 0.479
  std::ostringstream out;
  report_formats().at("markdown").write(store, lra_request("accuracy"), out);
  EXPECT_NE(out.str().find("(3), solved 1 of 3"), std::string::npos) << out.str();
}

TEST(Accuracy, ASweepIsOneRowChosenOnValidation) {
  Store store(":memory:");
  const auto add = [&](double lr, double valid, double test) {
    StoredRun run = sample_run("linear", 0, test);
    run.experiment["lr"] = lr, run.overrides = {{"lr", lr}};
    run.sweep = {{"lr", {1e-3, 3e-3, 1e-2}}};
    run.history = {{100, "valid", "accuracy", valid / 2}, {200, "valid", "accuracy", valid}};
    set_key(run);
    store.add(run, {});
  };
  add(1e-3, 0.40, 0.45), add(3e-3, 0.50, 0.42), add(1e-2, 0.30, 0.48);
  store.add(sample_run("linear", 0, 0.41), {});
  const auto runs = store.runs();
  const AccuracyTable table = only_table(store, runs);
  ASSERT_EQ(table.rows.size(), 2u) << "tuned and untuned never mix";
  EXPECT_EQ(table.rows[0].label, "linear best of 3 lr");
  EXPECT_NEAR(table.rows[0].cells.at(0)->mean, 0.42, 1e-12) << "the best on validation, not on test";
  EXPECT_TRUE(table.rows[0].cells[0]->marks.best_of);
  EXPECT_FALSE(table.rows[1].cells.at(0)->marks.best_of);
}

TEST(PublishedTable, ShowsTheRangeNextToOurs) {
  Store store(":memory:");
  store.add_baselines("listops", "listops1", {{"majority", 170, 1000}, {"first_token", 360, 1000}});
  store.add(full_run("listops", "performer", 0, 0.43), {});
  std::ostringstream out;
  report_formats().at("markdown").write(store, lra_request("published"), out);
  const std::string text = out.str();
  EXPECT_NE(text.find("18.0–38.0 ⚠"), std::string::npos) << text;
  EXPECT_NE(text.find("+5.0"), std::string::npos) << text;  // 43.0 above 38.02
  EXPECT_NE(text.find("36.0"), std::string::npos) << "the baselines are shown";
  EXPECT_NE(text.find("brackets were lost"), std::string::npos);
}

TEST(PublishedTable, ShowsNothingForOtherVariants) {
  Store store(":memory:");
  store.add(sample_run("performer", 0, 0.43), {});
  std::ostringstream out;
  report_formats().at("markdown").write(store, lra_request("published"), out);
  EXPECT_NE(out.str().find("No published figures are shown for listops@quick"), std::string::npos) << out.str();
  EXPECT_EQ(out.str().find("38.0"), std::string::npos);
}

TEST(Answers, NameTheBestTheFastestAndTheCheapest) {
  Store store(":memory:");
  store.add_baselines("listops@quick", "a1b2c3d4", {{"majority", 170, 1000}});
  Environment machine;
  machine.cpu = "CPU", machine.cores = 2;
  const auto add = [&](const char* model, double share, double speed) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      StoredRun run =
          sample_run(model, seed, share + 0.004 * (seed % 2 ? 1 : -1) * (std::string(model) == "linear" ? -1 : 1));
      run.examples_per_second = speed, run.train_seconds = 1000 / speed, run.threads = 2;
      store.add(run, machine);
    }
  };
  add("transformer", 0.402, 100), add("linear", 0.399, 300), add("local", 0.25, 500), add("identity", 0.16, 900);
  const Comparison comparison = compare_runs(store, lra_request());
  const auto three = answers(comparison.accuracy.at(0), comparison);
  ASSERT_EQ(three.size(), 3u);
  EXPECT_EQ(three[0].sentence,
            "`transformer` reaches 40.1 % on listops@quick; 1 other model is not significantly behind.");
  EXPECT_EQ(three[1].sentence, "`linear` trains at 3.00× `transformer`'s speed, the fastest of 2 models that tie.");
  EXPECT_EQ(three[2].sentence, "`local` beats every baseline on listops@quick after 2.00 s of training per seed.");
}

TEST(Figures, ExponentsAndTheFront) {
  EXPECT_NEAR(fitted_exponent({{1, 3}, {2, 12}, {4, 48}}).value(), 2, 1e-12);  // 3 x²
  EXPECT_FALSE(fitted_exponent({{8, 1}}));
  EXPECT_FALSE(fitted_exponent({{8, 1}, {8, 2}}));
  EXPECT_EQ(pareto_front({{1, 5}, {2, 4}, {1.5, 3}, {3, 1}, {3, 0.5}}),
            (std::vector<bool>{true, true, false, true, false}));
}

}  // namespace
}  // namespace lra
