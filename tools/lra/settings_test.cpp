// Options and settings of the real program: numbers, amounts, names, configuration files, lengths and sweeps.
#include <gtest/gtest.h>

#include <set>

#include "harness/core/file.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

const std::string kPlan = "run --tasks lookup --models linear --preset smoke --dry-run --no-estimate --json ";

struct Said {
  std::string arguments, words;
};
void PrintTo(const Said& said, std::ostream* out) { *out << "lra " << said.arguments; }

class Mistake : public testing::TestWithParam<Said> {};

TEST_P(Mistake, IsAUsageErrorWithTheWayOut) {
  const Sandbox sandbox;
  const Finished finished = sandbox.lra(GetParam().arguments);
  EXPECT_EQ(finished.code, 2);
  EXPECT_NE(finished.err.find(GetParam().words), std::string::npos) << finished.err;
  EXPECT_EQ(finished.out, "");
}

const Said kMistakes[] = {
    {kPlan + "--set steps=1.5", "'steps' must be a whole number, not 1.5"},
    {kPlan + "--set lr=0,001", "use a decimal point: 0.001"},
    {kPlan + "--set lr=fast", "'lr' must be a number, not \"fast\""},
    {kPlan + "--limit 1.5", "'1.5' is not a whole number"},
    {kPlan + "--checkpoint soon", "'soon' is not a number"},
    {kPlan + "--max-memory 4X", "such as 800M, 4G"},
    {kPlan + "--max-time 1:30", "such as 90s, 30m, 1h30m"},
    {"run --task lookup --model linear", "no option '--task', did you mean '--tasks'?"},
    {"run --Models linear", "did you mean '--models'?"},
    {"run --max_memory 4G", "did you mean '--max-memory'?"},
    {"bench --lenghts=64", "no option '--lenghts', did you mean '--lengths'?"},
    {"runs list --modle linear", "'lra runs list' has no option '--modle', did you mean '--model'?"},
    {"run --nothing-like-it", "see 'lra run --help'"},
    {"run --lr 0.1", "'lr' is a setting, not an option: --set lr=0.1"},
    {"run --eval-every=5", "--set eval_every=5"},
    {"run --width", "--set width="},
    {"run --landmarks 4", "write long_short:landmarks="},
    {kPlan + "--set max_memory=4G", "'max_memory' is an option, not a setting: --max-memory 4G"},
    {kPlan + "--set dataa=4G", "unknown key 'dataa'"},
    {kPlan + "--sweep linformer:k=2,4", "unknown model 'linformer'"},
    {"run --tasks lookup --preset smoke --models linformer --sweep k=2,4", "write linformer:k="},
    {"run --tasks lookup --preset smoke --models linformer --sweep linformer:k=2,4 --model-args linformer:k=3",
     "both to --model-args and to --sweep"},
    {"run --tasks text --preset smoke --models linear --sweep length=16,32", "--set length="},
    {"run --tasks image --preset smoke --models linear --set length=16", "image@smoke are not cut to a length"},
    {"run --tasks text --preset smoke --models linear --set length=-1", "length must be from 1"},
    {"runs shwo 1", "'lra runs' has no command 'shwo', did you mean 'show'?"},
    {"runs", "'lra runs' needs a command: list"},
    {"list models extra", "does not take 'extra'"},
    {"report --db", "--db"},
};
INSTANTIATE_TEST_SUITE_P(All, Mistake, testing::ValuesIn(kMistakes));

TEST(Settings, TakeNumbersAsPeopleWriteThem) {
  const Sandbox sandbox;
  const auto plan = [&](const std::string& arguments) {
    const Finished finished = sandbox.lra(kPlan + arguments);
    EXPECT_EQ(finished.code, 0) << arguments << ": " << finished.err;
    return finished.json();
  };
  for (const char* steps : {"1e2", "100.0", "100"})
    EXPECT_EQ(plan(std::string("--set steps=") + steps)[0].at("steps"), 100);
  EXPECT_EQ(plan("--sweep lr=.1,.01").size(), 2u);
  EXPECT_EQ(plan("--sweep 'lr = .1, .01' --seeds '0, 1'").size(), 4u);
  EXPECT_EQ(plan("--limit 1e1 --checkpoint .5 --max-memory 4GiB --max-time 1h30m").size(), 1u);
  EXPECT_EQ(
      sandbox
          .lra("run --tasks 'lookup, text' --models 'linear, identity' --preset smoke --dry-run --no-estimate --json")
          .json()
          .size(),
      4u);
  // What is the same number is the same experiment.
  const std::string run = "run --tasks lookup --models identity --preset smoke --threads 1 --json --set ";
  ASSERT_EQ(sandbox.lra(run + "steps=1e1 --set lr=.001").code, 0);
  EXPECT_EQ(sandbox.lra(run + "steps=10 --set lr=0.001").json().at(0).at("skipped"), true);
}

TEST(Config, TakesEveryOptionOfRun) {
  const Sandbox sandbox;
  write_file(sandbox.path("run.json"), std::string(R"(// what to compare
{
  "tasks": "lookup", "models": ["linear"], "preset": "smoke", "seeds": [0, 1],
  "max_memory": "4G", "max-time": "1h", "checkpoint": 5, "check_finite": true, "profile": false,
  "dry_run": true, "no-estimate": true, "force": true, "json": true, "limit": 1e1, "db": "other.db",
  "set": {"steps": 7}, "sweep": {"lr": [0.1, 0.2], "linear:rate": [1e-6, 1e-5]}
})"));
  const Finished finished = sandbox.lra("run --config run.json");
  ASSERT_EQ(finished.code, 2) << finished.out;
  EXPECT_NE(finished.err.find("'rate'"), std::string::npos) << "linear has no such setting: " << finished.err;

  write_file(sandbox.path("run.json"), std::string(R"({"tasks": "lookup", "models": ["linear"], "preset": "smoke",
      "seeds": [0, 1], "max_memory": "4G", "max-time": "1h", "checkpoint": 5, "check_finite": true, "profile": false,
      "dry_run": true, "no-estimate": true, "force": true, "json": true, "limit": 1e1, "db": "other.db",
      "set": {"steps": 7}, "sweep": {"lr": [0.1, 0.2]}})"));
  const Finished plan = sandbox.lra("run --config run.json");
  ASSERT_EQ(plan.code, 0) << plan.err;
  ASSERT_EQ(plan.json().size(), 4u);
  for (const Json& cell : plan.json()) EXPECT_EQ(cell.at("steps"), 7);
}

TEST(Config, NamesFileAndLine) {
  const Sandbox sandbox;
  const auto said = [&](const std::string& text) {
    write_file(sandbox.path("c.json"), text);
    const Finished finished = sandbox.lra("run --config c.json --dry-run --no-estimate");
    EXPECT_EQ(finished.code, 2) << text;
    return finished.err;
  };
  const Said kFiles[] = {
      {"{\n\"preset\": \"smoke\",\n\"preset \": 1}", "c.json line 3: unknown option 'preset ', did you mean 'preset'?"},
      {"{\n\n\"modles\": 1}", "c.json line 3: unknown option 'modles', did you mean 'models'?"},
      {"{\"preset\": \"smoke\",\n\"lr\": 1}", "c.json line 2: 'lr' is a setting"},
      {"{\"set\": {\"steps\": 3,\n\"stepz\": 4}}", "c.json line 2: --set: unknown key 'stepz', did you mean 'steps'?"},
      {"{\"set\": {\"steps\": 3,\n\"lr\": \"high\"}}", "c.json line 2: --set: setting 'lr' must be a number"},
      {"{\n\"model_args\": {\n\"linear\": {\"q\": 3}}}", "c.json line 3: linear: unknown setting 'q'"},
      {"{\n\"sweep\": {\n\"lr\": [0.1]}}", "c.json line 3: --sweep: 'lr=0.1' has only one value"},
      {"{\n\"limit\": \"few\"}", "c.json line 2: --limit: 'few' is not a whole number"},
      {"{\n\"force\": 3}", "c.json line 2: 'force' must be true or false"},
      {"{\n\"limit\": 1,\n\"limit\": 2}", "c.json line 3: 'limit' stands on line 2 already"},
      {"{\n\"limit\": 1,\n]", "c.json line 3: this is not JSON"},
      {"{\n\"db\": \"a\\u0000b\"}", "c.json line 2: 'db' holds a character U+0000"},
      {"{\n\"max_memory\": \"4G\",\n\"max_time\": {}}", "c.json line 3"},
  };
  for (const Said& file : kFiles) {
    const std::string err = said(file.arguments);
    EXPECT_NE(err.find(file.words), std::string::npos) << file.arguments << "\n" << err;
  }
  // Every option is named, those of lists and of switches too.
  const std::string all = said("{\"zzzzzzzzz\": 1}");
  for (const char* name :
       {"tasks", "models", "seeds", "set", "sweep", "model-args", "max-memory", "max-time", "checkpoint", "profile",
        "plugin", "dry-run", "force", "json", "check-finite", "threads", "jobs", "limit"})
    EXPECT_NE(all.find(name), std::string::npos) << name << " in " << all;
}

TEST(Settings, ALengthIsAVariantOfItsOwn) {
  const Sandbox sandbox;
  const std::string run = "run --preset smoke --models linear --threads 1 --json --tasks ";
  std::set<std::string> variants;
  for (const char* length : {"", "--set length=16", "--set length=32"}) {
    const Finished finished = sandbox.lra(run + "text " + length);
    ASSERT_EQ(finished.code, 0) << finished.err;
    variants.insert(finished.json().at(0).at("variant").get<std::string>());
  }
  EXPECT_EQ(variants, (std::set<std::string>{"text@smoke", "text@smoke-16"})) << "32 is the preset's own";
  EXPECT_EQ(sandbox.lra("runs reproduce 2").code, 0) << "the stored experiment has the length";
}

TEST(Settings, ASweepOfAModelsOwnSettingIsOneRow) {
  const Sandbox sandbox;
  const std::string run = "run --preset smoke --tasks lookup --models linformer,identity --threads 1 ";
  const Finished swept = sandbox.lra(run + "--sweep linformer:k=2,4 --json");
  ASSERT_EQ(swept.code, 0) << swept.err;
  ASSERT_EQ(swept.json().size(), 3u) << "identity has nothing to try";
  std::set<long> tried;
  for (const Json& cell : swept.json()) {
    if (cell.at("model") == "identity") continue;
    EXPECT_EQ(cell.at("experiment").at("sweep"), (Json{{"k", {2, 4}}}));
    tried.insert(cell.at("experiment").at("settings").at("model").at("k").get<long>());
  }
  EXPECT_EQ(tried, (std::set<long>{2, 4}));
  const std::string table = sandbox.lra("report --preset smoke --table accuracy").out;
  EXPECT_NE(table.find("| linformer best of 2 k |"), std::string::npos) << table;
}

}  // namespace
}  // namespace lra
