// Reports and comparisons of the real program agree with the database.
#include "core/file.h"
#include "results/store/store.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Seeds first … last of each model on the lookup task.
void fill(const std::string& path, const std::vector<std::string>& models, std::uint64_t first, std::uint64_t last) {
  Store store(path);
  Environment environment;
  environment.cpu = "CPU", environment.cores = 2;
  for (const std::string& model : models)
    for (std::uint64_t seed = first; seed <= last; ++seed) {
      StoredRun run = sample_run(model, seed, (model == "linear" ? 0.46 : 0.50) + 0.002 * double(seed % 2));
      run.parameter_digest = model + std::to_string(seed), run.examples_per_second = 100, run.train_seconds = 1;
      store.add(run, environment);
    }
}

TEST(CompareSeeds, BothAccuraciesAreOfTheCommonSeeds) {
  const Sandbox box;
  fill(box.path("lra.db"), {"identity", "linear"}, 0, 2);
  fill(box.path("lra.db"), {"linear"}, 3, 5);
  const Finished table = box.lra("compare identity linear");
  EXPECT_TRUE(has(table.out, "3 seeds of linear have no partner and are left out: 3, 4, 5\n")) << table.out;
  const Json task = box.lra("compare identity linear --json").json().at(0);
  const double first = task.at("first_accuracy"), second = task.at("second_accuracy"), apart = task.at("difference");
  EXPECT_NEAR(first - second, apart, 1e-12);
  EXPECT_EQ(task.at("only_second"), (Json{3, 4, 5}));
  fill(box.path("lra.db"), {"local"}, 7, 7);
  EXPECT_TRUE(has(box.lra("compare identity local").out, "1 seed of local has no partner and is left out: 7\n"));
}

TEST(CompareSeeds, AModelAgainstItselfIsTheSame) {
  const Sandbox box;
  fill(box.path("lra.db"), {"linear"}, 0, 5);
  const Finished same = box.lra("compare linear linear");
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_FALSE(has(same.out, "one seed")) << same.out;
  EXPECT_TRUE(has(same.out, "Both sides are the same")) << same.out;
}

TEST(CompareSeeds, UnknownTasksAndPresetsAreNamed) {
  const Sandbox box;
  fill(box.path("lra.db"), {"identity", "linear"}, 0, 1);
  const Finished finished = box.lra("compare identity linear --tasks listop");
  EXPECT_EQ(finished.code, 2);
  EXPECT_TRUE(has(finished.err, "unknown task 'listop', did you mean 'listops'?")) << finished.err;
  EXPECT_TRUE(has(box.lra("compare identity linear --preset quik").err, "did you mean 'quick'?"));
  EXPECT_EQ(box.lra("compare linear identity --tasks lra5").code, 0);
}

TEST(ReportFilters, TasksAndModels) {
  const Sandbox box;
  fill(box.path("lra.db"), {"identity", "linear", "transformer"}, 0, 1);
  for (const char* format : {"markdown", "latex", "csv", "json", "html"}) {
    const Finished finished =
        box.lra(std::string("report --models linear,transformer --tasks listops --format ") + format);
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_TRUE(has(finished.out, "linear")) << format;
    EXPECT_FALSE(has(finished.out, "identity</th>")) << format;
    EXPECT_FALSE(has(finished.out, "| identity")) << format;
    EXPECT_FALSE(has(finished.out, "\"identity\"")) << format;
  }
  EXPECT_TRUE(has(box.lra("report --models linaer").err, "unknown model 'linaer', did you mean 'linear'?"));
  EXPECT_TRUE(has(box.lra("report --tasks listop").err, "unknown task 'listop', did you mean 'listops'?"));
  EXPECT_EQ(box.lra("report --models lra11 --tasks all").code, 0);
  EXPECT_EQ(box.lra("report --models lra11 --tasks image").code, 2) << "image has no run";
}

TEST(ReportTruth, VersionsOfUserDataHaveNoAverage) {
  const Sandbox box;
  for (const char* folder : {"v1/set", "v2/set"}) {
    std::filesystem::create_directories(box.path(folder));
    for (const char* split : {"train", "valid", "test"}) {
      std::string text;
      for (int i = 0; i < 8; ++i)
        text += fmt::format("{}\t{} {} {} {}\n", i % 2, folder[1], split, i, i % 2 ? "a" : "b");
      write_file(box.path(folder) / fmt::format("{}.tsv", split), text);
    }
  }
  const Finished run = box.lra("run --tasks tsv:v1/set,tsv:v2/set --models linear,identity --preset smoke --threads 1");
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_FALSE(has(run.out, "avg")) << run.out;
  EXPECT_TRUE(has(run.out, "tsv:v1/set@smoke") && has(run.out, "tsv:v2/set@smoke")) << run.out;
  for (const std::string& folder : {std::string("v1/set"), std::string("./v1/set/"), box.path("v1/set").string()}) {
    const Json runs = box.lra("report --format json --tasks tsv:" + folder).json().at("runs");
    EXPECT_EQ(runs.size(), 2u) << folder;
    for (const Json& row : runs) EXPECT_TRUE(row.at("data_folder").get<std::string>().ends_with("/v1/set")) << row;
    EXPECT_EQ(box.lra("runs list --json --task tsv:" + folder).json().size(), 2u) << folder;
    EXPECT_EQ(box.lra("compare linear identity --json --tasks tsv:" + folder).json().size(), 1u) << folder;
  }
  EXPECT_EQ(box.lra("runs list --json --task tsv:set").json().size(), 4u);
  EXPECT_EQ(box.lra("compare linear identity --json --tasks tsv:set").json().size(), 2u);
  const Finished unknown = box.lra("report --tasks tsv:v3/set");
  EXPECT_EQ(unknown.code, 2);
  EXPECT_TRUE(has(unknown.err, "unknown task 'tsv:v3/set'")) << unknown.err;
  EXPECT_EQ(box.lra("report --tasks tsv:v1/set --format html").code, 0);
}

TEST(ReportTruth, DamagedRunsAreNamedAndCanBeRemoved) {
  const Sandbox box;
  fill(box.path("lra.db"), {"identity", "linear"}, 0, 1);
  {
    Store store(box.path("lra.db"));
    StoredRun run = sample_run("local", 0, 0.5);
    run.test_correctness.assign(1000, 1);  // contradicts test_correct
    store.add(run, {});
  }
  for (const char* command : {"report", "report --format json", "compare identity linear"}) {
    const Finished finished = box.lra(command);
    EXPECT_EQ(finished.code, 3) << command;
    EXPECT_TRUE(has(finished.err, "run 5 has 500 of 1000 test examples correct, but its predictions say 1000 of 1000"))
        << finished.err;
  }
  EXPECT_EQ(box.lra("runs delete 5").out, "1 run deleted\n");
  EXPECT_EQ(box.lra("report").code, 0);
}

}  // namespace
}  // namespace lra
