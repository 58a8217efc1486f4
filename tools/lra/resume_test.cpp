// Runs that resume under other conditions, are suspended or diverge at the end, and runs that are reproduced.
#include <gtest/gtest.h>

#include "core/file.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

const std::string kCell = "run --preset smoke --tasks lookup --models transformer --set steps=1000 ";

/// Runs `lra ARGUMENTS` until its cell has saved its state once, then runs the shell commands `words`, in which $p is
/// the program's process and $c its cell's, and waits.
Finished meddle(const Sandbox& sandbox, const std::string& arguments, const std::string& words,
                const std::string& environment = "") {
  const std::string out = sandbox.path("stdout"), err = sandbox.path("stderr");
  const std::string script = fmt::format(
      "({}{} --checkpoint 0.01 --json >{} 2>{}) & p=$!\n"
      "while kill -0 $p && ! ls {}/*.safetensors; do sleep 0.01; done >/dev/null 2>&1\n"
      "c=$(cat /proc/$p/task/$p/children)\n"
      "{}\n"
      "wait $p",
      sandbox.program(environment), arguments, out, err, sandbox.path("lra.db-cells").string(), words);
  const int status = std::system(script.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(out), contents(err)};
}

/// Interrupts the cell, which leaves its state.
void cut_off(const Sandbox& sandbox, const std::string& arguments, const std::string& environment = "") {
  const Finished cut = meddle(sandbox, arguments, "kill -TERM $p", environment);
  ASSERT_EQ(cut.code, 130) << "it must not have been done before: " << cut.err;
}

Json only_cell(const Finished& finished) {
  EXPECT_EQ(finished.json().size(), 1u) << finished.err;
  return finished.json().at(0);
}

bool holds(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

/// Interrupts a run under `first` and resumes it under `second`, which must fail and say how to restore the level;
/// doing so must give the right bits. `variable` sets the level, which `key` of the environment shows.
void go_on_elsewhere(const std::string& first, const std::string& second, const char* variable, const char* key) {
  const Sandbox sandbox, reference;
  const Json whole = only_cell(reference.lra(kCell + "--json", first));
  ASSERT_EQ(whole.at("status"), "done");
  const Json level = reference.lra("runs show 1").json().at("environment").at(key);
  const std::string way_back = fmt::format("{}={}", variable, level.get<std::string>());
  ASSERT_NE(only_cell(Sandbox().lra(kCell + "--json", second)).at("parameter_digest"), whole.at("parameter_digest"))
      << "the levels must differ for this test to tell anything";
  cut_off(sandbox, kCell, first);
  const Finished elsewhere = sandbox.lra(kCell + "--json", second);
  EXPECT_EQ(elsewhere.code, 1);
  const std::string reason = only_cell(elsewhere).at("reason");
  EXPECT_TRUE(holds(reason, "set " + way_back)) << reason;
  EXPECT_TRUE(holds(reason, "--force")) << reason;
  const Json resumed = only_cell(sandbox.lra(kCell + "--json", way_back));
  EXPECT_EQ(resumed.at("status"), "done") << resumed.at("reason");
  EXPECT_EQ(resumed.at("parameter_digest"), whole.at("parameter_digest"));
  EXPECT_EQ(resumed.at("parts").size(), 2u) << "the state was kept";
}

TEST(Resume, RejectsAHigherLevelOfOneDnn) {
  go_on_elsewhere("ONEDNN_MAX_CPU_ISA=AVX", "", "ONEDNN_MAX_CPU_ISA", "onednn_isa");
}

TEST(Resume, RejectsALowerLevelOfOneDnn) {
  go_on_elsewhere("", "ONEDNN_MAX_CPU_ISA=AVX", "ONEDNN_MAX_CPU_ISA", "onednn_isa");
}

TEST(Resume, RejectsAnotherLevelOfOurKernels) {
  go_on_elsewhere("LRA_MAX_ISA=SSE4", "", "LRA_MAX_ISA", "isa");
  const Finished unknown = Sandbox().lra("list models", "LRA_MAX_ISA=AVX9");
  EXPECT_EQ(unknown.code, 2);
  EXPECT_TRUE(holds(unknown.err, "there is no instruction set 'AVX9' here; there are ")) << unknown.err;
}

TEST(Resume, SeedsOfSeveralLevelsArePooledWithANote) {
  const Sandbox sandbox;
  const std::string run = "run --preset smoke --tasks lookup --models identity --threads 1 ";
  ASSERT_EQ(sandbox.lra(run).code, 0);
  const char* note = "whose bits differ: identity on lookup@smoke";
  EXPECT_FALSE(holds(sandbox.lra("report --preset smoke").out, note));
  ASSERT_EQ(sandbox.lra(run + "--seeds 1", "ONEDNN_MAX_CPU_ISA=AVX").code, 0);
  EXPECT_TRUE(holds(sandbox.lra("report --preset smoke").out, note)) << sandbox.lra("report --preset smoke").out;
}

TEST(Resume, EqualConditionsKeepTheTimings) {
  const Sandbox sandbox;
  cut_off(sandbox, kCell + "--threads 1");
  const Json cell = only_cell(sandbox.lra(kCell + "--threads 1 --json"));
  EXPECT_EQ(cell.at("timing_flaw"), "");
  EXPECT_EQ(cell.at("shared"), false);
  double steps = 0, seconds = 0;
  for (const Json& part : cell.at("parts"))
    steps += part.at("steps").get<double>(), seconds += part.at("train_seconds").get<double>();
  EXPECT_EQ(cell.at("parts").size(), 2u);
  EXPECT_EQ(steps, 1000);
  EXPECT_NEAR(cell.at("train_seconds").get<double>(), seconds, 1e-6 * seconds);
  EXPECT_GT(cell.at("seconds").get<double>(), seconds) << "all of its processes";
  EXPECT_TRUE(holds(sandbox.lra("report --preset smoke --table efficiency").out, "| transformer"));
}

TEST(Resume, OtherThreadCountsAreMarkedAndLeftOutOfEfficiencyTables) {
  const Sandbox sandbox;
  cut_off(sandbox, kCell + "--threads 1");
  const Json cell = only_cell(sandbox.lra(kCell + "--threads 2 --json"));
  EXPECT_EQ(cell.at("timing_flaw"), "1 and 2 threads");
  const Json shown = sandbox.lra("runs show 2").json();
  EXPECT_EQ(shown.at("timing_flaw"), "1 and 2 threads") << sandbox.lra("runs list").out;
  EXPECT_EQ(shown.at("parts").at(0).at("threads"), 1);
  const std::string table = sandbox.lra("report --preset smoke --table efficiency").out;
  EXPECT_FALSE(holds(table, "| transformer")) << table;
  EXPECT_TRUE(holds(table, "1 run left out: trained in parts under different conditions")) << table;
}

TEST(Resume, ASharedRunStaysShared) {
  const Sandbox sandbox;
  const std::string both =
      "run --preset smoke --tasks lookup --models transformer,reformer --set steps=1000 --threads 2 ";
  cut_off(sandbox, both + "--jobs 2");
  const Finished resumed = sandbox.lra(both + "--json");
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  long shared = 0, cut = 0;
  for (const Json& cell : resumed.json()) {
    cut += cell.at("parts").size() == 2;
    shared += cell.at("parts").size() == 2 && cell.at("shared").get<bool>();
  }
  EXPECT_GT(cut, 0);
  EXPECT_EQ(shared, cut) << resumed.out;
}

TEST(Resume, AStoppedProcessDoesNotTrain) {
  const Sandbox sandbox;
  const Finished finished = meddle(sandbox, kCell + "--threads 1", "kill -STOP $c; sleep 3; kill -CONT $c");
  ASSERT_EQ(finished.code, 0) << finished.err;
  const Json cell = only_cell(finished);
  EXPECT_TRUE(cell.at("timing_flaw").get<std::string>().starts_with("stopped for ")) << cell.at("timing_flaw");
  const double paused = cell.at("parts").at(0).at("paused_seconds");
  EXPECT_GT(paused, 2.5);
  EXPECT_LT(cell.at("train_seconds").get<double>(), cell.at("seconds").get<double>() - paused);
  EXPECT_FALSE(holds(sandbox.lra("report --preset smoke --table efficiency").out, "| transformer"));
}

TEST(Run, DivergenceInTheLastStepFailsTheCell) {
  const Sandbox sandbox;
  for (const char* selection : {"best_val", "last"}) {
    const Finished finished = sandbox.lra(
        fmt::format("run --preset smoke --tasks lookup --models linear --json --set lr=1e30 --set schedule=constant "
                    "--set warmup=0 --set steps=1 --set selection={}",
                    selection));
    EXPECT_EQ(finished.code, 1) << finished.out;
    const Json cell = only_cell(finished);
    EXPECT_EQ(cell.at("status"), "failed");
    EXPECT_TRUE(holds(cell.at("reason"), "the validation loss is not finite after step 1")) << cell.at("reason");
    EXPECT_TRUE(cell.at("test_loss").is_null());
    EXPECT_TRUE(cell.at("accuracy").is_null());
  }
}

/// A folder of user data: texts whose label is their first letter.
void write_own(const Sandbox& sandbox, const std::string& folder, int rows) {
  std::filesystem::create_directories(sandbox.path(folder));
  std::string text;
  for (int i = 0; i < rows; ++i) text += fmt::format("{0}\t{0} and so on {1}\n", i % 3 == 0 ? "a" : "b", i);
  for (const char* split : {"train", "valid", "test"})
    write_file(sandbox.path(folder) / fmt::format("{}.tsv", split), text);
}

TEST(Reproduce, RemembersTheFolderOfUserData) {
  const Sandbox sandbox;
  write_own(sandbox, "mine", 30);
  ASSERT_EQ(sandbox.lra("run --preset smoke --tasks tsv:mine --models linear --threads 1").code, 0);
  const std::string folder = std::filesystem::canonical(sandbox.path("mine"));
  EXPECT_EQ(sandbox.lra("runs show 1").json().at("data_folder"), folder);
  const Finished same = sandbox.lra("runs reproduce 1", "LRA_DATA=" + sandbox.path("official").string());
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_TRUE(holds(same.out, "Every bit agrees"));

  std::filesystem::rename(sandbox.path("mine"), sandbox.path("moved"));
  const Finished gone = sandbox.lra("runs reproduce 1");
  EXPECT_EQ(gone.code, 3);
  EXPECT_TRUE(holds(gone.err, folder)) << gone.err;
  EXPECT_TRUE(holds(gone.err, "where they were when it was made")) << gone.err;
  EXPECT_TRUE(holds(gone.err, "--data names a new place")) << gone.err;
  std::filesystem::create_directories(sandbox.path("empty"));
  const Finished named = sandbox.lra("runs reproduce 1 --data empty");
  EXPECT_EQ(named.code, 3);
  EXPECT_FALSE(holds(named.err, "where they were when it was made")) << named.err;
  EXPECT_TRUE(holds(named.err, "--data names another place")) << named.err;
  EXPECT_EQ(sandbox.lra("runs reproduce 1 --data moved").code, 0);

  write_own(sandbox, "mine", 33);
  const Finished changed = sandbox.lra("runs reproduce 1");
  EXPECT_EQ(changed.code, 3);
  EXPECT_TRUE(holds(changed.err, "the data in " + folder + " have the fingerprint ")) << changed.err;
  EXPECT_TRUE(holds(changed.err, "--data names another place")) << changed.err;
}

TEST(Reproduce, RemembersTheFolderOfOfficialData) {
  const Sandbox sandbox;
  const std::string run = "run --preset smoke --tasks lookup --models identity --threads 1 ";
  std::filesystem::create_directories(sandbox.path("official/files"));
  ASSERT_EQ(sandbox.lra(run + "--data official/./files").code, 0);
  EXPECT_EQ(sandbox.lra("runs show 1").json().at("data_folder"),
            (std::filesystem::canonical(sandbox.path(".")) / "official/files").string());
  std::filesystem::remove_all(sandbox.path("official"));
  EXPECT_EQ(sandbox.lra("runs reproduce 1").code, 0) << "generated data need no folder";
  EXPECT_EQ(sandbox.lra("runs reproduce 1 --data official").code, 2) << "but a folder that is named must exist";
}

TEST(Reproduce, RejectsAnotherLevel) {
  const Sandbox sandbox;
  ASSERT_EQ(sandbox.lra("run --preset smoke --tasks lookup --models identity", "ONEDNN_MAX_CPU_ISA=AVX").code, 0);
  EXPECT_EQ(sandbox.lra("runs show 1").json().at("environment").at("onednn_isa"), "AVX");
  const Finished elsewhere = sandbox.lra("runs reproduce 1");
  EXPECT_EQ(elsewhere.code, 1);
  EXPECT_TRUE(holds(elsewhere.err, "set ONEDNN_MAX_CPU_ISA=AVX")) << elsewhere.err;
  EXPECT_EQ(sandbox.lra("runs reproduce 1", "ONEDNN_MAX_CPU_ISA=AVX").code, 0);
}

}  // namespace
}  // namespace lra
