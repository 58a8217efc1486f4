// Options and settings of the real program: numbers, amounts, names, configuration files, lengths and sweeps.
#include <gtest/gtest.h>

#include <set>

#include "core/file.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

const std::string kPlan = "run --tasks lookup --models linear --preset smoke --dry-run --no-estimate --json ";

struct Said {
  std::string arguments, words;
};
void PrintTo(const Said& said, std::ostream* out) { *out << "lra " << said.arguments; }

class Mistake : public testing::TestWithParam<Said> {};

TEST_P(Mistake, IsAUsageErrorWithARemedy) {
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
    {kPlan + "--checkpoint soon", "'soon' is not a time; write it such as 90s"},
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
    {kPlan + "--sweep linformer:k=2,4", "'linformer' is not among the selected models: linear"},
    {"run --tasks lookup --preset smoke --models linformer --sweep k=2,4", "write linformer:k="},
    {"run --tasks lookup --preset smoke --models linformer --sweep linformer:k=2,4 --model-args linformer:k=3",
     "both to --model-args and to --sweep"},
    {"run --tasks text --preset smoke --models linear --sweep length=16,32", "--set length="},
    {"run --tasks recall --preset smoke --models linear --sweep pairs=1,2", "--set pairs="},
    {"run --tasks recall --preset smoke --models linear --dry-run --set pairs=5", "5 pairs and their queries take 20"},
    {"run --tasks lookup --preset smoke --models linear --set pairs=2", "not a setting of the data of lookup@smoke"},
    {"run --tasks image --preset smoke --models linear --set length=16", "image@smoke are not cut to a length"},
    {"run --tasks text --preset smoke --models linear --set length=-1", "'length' is -1; it must be at least 1"},
    {"runs shwo 1", "'lra runs' has no command 'shwo', did you mean 'show'?"},
    {"runs", "'lra runs' needs a command: list"},
    {"list models extra", "does not take 'extra'"},
    {"report --db", "--db"},
    // Suggested commands can be pasted into a shell.
    {kPlan + "--pool '$(touch x)'", "--set 'pool=$(touch x)'"},
    {kPlan + "--set 'data=$(touch x)'", "--data '$(touch x)'"},
    {kPlan + "--set 'max_memory=500 MB'", "--max-memory '500 MB'"},
    {kPlan + "--set 'linformer:k=$(touch x)'", "--model-args 'linformer:k=$(touch x)'"},
    {kPlan + "--set dry_run=true", "an option, not a setting: --dry-run\n"},
    // Numbers.
    {kPlan + "--set steps=1,000", "write 1000 without a comma, or 1 with a decimal point"},
    {kPlan + "--set length=0", "'length' is 0; it must be at least 1"},
    {kPlan + "--checkpoint -1", "'-1' is not a time"},
    {kPlan + "--seeds 1.5", "'1.5' is not a list of numbers"},
    {kPlan + "--max-time 5ss", "'5ss' is not a time"},
    {"probe --model linear --task lookup --seed -1 -o x", "'-1' is less than 0"},
    {"probe --model linear --task lookup --step -1 -o x", "--step is -1; it must be 0 to 4294967295"},
    {"probe --model linear --task lookup --limit -1 -o x", "--limit is -1; it must be 0 or more"},
    {"probe --model linear --task lookup --preset smoke --set batch=4 --limit 5 -o x", "--set batch=5 makes it larger"},
    {"probe --model linear --task lookup --split validation -o x", "split 'validation'"},
    {"bench --models linear --seconds 0", "--seconds: '0' is not a time"},
    {"bench --models linear --seconds -1", "--seconds: '-1' is not a time"},
    {"bench --models linear --lengths 64.5", "'64.5' is not a number of tokens"},
    // Suggests the right one of options, settings and models' settings.
    {"run --Seeds 1", "no option '--Seeds', did you mean '--seeds'?"},
    {"run --SEEDS=1", "no option '--SEEDS', did you mean '--seeds'?"},
    {"run --stepz 5", "did you mean the setting 'steps'? Write --set steps=5"},
    {"run --step 5", "did you mean the setting 'steps'? Write --set steps=5"},
    {"run --dropuot 0", "--set dropout=0"},
    {"run --wieght-decay 0", "--set weight_decay=0"},
    {kPlan + "--set thread=2", "did you mean the option --threads 2?"},
    {kPlan + "--set seed=3", "did you mean the option --seeds 3?"},
    {kPlan + "--set limits=3", "did you mean the option --limit 3?"},
    {kPlan + "--set task=x", "did you mean the option --tasks x?"},
    {kPlan + "--set max_mem=2", "did you mean the option --max-memory 2?"},
    {"describe model linear --set tsak=text", "did you mean the option --task text?"},
    {"bench --dropout 0", "'dropout' is a setting, not an option: --set dropout=0"},
    {"bench --width 32", "--set width=32"},
    {"bench --lr 1", "no option '--lr'; see 'lra bench --help'"},
    {"bench --models linear --set lr=.1", "unknown setting 'lr'; there are"},
    {kPlan + "--set k=16", "unknown key 'k'; there are"},
    {"run --kk 1", "no option '--kk'; see"},
    {"run --tasks lookup --models linformer --preset smoke --model-args linformer:lr=4",
     "unknown setting 'lr'; there are"},
    {"run --tasks lookup --models LINEAR", "did you mean 'linear'?"},
    {"report --format HTML", "did you mean 'html'?"},
    {kPlan + "--model-args linformer:k=3",
     "--model-args: the model 'linformer' is not among the selected models: linear"},
    {kPlan + "--sweep lr=.1,x", "--sweep: setting 'lr' must be a number"},
    // Errors that CLI11 detects.
    {"run --preset smoke --preset quick", "--preset is given 2 times; use it once, such as --preset quick"},
    {"run --max-memory=", "--max-memory has no value"},
    {"run --max-memory", "--max-memory has no value"},
    {"runs show", "'lra runs show' needs ID (the run's id), as in 'lra runs show ID'"},
    {"data import", "'lra data import' needs from (an archive or a folder)"},
    {"probe --model linear --task lookup", "'lra probe' needs --output (the file to write)"},
};
INSTANTIATE_TEST_SUITE_P(All, Mistake, testing::ValuesIn(kMistakes));

TEST(Settings, AcceptNumbersInAnyNotation) {
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
  EXPECT_EQ(plan("--seeds 1e1,1.0,10").size(), 2u);
  EXPECT_EQ(plan("--checkpoint 30s").size(), 1u);
  const Finished bench =
      sandbox.lra("bench --models identity --lengths 6.4e1,64,64.0 --batch 2 --seconds 10ms --alone --json");
  EXPECT_EQ(bench.json().size(), 1u) << "each length once: " << bench.err;
  // Equal numbers give the same experiment.
  const std::string run = "run --tasks lookup --models identity --preset smoke --threads 1 --json --set ";
  ASSERT_EQ(sandbox.lra(run + "steps=1e1 --set lr=.001").code, 0);
  EXPECT_EQ(sandbox.lra(run + "steps=10 --set lr=0.001").json().at(0).at("skipped"), true);
}

TEST(Config, AcceptsEveryOptionOfRun) {
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
      {"{\n\"limit\": 1,\n\"limit\": 2}", "c.json line 3: 'limit' is already on line 2"},
      {"{\n\"limit\": 1,\n]", "c.json line 3: this is not JSON"},
      {"{\n\"db\": \"a\\u0000b\"}", "c.json line 2: 'db' contains the character U+0000"},
      {"{\n\"max_memory\": \"4G\",\n\"max_time\": {}}", "c.json line 3"},
      {"{\n\"max_memory\": \"4X\"}", "c.json line 2: --max-memory: '4X'"},
      {"{\n\"max_time\": \"1:30\"}", "c.json line 2: --max-time: '1:30'"},
      {"{\n\"checkpoint\": 0}", "c.json line 2: --checkpoint: '0'"},
      {"{\n\"limit\": -1}", "c.json line 2: --limit must be 0 or more"},
      {"{\n\"jobs\": 2000}", "c.json line 2: --jobs must be from 1"},
      {"{\n\"seeds\": \"2..0\"}", "c.json line 2: --seeds: the range '2..0'"},
      {"{\n\"preset\": \"smoek\"}", "c.json line 2: unknown preset 'smoek'"},
      {"{\n\"models\": [\"linaer\"]}", "c.json line 2: unknown model 'linaer'"},
      {"{\n\"tasks\": [\"lookup,text\"]}", "c.json line 2: unknown task 'lookup,text'"},
      {"{\"models\": \"linear\", \"model_args\": {\n\"linformer\": {\"k\": 3}}}",
       "c.json line 2: --model-args: the model 'linformer' is not among the selected models: linear"},
      {"{\n\"max_time\": 1,\n\"max-time\": 2}", "c.json line 2: 'max-time' and 'max_time' are the same option"},
      {"{\n\"db\": [\"a\", \"b\"]}", "c.json line 2: 'db' cannot be"},
  };
  for (const Said& file : kFiles) {
    const std::string err = said(file.arguments);
    EXPECT_NE(err.find(file.words), std::string::npos) << file.arguments << "\n" << err;
  }
  // The error names every option, including lists and flags.
  const std::string all = said("{\"zzzzzzzzz\": 1}");
  for (const char* name :
       {"tasks", "models", "seeds", "set", "sweep", "model-args", "max-memory", "max-time", "checkpoint", "profile",
        "plugin", "dry-run", "force", "json", "check-finite", "threads", "jobs", "limit"})
    EXPECT_NE(all.find(name), std::string::npos) << name << " in " << all;
}

TEST(Config, TheCommandLineTakesPrecedence) {
  const Sandbox sandbox;
  write_file(sandbox.path("sweep.json"), std::string(R"({"sweep": {"lr": [0.1, 0.2]}})"));
  write_file(sandbox.path("set.json"), std::string(R"({"set": {"lr": 0.1}})"));
  EXPECT_EQ(sandbox.lra(kPlan + "--config sweep.json").json().size(), 2u);
  EXPECT_EQ(sandbox.lra(kPlan + "--config sweep.json --set lr=.3").json().size(), 1u);
  EXPECT_EQ(sandbox.lra(kPlan + "--config set.json --sweep lr=.3,.4").json().size(), 2u);
  const Finished folder = sandbox.lra(kPlan + "--config .");
  EXPECT_NE(folder.err.find("is a folder; name a file"), std::string::npos) << folder.err;
}

TEST(Settings, EachLengthIsASeparateVariant) {
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
