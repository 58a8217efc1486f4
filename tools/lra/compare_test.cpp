#include "results/store/store.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

void fill(const std::string& path, double linear, const std::string& version = "v1", const std::string& isa = "AVX3") {
  Store store(path);
  Environment environment;
  environment.cpu = "CPU", environment.cores = 2, environment.code_version = version, environment.isa = isa;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    StoredRun exact = sample_run("transformer", seed, 0.50 + 0.002 * double(seed));
    StoredRun fast = sample_run("linear", seed, linear + 0.003 * double(seed % 2));
    exact.parameter_digest = "same", fast.parameter_digest = version + std::to_string(seed);
    if (version != "v1") {
      exact.experiment["version"] = fast.experiment["version"] = version;
      set_key(exact), set_key(fast);
    }
    store.add(exact, environment), store.add(fast, environment);
  }
}

TEST(Compare, ExitCodeSaysWhetherTheSecondIsWorse) {
  const Sandbox box;
  fill(box.path("lra.db"), 0.40);
  const Finished worse = box.lra("compare transformer linear");
  EXPECT_EQ(worse.code, 1) << worse.err;
  EXPECT_NE(worse.out.find("linear is significantly worse than transformer."), std::string::npos) << worse.out;
  const Finished better = box.lra("compare linear transformer --json");
  EXPECT_EQ(better.code, 0) << better.err;
  const Json task = better.json().at(0);
  EXPECT_EQ(task.at("p"), 2.0 / 64);  // six seeds, all of one sign
  EXPECT_EQ(task.at("method"), "permutation");
  EXPECT_EQ(task.at("significant"), true);
  EXPECT_LT(task.at("difference").get<double>(), 0);
}

TEST(Compare, DatabasesAreComparedRowByRow) {
  const Sandbox box;
  fill(box.path("before.db"), 0.40), fill(box.path("after.db"), 0.30);
  const Finished finished = box.lra("compare before.db after.db --json");
  EXPECT_EQ(finished.code, 1) << finished.err;
  ASSERT_EQ(finished.json().size(), 2u);
  EXPECT_EQ(finished.json().at(0).at("label"), "linear");
  EXPECT_EQ(finished.json().at(0).at("significant"), true) << "transformer's bits are equal and need no test";
  EXPECT_EQ(finished.json().at(1).at("same_bits"), 6);
}

TEST(Compare, VersionsOfTheCodeAreComparedRowByRow) {
  const Sandbox box;
  fill(box.path("lra.db"), 0.40), fill(box.path("lra.db"), 0.40, "v2");
  const Finished finished = box.lra("compare @v1 @v2");
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.out.find("No difference is significant."), std::string::npos);
  EXPECT_NE(box.lra("compare @v1 @v3").err.find("@v2"), std::string::npos);
}

TEST(Compare, SaysThatInstructionSetsDiffer) {
  const Sandbox box;
  const std::string note = "Pooled seeds from different instruction sets or oneDNN versions, whose bits differ: ";
  fill(box.path("before.db"), 0.40), fill(box.path("after.db"), 0.40, "v1", "AVX2");
  const Finished text = box.lra("compare before.db after.db");
  EXPECT_NE(text.out.find(note + "linear on listops@quick, transformer on listops@quick.\n"), std::string::npos)
      << text.out;
  for (const Json& task : box.lra("compare before.db after.db --json").json())
    EXPECT_EQ(task.at("several_levels"), true);
  EXPECT_EQ(box.lra("compare linear transformer --db before.db").out.find(note), std::string::npos);
  EXPECT_EQ(box.lra("compare linear transformer --db before.db --json").json().at(0).at("several_levels"), false);
}

TEST(Compare, ExplainsWrongUse) {
  const Sandbox box;
  fill(box.path("lra.db"), 0.40);
  {
    Store store(box.path("lra.db"));
    StoredRun other = sample_run("local", 0, 0.5);
    other.variant = "listops";
    set_key(other);
    store.add(other, {});
    StoredRun preset = sample_run("performer", 0, 0.5);
    preset.preset = "small";
    set_key(preset);
    store.add(preset, {});
    Store empty(box.path("empty.db"));
  }
  const auto refuses = [&](const std::string& arguments, const char* words) {
    const Finished finished = box.lra("compare " + arguments);
    EXPECT_EQ(finished.code, 2) << arguments;
    EXPECT_EQ(finished.out, "") << arguments;
    EXPECT_NE(finished.err.find(words), std::string::npos) << finished.err;
  };
  refuses("transformer local", "different variants");
  refuses("transformer performer", "different presets");
  refuses("transformer linaer", "did you mean 'linear'?");
  refuses("transformer 999", "has no finished run 999");
  refuses("lra.db empty.db", "has no finished run");
  refuses("lra.db linear", "not of one kind");
  for (const char* arguments : {"lra.db nofile.db", "nofile.db lra.db", "linear nofile.db", "nofile.db nofile.db"}) {
    const Finished missing = box.lra(std::string("compare ") + arguments);
    EXPECT_EQ(missing.code, 3) << arguments;
    EXPECT_EQ(missing.err, "lra: there is no database nofile.db\n");
  }
}

TEST(Runs, ListShowDeleteExportMerge) {
  const Sandbox box;
  fill(box.path("lra.db"), 0.40);
  EXPECT_EQ(box.lra("runs list --json").json().size(), 12u);
  EXPECT_EQ(box.lra("runs list --model linear --json").json().size(), 6u);
  EXPECT_NE(box.lra("runs list").out.find("transformer"), std::string::npos);
  EXPECT_EQ(box.lra("runs show 3 --json").json().at("run"), 3);
  EXPECT_EQ(box.lra("runs show 99").code, 2);
  EXPECT_EQ(box.lra("runs export --model linear -o linear.db").code, 0);
  EXPECT_EQ(box.lra("runs export --model linear -o linear.db").code, 2) << "an existing database is not overwritten";
  EXPECT_EQ(box.lra("runs delete 1 2").out, "2 runs deleted\n");
  EXPECT_EQ(box.lra("runs delete 1 3").code, 2);
  EXPECT_EQ(box.lra("runs list --json").json().size(), 10u) << "all or none";
  EXPECT_EQ(box.lra("runs merge linear.db").out, "1 run and 0 bench figures added from linear.db\n");
  EXPECT_EQ(box.lra("runs list --json --db nowhere.db").code, 3);
  EXPECT_EQ(box.lra("runs list --model performer").code, 2);
}

TEST(Runs, ReproduceAgreesToTheBit) {
  const Sandbox box;
  ASSERT_EQ(box.lra("run --tasks listops --models linear --preset smoke --threads 1").code, 0);
  const Finished finished = box.lra("runs reproduce 1 --threads 2");
  EXPECT_EQ(finished.code, 0) << finished.err << finished.out;
  EXPECT_NE(finished.out.find("Every bit agrees."), std::string::npos) << finished.out;
  EXPECT_EQ(box.lra("runs reproduce 7").code, 2);
  EXPECT_EQ(box.lra("runs list --json").json().size(), 1u) << "the database is unchanged";
}

TEST(Report, HtmlIsOneFile) {
  const Sandbox box;
  fill(box.path("lra.db"), 0.40);
  EXPECT_EQ(box.lra("report --format html -o page.html").code, 0);
  EXPECT_NE(contents(box.path("page.html")).find("<!doctype html>"), std::string::npos);
  EXPECT_EQ(box.lra("report --model linear").code, 0);
  EXPECT_EQ(box.lra("report --table model").code, 2);
  EXPECT_EQ(box.lra("report --model performer").code, 2);
}

}  // namespace
}  // namespace lra
