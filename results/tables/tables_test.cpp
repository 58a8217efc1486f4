// Checks what the tables and the page say against the stored runs.
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "core/random.h"
#include "results/page/page.h"
#include "results/results_testing.h"
#include "results/store/database.h"
#include "results/tables/comparison.h"
#include "results/tables/versions.h"

namespace lra {
namespace {

Environment machine() {
  Environment e;
  e.cpu = "Test CPU", e.cores = 2;
  return e;
}

std::string report(const Store& store, const std::string& format, const ReportRequest& request) {
  std::ostringstream out;
  report_formats().at(format).write(store, request, out);
  return out.str();
}

ReportRequest request_for(const std::string& table) {
  ReportRequest request = lra_request();
  request.table = table;
  return request;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The run with these overrides of its preset.
StoredRun with(StoredRun run, const Json& overrides) {
  run.overrides = overrides;
  run.experiment.update(overrides);
  set_key(run);
  return run;
}

StoredRun timed(StoredRun run, double examples_per_second) {
  run.examples_per_second = examples_per_second, run.train_seconds = 1000 / examples_per_second;
  return run;
}

/// The lower tail of the binomial distribution, by its definition.
double at_most(long correct, long examples, double share) {
  double sum = 0;
  for (long k = 0; k <= correct; ++k)
    sum += std::exp(std::lgamma(double(examples) + 1) - std::lgamma(double(k) + 1) -
                    std::lgamma(double(examples - k) + 1) + double(k) * std::log(share) +
                    double(examples - k) * std::log1p(-share));
  return sum;
}

TEST(Solved, UsesTheUpperTailOfTheBinomial) {
  EXPECT_EQ(binomial_upper_tail(0, 10, 0.3), 1);
  EXPECT_NEAR(binomial_upper_tail(10, 10, 0.5), std::ldexp(1.0, -10), 1e-15);
  EXPECT_NEAR(binomial_upper_tail(2, 3, 0.5), 0.5, 1e-12);  // 4 of 8
  for (const long correct : {90L, 100L, 120L, 150L})
    EXPECT_NEAR(binomial_upper_tail(correct, 1000, 0.1), 1 - at_most(correct - 1, 1000, 0.1), 1e-10) << correct;
}

// Source: the definition of the level. Of models at chance, at most 2.5 % show any solved seed in expectation; more
// than 5 % of 300 do so with a probability below 0.01. Without the correction for seeds, 7 % to 20 % did.
TEST(Solved, ModelsAtChanceRarelySolveASeedHoweverManySeedsThereAre) {
  constexpr long kModels = 300, kExamples = 100;
  for (const std::uint64_t seeds : {2, 8}) {
    Store store(":memory:");
    store.add_baselines("listops@quick", "a1b2c3d4", {{"majority", 10, 100}});
    for (long model = 0; model < kModels; ++model)
      for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        StoredRun run = sample_run("model" + std::to_string(model), seed, 0);
        const Random draw(seed, "chance", run.model);
        run.test_examples = kExamples, run.test_correct = 0;
        for (long i = 0; i < kExamples; ++i) run.test_correct += draw.uniform(std::uint64_t(i)) < 0.1;
        store.add(run, {});
      }
    const auto runs = store.runs();
    const AccuracyTable table = accuracy_tables(runs, store, lra_request()).at(0);
    long shown = 0;
    for (const Row& row : table.rows) shown += row.cells.at(0)->solved.value() > 0;
    EXPECT_LE(shown, kModels / 20) << seeds << " seeds";
  }
}

TEST(Validation, RejectsImpossibleNumbersAndNamesTheRun) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "lra.db";
  StoredRun run = sample_run("linear", 0, 0.5);
  for (int i = 0; i < 1001; ++i) run.test_correctness.push_back(i % 2);
  run.test_examples = 1001;
  Store(path).add(run, {});
  Store(path).add(sample_run("local", 0, 0.5), {});
  Store(path).add_baselines("listops@quick", "a1b2c3d4", {{"majority", 170, 1000}});
  const auto refused = [&](const std::string& damage, const std::string& repair, const char* words) {
    const Database database(path, Database::Open::existing);
    database.execute(damage);
    const auto read = [&] { report(Store(path, Store::Access::read), "markdown", request_for("all")); };
    const std::string said = sentence_of(read, Kind::data);
    EXPECT_TRUE(has(said, words)) << damage << ": " << said;
    database.execute(repair);
    EXPECT_NO_THROW(read()) << repair;
  };
  refused("UPDATE run SET test_correct = 499 WHERE id = 1", "UPDATE run SET test_correct = 500 WHERE id = 1",
          "run 1 has 499 of 1001 test examples correct, but its predictions say 500 of 1001; `lra runs delete 1 --db ");
  refused("UPDATE run SET test_examples = 1002 WHERE id = 1", "UPDATE run SET test_examples = 1001 WHERE id = 1",
          "run 1 has 500 of 1002");
  refused("UPDATE run SET test_correct = 1200 WHERE id = 2", "UPDATE run SET test_correct = 500 WHERE id = 2",
          "run 2 has 1200 of 1000 test examples correct");
  refused("UPDATE run SET test_correct = -1 WHERE id = 2", "UPDATE run SET test_correct = 500 WHERE id = 2",
          "run 2 has -1 of 1000");
  refused("UPDATE run SET test_correct = 0, test_examples = 0 WHERE id = 2",
          "UPDATE run SET test_correct = 500, test_examples = 1000 WHERE id = 2", "run 2 has 0 of 0");
  refused("UPDATE run SET examples_per_second = -3 WHERE id = 2", "UPDATE run SET examples_per_second = 3 WHERE id = 2",
          "run 2 has examples_per_second -3");
  refused("UPDATE baseline SET correct = 1001", "UPDATE baseline SET correct = 170", "the baseline 'majority'");
  Measurement measured;
  measured.model = "linear", measured.metric = "median_ms", measured.length = 64, measured.settings = Json::object();
  Store(path).add({measured}, {});
  refused("UPDATE measurement SET value = 9e999", "UPDATE measurement SET value = 5",
          "linear at 64 tokens has median_ms");
  const Database database(path, Database::Open::existing);
  const Store store(path);
  const auto last_byte = [&](int byte) {
    database.execute(fmt::format("UPDATE prediction SET hits = CAST(substr(hits, 1, 125) || x'{:02x}' AS BLOB)", byte));
  };
  last_byte(0x02);  // one bit, beyond the 1,001st
  EXPECT_TRUE(has(sentence_of([&] { store.find(1); }, Kind::data), "some beyond the last"));
  EXPECT_TRUE(has(sentence_of([&] { Store(":memory:").merge(store); }, Kind::data), "run 1 has"));
  database.execute("UPDATE prediction SET hits = x'', examples = -1");
  EXPECT_TRUE(has(sentence_of([&] { store.find(1); }, Kind::data), "predictions of 0 bytes for -1 examples"));
  EXPECT_EQ(Store(path).remove({1}), 1) << "the suggested command removes it";
  EXPECT_NO_THROW(report(store, "markdown", request_for("accuracy")));
}

TEST(Tables, SaysOneSeedOnlyIfThereIsOne) {
  Store store(":memory:");
  for (std::uint64_t seed = 0; seed < 2; ++seed)
    for (const char* model : {"linear", "local"}) {
      StoredRun run = with(sample_run(model, seed, 0.4), {{"steps", 3}});
      run.comparable = false;
      store.add(run, {});
    }
  std::string text = report(store, "markdown", request_for("accuracy"));
  EXPECT_FALSE(has(text, "With one seed")) << text;
  EXPECT_TRUE(has(text, "Nothing is compared, because the runs are not comparable (§).")) << text;
  for (std::uint64_t seed = 0; seed < 3; ++seed)
    store.add(sample_run("linear", seed, 0.5), {}), store.add(sample_run("local", seed + 3, 0.4), {});
  text = report(store, "markdown", request_for("accuracy"));
  EXPECT_FALSE(has(text, "With one seed")) << text;
  EXPECT_TRUE(has(text, "No two seeds are common")) << text;
  EXPECT_TRUE(has(text,
                  "Seeds differ on listops@quick: seeds 0..1 of linear steps=3, local steps=3; seeds 0..2 of "
                  "linear; seeds 3..5 of local."))
      << text;
}

TEST(Tables, VersionsOfOneTasksDataAreNotAveraged) {
  Store store(":memory:");
  for (const char* fingerprint : {"aaaaaaaa", "bbbbbbbb"})
    for (const char* model : {"linear", "local"}) {
      StoredRun run = sample_run(model, 0, 0.5);
      run.task = "tsv:set", run.variant = "tsv:set@quick", run.data_fingerprint = fingerprint;
      run.experiment["data"] = fingerprint,
      run.started = std::string("2026-01-0") + (fingerprint[0] == 'a' ? "1" : "2");
      set_key(run);
      store.add(run, {});
    }
  const std::string text = report(store, "markdown", request_for("accuracy"));
  EXPECT_FALSE(has(text, "avg2")) << text;
  EXPECT_TRUE(has(text, "No average: one task would count several times.")) << text;
  EXPECT_TRUE(has(text,
                  "tsv:set@quick #aaaaaa: a version of the data of tsv:set@quick: #aaaaaa, trained on since "
                  "2026-01-01."))
      << text;
  for (const std::string& format : report_formats().names()) EXPECT_NO_THROW(report(store, format, request_for("all")));
  const Comparison comparison = compare_runs(store, lra_request());
  EXPECT_TRUE(has(answers(comparison.accuracy.at(0), comparison).at(0).sentence, "There is no average"));
}

TEST(Tables, FoldersOfOneNameGetDistinctLabels) {
  Store store(":memory:");
  const auto add = [&](const char* fingerprint, const char* folder) {
    StoredRun run = sample_run("linear", 0, 0.5);
    run.task = "tsv:set", run.variant = "tsv:set@quick", run.data_fingerprint = fingerprint, run.data_folder = folder;
    run.experiment["data"] = fingerprint;
    set_key(run);
    store.add(run, {});
  };
  const auto labels = [&] {
    const auto runs = store.runs();
    std::vector<std::string> all;
    const AccuracyTable table = accuracy_tables(runs, store, lra_request()).at(0);
    for (const Column& column : table.columns) all.push_back(column.label);
    return all;
  };
  add("aaaaaaaa", "/home/me/v1/set");
  EXPECT_EQ(labels(), (std::vector<std::string>{"tsv:set@quick"}));
  add("bbbbbbbb", "/home/me/v2/set");
  EXPECT_EQ(labels(), (std::vector<std::string>{"tsv:v1/set@quick", "tsv:v2/set@quick"}));
  EXPECT_TRUE(has(report(store, "markdown", request_for("accuracy")), "#aaaaaa, in /home/me/v1/set"));
  add("cccccccc", "/home/me/v2/set");  // edited
  EXPECT_EQ(labels(), (std::vector<std::string>{"tsv:v1/set@quick #aaaaaa", "tsv:v2/set@quick #bbbbbb",
                                                "tsv:v2/set@quick #cccccc"}));
}

TEST(Tables, ARowIsComparedWithTheReferenceWithItsSettings) {
  const ReferenceModels references = lra_request().references;
  const std::vector<std::string> labels{"linear steps=60", "transformer", "transformer steps=60",
                                        "transformer materialized=true", "transformer materialized=true steps=60"};
  EXPECT_EQ(reference_label(references, "transformer", "linear steps=60", labels), "transformer steps=60");
  EXPECT_EQ(reference_label(references, "transformer", "linear k=3 steps=60", labels), "transformer steps=60");
  EXPECT_EQ(reference_label(references, "transformer", "linear k=3", labels), "transformer");
  EXPECT_EQ(reference_label(references, "transformer", "transformer materialized=true", labels), "transformer");
  EXPECT_EQ(reference_label(references, references.materialized_row(), "linear", labels),
            references.materialized_row());
  EXPECT_EQ(reference_label(references, references.materialized_row(), "linear steps=60", labels),
            "transformer materialized=true steps=60");
  EXPECT_EQ(reference_label(references, "identity", "linear", labels), "");
  EXPECT_EQ(reference_label(references, "transformer", "linear", {"transformer steps=60"}), "");

  Store store(":memory:");
  store.add(timed(with(sample_run("transformer", 0, 0.5), {{"steps", 60}}), 100), machine());
  store.add(timed(with(sample_run("linear", 0, 0.5), {{"steps", 60}}), 300), machine());
  const auto runs = store.runs();
  const CostTable table = cost_tables(runs, store, lra_request()).at(0);
  EXPECT_NEAR(table.rows.at(0).relative_speed.value(), 3, 1e-12);
  const std::string text = report(store, "markdown", request_for("efficiency"));
  EXPECT_FALSE(has(text, "Not measured here: `transformer`;")) << text;
  EXPECT_FALSE(has(text, "Not measured here: `transformer`,")) << text;
}

TEST(Tables, OnlyTasksOfPapersAreCalledAnotherVariant) {
  Store store(":memory:");
  StoredRun own = sample_run("linear", 0, 0.5);
  own.task = "tsv:sst", own.variant = "tsv:sst@quick";
  set_key(own);
  store.add(own, {});
  const std::string text = report(store, "markdown", request_for("published"));
  EXPECT_FALSE(has(text, "not the papers' variant")) << text;
  EXPECT_TRUE(has(text, "no paper prints figures for `tsv:sst`")) << text;
}

TEST(Page, MemoryHasItsOwnDeclaredExponent) {
  Store store(":memory:");
  std::vector<Measurement> all;
  for (const long length : {1024L, 2048L})
    for (const char* metric : {"median_ms", "peak_bytes"})
      for (const char* model : {"transformer", "transformer materialized=true"}) {
        Measurement m;
        m.model = model, m.mode = "train", m.metric = metric, m.length = length, m.value = double(length);
        m.settings = Json::object();
        all.push_back(m);
      }
  store.add(all, machine());
  ReportRequest request = lra_request();
  request.models = {{"transformer", "", "", "", "", "", 2, 1}};
  const Comparison comparison = compare_runs(store, request);
  const Json page = figures_of(comparison, store, request);
  for (const Json& figure : page.at("figures"))
    for (const Json& series : figure.at("series"))
      EXPECT_EQ(series.at("declared"), series.at("label") != "transformer" ? Json()
                                       : figure.at("bytes").get<bool>()    ? Json(1.0)
                                                                           : Json(2.0))
          << figure.dump();
}

TEST(Page, CommandsNameTheDatabase) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "rich $(touch it).db";  // must do nothing when pasted into a shell
  Store store(path);
  store.add(sample_run("linear", 0, 0.5), machine());
  EXPECT_TRUE(has(report(store, "html", request_for("all")), "lra runs reproduce 1 --db '" + path.string() + "'"));
  EXPECT_TRUE(
      has(report(store, "markdown", request_for("seeds")), "lra runs reproduce N --db '" + path.string() + "'"));
}

/// A model on ListOps and its results.
struct Entry {
  std::string model;
  double share;
  std::uint64_t seeds;
  double speed;
};
std::vector<std::string> cards(const std::vector<Entry>& entries) {
  Store store(":memory:");
  store.add_baselines("listops@quick", "a1b2c3d4", {{"majority", 170, 1000}});
  for (const Entry& e : entries)
    for (std::uint64_t seed = 0; seed < e.seeds; ++seed)
      store.add(timed(sample_run(e.model, seed, e.share + 0.002 * double(seed % 3)), e.speed), machine());
  const Comparison comparison = compare_runs(store, lra_request());
  std::vector<std::string> sentences;
  for (const Answer& answer : answers(comparison.accuracy.at(0), comparison)) sentences.push_back(answer.sentence);
  return sentences;
}

TEST(Answers, WithOneSeedNoModelsTie) {
  const auto said = cards({{"transformer", 0.6, 1, 100}, {"linear", 0.3, 1, 300}});
  EXPECT_EQ(said[0], "`transformer` reaches 60.0 % on listops@quick, but with one seed nothing is significant.");
  EXPECT_EQ(said[1], "`transformer` trains at 1.00× `transformer`'s speed; no other's interval overlaps its own.");
  const auto near = cards({{"transformer", 0.6, 1, 100}, {"linear", 0.59, 1, 300}});
  EXPECT_EQ(near[1],
            "`linear` trains at 3.00× `transformer`'s speed, the fastest of 2 models whose intervals overlap.");
}

TEST(Answers, TheControlIsNeverTheBest) {
  const auto said = cards({{"transformer", 0.60, 6, 100}, {"identity", 0.598, 6, 900}});
  EXPECT_TRUE(has(said[1], "`transformer` trains at")) << said[1];
  const auto ahead = cards({{"transformer", 0.60, 9, 100}, {"identity", 0.70, 9, 900}, {"linear", 0.3, 9, 300}});
  EXPECT_EQ(ahead[0],
            "`transformer` reaches 60.2 % on listops@quick, and is significantly better than each other model on some "
            "task. The control `identity`, which mixes no tokens, reaches 70.2 % on listops@quick.");
}

TEST(Answers, ModelsThatWereNotTestedAreNotCalledWorse) {
  const auto said = cards({{"transformer", 0.6, 6, 100}, {"linear", 0.3, 6, 300}, {"local", 0.2, 1, 500}});
  EXPECT_EQ(said[0],
            "`transformer` reaches 60.2 % on listops@quick; 1 other model has too few common seeds for a test.");
}

/// A store with two tasks, three models and bench measurements.
Store filter_store() {
  Store store(":memory:");
  store.add_baselines("listops@quick", "a1b2c3d4", {{"majority", 170, 1000}});
  for (const char* task : {"listops", "image"})
    for (const auto& [model, share, speed] :
         {std::tuple("transformer", 0.5, 100.0), {"linear", 0.4, 300.0}, {"identity", 0.45, 900.0}}) {
      StoredRun run = timed(sample_run(model, 0, share), speed);
      run.task = task, run.variant = run.task + "@quick", run.parameters = run.model == "linear" ? 120'000 : 100'000;
      set_key(run);
      store.add(run, machine());
    }
  Measurement m;
  m.mode = "train", m.metric = "median_ms", m.length = 1024, m.value = 5, m.settings = Json::object();
  for (const char* model : {"transformer", "linear"}) {
    m.model = model;
    store.add({m}, machine());
  }
  return store;
}

TEST(Filters, UserDataMatchByNameFolderOrFolderSuffix) {
  StoredRun run;
  run.task = "tsv:set", run.data_folder = "/home/me/v1/set";
  for (const char* name : {"tsv:set", "tsv:v1/set", "tsv:me/v1/set", "tsv:/home/me/v1/set"})
    EXPECT_TRUE(is_on_task(run, name)) << name;
  for (const char* name :
       {"tsv:v2/set", "tsv:1/set", "tsv:v1", "tsv:other", "set", "listops", "tsv:/v1/set", "other:v1/set"})
    EXPECT_FALSE(is_on_task(run, name)) << name;
  run.data_folder.clear();  // as in a database from before the column existed
  EXPECT_TRUE(is_on_task(run, "tsv:v2/set"));
  EXPECT_FALSE(is_on_task(run, "tsv:v2/other"));
}

TEST(Filters, EveryFormatShowsOnlyWhatWasRequested) {
  const Store store = filter_store();
  ReportRequest request = request_for("all");
  request.only_tasks = {"listops"}, request.only_models = {"linear"};
  for (const std::string& format : report_formats().names()) {
    std::string text = report(store, format, request);
    if (format == "html") text = text.substr(0, text.find("<!-- Chart.js")).substr(text.find("<header>"));
    EXPECT_FALSE(has(text, "image@quick")) << format;
    EXPECT_TRUE(has(text, "listops@quick")) << format;
    EXPECT_TRUE(has(text, "linear")) << format;
    EXPECT_FALSE(has(text, "| identity")) << format;
    EXPECT_FALSE(has(text, "\"identity\"")) << format;
  }
  EXPECT_TRUE(has(report(store, "html", request), "1 run from"));
}

TEST(Filters, ReferencesThatAreNotShownAreStillUsed) {
  const Store store = filter_store();
  ReportRequest request = request_for("all");
  request.only_models = {"linear"};
  const Comparison comparison = compare_runs(store, request);
  ASSERT_EQ(comparison.accuracy.at(0).rows.size(), 1u);
  const auto& cell = comparison.accuracy[0].rows[0].cells.at(0).value();
  EXPECT_TRUE(cell.marks.above_chance);
  EXPECT_FALSE(cell.marks.uses_context) << "identity has 45.0";
  EXPECT_TRUE(cell.marks.over_budget) << "against the transformer's parameters";
  ASSERT_EQ(comparison.costs.at(0).rows.size(), 1u);
  EXPECT_NEAR(comparison.costs[0].rows[0].relative_speed.value(), 3, 1e-12);
  ASSERT_EQ(comparison.benches.at(0).rows.size(), 1u);
  EXPECT_EQ(comparison.benches[0].rows[0].speed_up, 1.0);
  request.only_models = {"local"};
  EXPECT_TRUE(has(sentence_of([&] { compare_runs(store, request); }, Kind::usage), "--models"));
}

}  // namespace
}  // namespace lra
