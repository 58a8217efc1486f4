// Bad input gives one sentence and the right exit code, and loses nothing.
#include <gtest/gtest.h>

#include <fstream>

#include "core/file.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

struct Bad {
  std::string arguments;
  int code;
  const char* words;  // part of the expected message
};
void PrintTo(const Bad& bad, std::ostream* out) { *out << "lra " << bad.arguments; }

class BadInput : public testing::TestWithParam<Bad> {};

TEST_P(BadInput, GetsOneSentence) {
  const Sandbox sandbox;
  const Finished finished = sandbox.lra(GetParam().arguments);
  EXPECT_EQ(finished.code, GetParam().code);
  EXPECT_NE(finished.err.find(GetParam().words), std::string::npos) << finished.err;
  EXPECT_EQ(finished.out, "");
  EXPECT_FALSE(std::filesystem::exists(sandbox.path("lra.db"))) << "nothing ran, so nothing may be created";
}

const Bad kBad[] = {
    {"", 2, "'lra' needs a command: run"},
    {"rnu", 2, "did you mean 'run'?"},
    {"run --no-such-option", 2, "--no-such-option"},
    {"run --tasks listop --preset smoke", 2, "unknown task 'listop', did you mean 'listops'?"},
    {"run --models transfomer --preset smoke", 2, "unknown model 'transfomer', did you mean 'transformer'?"},
    {"run --preset smoek", 2, "unknown preset 'smoek', did you mean 'smoke'?"},
    {"run --preset smoke --tasks listops --models local --set stpes=3", 2,
     "unknown key 'stpes', did you mean 'steps'?"},
    {"run --preset smoke --tasks listops --models local --set steps", 2, "key=value"},
    {"run --preset smoke --tasks listops --models local --set steps=many", 2, "'steps' must be a whole number"},
    {"run --preset smoke --tasks listops --models local --set steps=0", 2, "steps"},
    {"run --preset smoke --tasks listops --models local --set heads=5", 2, "heads"},
    {"run --preset smoke --tasks listops --models local --model-args local:blok=3", 2, "did you mean 'block'?"},
    {"run --preset smoke --tasks listops --models local --model-args local=3", 2, "model:key=value"},
    {"run --preset smoke --tasks listops --models local --model-args linear:k=3", 2,
     "'linear' is not among the selected models: local"},
    {"run --preset smoke --tasks listops --models local --sweep lr", 2, "key=value"},
    {"run --preset smoke --tasks listops --models local --sweep lr=0.1", 2, "only one value"},
    {"run --preset smoke --tasks listops --models local --sweep lr=0.1,1e-1", 2, "twice"},
    {"run --preset smoke --tasks listops --models local --sweep lr=1,2 --sweep lr=3,4", 2, "given twice"},
    {"run --preset smoke --tasks listops --models local --sweep lr=1,2 --set lr=1", 2, "both to --set and to --sweep"},
    {"run --preset smoke --tasks listops --models local --sweep stpes=1,2", 2, "did you mean 'steps'?"},
    {"run --preset smoke --tasks listops --models local --sweep lr=0.1,high", 2, "'lr' must be a number"},
    {"run --preset smoke --tasks listops --models local --seeds 2..0", 2, "--seeds"},
    {"run --preset smoke --tasks listops --models local --seeds x", 2, "--seeds"},
    {"run --preset smoke --tasks listops, --models local", 2, "--tasks"},
    {"run --preset smoke --tasks listops --models local --threads -1", 2, "--threads"},
    {"run --preset smoke --tasks listops --models local --limit -1", 2, "--limit"},
    {"run --preset smoke --tasks listops --models local --config none.json", 3, "none.json"},
    {"run --preset smoke --tasks listops --models local --db no/such/folder/lra.db", 3, "no/such/folder/lra.db"},
    {"list model", 2, "did you mean 'models'?"},
    {"describe model linaer", 2, "did you mean 'linear'?"},
    {"describe task imgae", 2, "did you mean 'image'?"},
    {"report --format markdwon", 2, "did you mean 'markdown'?"},
    {"report --table acuracy", 2, "did you mean 'accuracy'?"},
    {"report", 3, "no database lra.db"},
    {"bench --models linaer", 2, "did you mean 'linear'?"},
    {"bench --lengths 12,x", 2, "--lengths"},
    {"cell </dev/null", 2, "'lra run'"},
    {"data", 2, "'lra data' needs a command: list"},
    {"data generate listop --preset smoke", 2, "did you mean 'listops'?"},
    {"data generate image --preset lra --data .", 3, "cifar-10-binary.tar.gz"},
    {"data generate image --preset lra --data none", 2, "'none' cannot be used (No such file or directory)"},
    {"data import none", 3, "there is no none"},
    {"report --db " + std::string(300, 'x'), 3, "File name too long"},
    {"data fetch imbd", 2, "did you mean 'imdb'?"},
    {"data fetch imdb --table none.json", 3, "none.json"},
    {"data show listops --preset smoke --index 64", 2, "64 train examples"},
    {"data show listops --preset smoke --split dev", 2, "unknown split 'dev'"},
    {"data show listops --preset smoke -o a.png", 2, "no pictures"},
};
INSTANTIATE_TEST_SUITE_P(All, BadInput, testing::ValuesIn(kBad));

TEST(BadConfig, IsNamedWithItsKey) {
  const Sandbox sandbox;
  const auto said = [&](const std::string& text) {
    write_file(sandbox.path("c.json"), text);
    const Finished finished = sandbox.lra("run --config c.json --dry-run");
    EXPECT_EQ(finished.code, 2);
    return finished.err;
  };
  EXPECT_NE(said("[]").find("c.json is not a JSON object"), std::string::npos);
  EXPECT_NE(said(R"({"prset":"smoke"})").find("did you mean 'preset'?"), std::string::npos);
  EXPECT_NE(said(R"({"limit":"few"})").find("'few' is not a whole number"), std::string::npos);
  EXPECT_NE(said(R"({"set":3})").find("'set' must be an object"), std::string::npos);
  EXPECT_NE(said(R"({"sweep":["lr"]})").find("'sweep' must be an object"), std::string::npos);
  EXPECT_NE(said(R"({"preset":"smoke","sweep":{"lr":[0.1]}})").find("only one value"), std::string::npos);
  EXPECT_NE(said(R"({"preset":"smoke","set":{"stepz":3}})").find("did you mean 'steps'?"), std::string::npos);
}

TEST(BadData, IsNamedWithItsLineAndTrainsNothing) {
  const Sandbox sandbox;
  std::filesystem::create_directories(sandbox.path("data"));
  const std::string row = "Source\tTarget\n( ( ( [MAX 1 ) 2 ) ] )\t2\n";
  for (const char* split : {"train", "val", "test"})
    write_file(sandbox.path("data") / (std::string("basic_") + split + ".tsv"), row);
  const std::string run = "run --tasks listops --models identity --preset lra --data data --set steps=1";

  write_file(sandbox.path("data") / "basic_train.tsv", row + "( ( ( [MAX 1 ) 2 ) ] )\n");
  const Finished malformed = sandbox.lra(run);
  EXPECT_EQ(malformed.code, 3);
  EXPECT_NE(malformed.err.find("basic_train.tsv line 3:"), std::string::npos) << malformed.err;

  write_file(sandbox.path("data") / "basic_train.tsv", row + "( ( ( [MAX 1 ) 2 ) ] )\t10\n");
  EXPECT_EQ(sandbox.lra(run).code, 3) << "a label beyond 9";

  write_file(sandbox.path("data") / "cifar-10-binary.tar.gz", std::string("\x1f\x8b\x08 not the rest of it"));
  const Finished truncated = sandbox.lra("run --tasks image --models identity --preset lra --data data --set steps=1");
  EXPECT_EQ(truncated.code, 3);
  EXPECT_NE(truncated.err.find("cifar-10-binary.tar.gz"), std::string::npos) << truncated.err;
}

TEST(BadDatabase, LosesNothing) {
  const Sandbox sandbox;
  write_file(sandbox.path("lra.db"), std::string("somebody's letters"));
  const Finished finished = sandbox.lra("run --tasks listops --models identity --preset smoke");
  EXPECT_EQ(finished.code, 3);
  EXPECT_EQ(contents(sandbox.path("lra.db")), "somebody's letters");
}

}  // namespace
}  // namespace lra
