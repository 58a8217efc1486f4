// The real program on user data, from the files to the tables.
#include <gtest/gtest.h>

#include "core/file.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

/// Twelve training texts and six others of two classes; `end` follows each text.
std::string rows(long from, long count, const std::string& end = "\n") {
  std::string text;
  for (long i = from; i < from + count; ++i)
    text += fmt::format("{}\t{} stone cloud number {}{}", i % 2 ? "pos" : "neg", i % 2 ? "green" : "river", i, end);
  return text;
}

void write(const std::filesystem::path& folder, const std::string& train, const std::string& valid,
           const std::string& test) {
  std::filesystem::create_directories(folder);
  write_file(folder / "train.tsv", train);
  write_file(folder / "valid.tsv", valid);
  write_file(folder / "test.tsv", test);
}

void write(const std::filesystem::path& folder) { write(folder, rows(0, 12), rows(12, 6), rows(18, 6)); }

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const std::string kQuick = " --models linear --preset smoke --threads 1 --set steps=2";

TEST(OwnData, AByteOrderMarkIsSkipped) {
  const Sandbox sandbox;
  const std::string mark = "\xef\xbb\xbf";
  write(sandbox.path("data"), mark + rows(0, 12), mark + rows(12, 6), mark + rows(18, 6));
  const Json task = sandbox.lra("describe task tsv:data --preset smoke --json").json();
  EXPECT_EQ(task.at("spec").at("classes"), 2);
  EXPECT_EQ(task.at("classes"), (Json{"neg", "pos"}));
  write_file(sandbox.path("config.json"), mark + R"({"tasks": "tsv:data", "models": "linear", "preset": "smoke"})");
  const Finished configured = sandbox.lra("run --config config.json --dry-run --no-estimate");
  EXPECT_EQ(configured.code, 0) << configured.err;
}

TEST(OwnData, ATrailingTabMakesNoPairs) {
  const Sandbox sandbox;
  write(sandbox.path("data"), rows(0, 12, "\t\n"), rows(12, 6, "\t\n"), rows(18, 6, "\t\n"));
  const Finished run = sandbox.lra("run --tasks tsv:data" + kQuick);
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_TRUE(has(run.err, "train.tsv: the column after the text is empty in every row and is ignored")) << run.err;
  EXPECT_EQ(sandbox.lra("describe task tsv:data --preset smoke --json").json().at("spec").at("paired"), false);
  write_file(sandbox.path("data/train.tsv"), rows(0, 12, "\tsecond\n") + rows(12, 1, "\t\n"));
  const Finished refused = sandbox.lra("run --tasks tsv:data" + kQuick);
  EXPECT_EQ(refused.code, 3);
  EXPECT_TRUE(has(refused.err, "train.tsv line 13: the second text is empty")) << refused.err;
}

TEST(OwnData, IgnoresBlankLinesAtTheEnd) {
  const Sandbox sandbox;
  write(sandbox.path("data"), rows(0, 12) + "\n", rows(12, 6) + "\n\n", rows(18, 6) + "\r\n");
  const Finished made = sandbox.lra("data generate tsv:data --preset smoke");
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_TRUE(has(made.out, "12 / 6 / 6 examples")) << made.out;
}

TEST(OwnData, WarnsOfSharedTextsWhenPreparedAndUnderTheTable) {
  const Sandbox sandbox;
  write(sandbox.path("data"), rows(0, 12), rows(0, 4), rows(4, 6));
  const Finished run = sandbox.lra("run --tasks tsv:data" + kQuick);
  ASSERT_EQ(run.code, 0) << run.err;
  const std::string test = "tsv:data@smoke: 6 of 6 test texts are also training texts",
                    valid = "tsv:data@smoke: 4 of 4 validation texts are also training texts";
  EXPECT_TRUE(has(run.err, test) && has(run.err, valid)) << run.err;
  EXPECT_TRUE(has(run.out, test + ".") && has(run.out, valid + ".")) << run.out;
  for (const char* format : {"markdown", "latex", "html"}) {
    const Finished report = sandbox.lra(fmt::format("report --preset smoke --table accuracy --format {}", format));
    EXPECT_TRUE(has(report.out, "6 of 6 test texts are also training texts")) << format << report.err;
  }
  const Json json = sandbox.lra("report --preset smoke --format json").json();
  EXPECT_EQ(json.at("accuracy").at(0).at("columns").at(0).at("cautions").at(0),
            "6 of 6 test texts are also training texts");

  // The caveats are merged with the runs, and also exist for data that were already prepared.
  ASSERT_EQ(sandbox.lra("runs export -o share.db").code, 0);
  EXPECT_TRUE(has(sandbox.lra("report --preset smoke --table accuracy --db share.db").out, test));
  ASSERT_EQ(sandbox.lra("run --tasks lookup --db merged.db" + kQuick).code, 0);
  ASSERT_EQ(sandbox.lra("runs merge lra.db --db merged.db").code, 0);
  EXPECT_TRUE(has(sandbox.lra("report --preset smoke --table accuracy --db merged.db").out, test));
  const Finished again = sandbox.lra("run --tasks tsv:data --db other.db" + kQuick);
  EXPECT_FALSE(has(again.err, test)) << "the data are already prepared";
  EXPECT_TRUE(has(again.out, test)) << again.out;
}

TEST(OwnData, ShowsClassNames) {
  const Sandbox sandbox;
  write(sandbox.path("data"));
  const Finished made = sandbox.lra("data generate tsv:data --preset smoke");
  EXPECT_TRUE(has(made.err, "tsv:data@smoke: 2 classes: 'neg' 6 / 3 / 3, 'pos' 6 / 3 / 3")) << made.err;
  EXPECT_TRUE(has(sandbox.lra("data show tsv:data --preset smoke --index 1").out, "label: pos\n"));
  EXPECT_TRUE(has(sandbox.lra("describe task tsv:data --preset smoke").out, "neg, pos"));
  const Finished list = sandbox.lra("data list tsv:data --preset smoke");
  EXPECT_TRUE(has(list.out, "neg, pos") && has(list.out, "12 / 6 / 6") && has(list.out, "prepared")) << list.out;
  EXPECT_EQ(sandbox.lra("data list tsv:data --preset smoke --json").json().at(0).at("class_names"),
            (Json{"neg", "pos"}));
  EXPECT_EQ(sandbox.lra("data list tsv:none").code, 3);
  EXPECT_EQ(sandbox.lra("data list nothing").code, 2);
}

TEST(OwnData, OfficialClassesHaveTheirNames) {
  const Sandbox sandbox;
  const auto classes = [&](const std::string& what) {
    return sandbox.lra("describe task " + what + " --json").json().at("classes");
  };
  EXPECT_EQ(classes("text --preset lra"), (Json{"neg", "pos"}));
  EXPECT_EQ(classes("image --preset lra").at(9), "truck");
  EXPECT_EQ(classes("pathfinder --preset lra"), (Json{"not joined", "joined"}));
  EXPECT_EQ(classes("listops --preset lra"), Json::array());
  const std::string shown = sandbox.lra("data show pathfinder --preset smoke").out;
  EXPECT_TRUE(shown.starts_with("label: not joined\n") || shown.starts_with("label: joined\n")) << shown;
}

TEST(OwnData, CanBeProbedLikeEveryOtherTask) {
  const Sandbox sandbox;
  write(sandbox.path("data"));
  const Finished probe = sandbox.lra("probe --model linear --task tsv:data --preset smoke -o p.safetensors --json");
  ASSERT_EQ(probe.code, 0) << probe.err;
  EXPECT_EQ(probe.json().at("variant"), "tsv:data@smoke");
  EXPECT_EQ(probe.json().at("classes"), (Json{"neg", "pos"}));
  EXPECT_EQ(sandbox.lra("probe --model linear --task tsv:none --preset smoke -o q.safetensors").code, 3);
  EXPECT_EQ(sandbox.lra("probe --model linear --task tsv: --preset smoke -o q.safetensors").code, 2);
}

TEST(OwnData, AFolderWithACommaCanBeNamed) {
  const Sandbox sandbox;
  write(sandbox.path("a,b"));
  const Finished run = sandbox.lra(R"(run --tasks 'tsv:a\,b' --json)" + kQuick);
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.json().at(0).at("task"), "tsv:a,b");
  const Finished split = sandbox.lra("run --tasks tsv:a,b" + kQuick);
  EXPECT_EQ(split.code, 2);
  EXPECT_TRUE(has(split.err, R"(write a comma within a folder's name as \,)")) << split.err;
}

TEST(OwnData, RunsAreFoundByTheirFolder) {
  const Sandbox sandbox;
  write(sandbox.path("some/data"));
  ASSERT_EQ(sandbox.lra("run --tasks tsv:some/data,lookup --models linear,identity --preset smoke --threads 1").code,
            0);
  EXPECT_EQ(sandbox.lra("runs list --task tsv:some/data/ --json").json().size(), 2u);
  EXPECT_EQ(sandbox.lra("runs list --task tsv:data --json").json().size(), 2u);
  EXPECT_EQ(sandbox.lra("compare linear identity --tasks tsv:some/data --json").json().size(), 1u);
}

TEST(OwnData, NamesMissingFiles) {
  const Sandbox sandbox;
  const Finished none = sandbox.lra("run --tasks tsv:/nosuch" + kQuick);
  EXPECT_EQ(none.code, 3);
  EXPECT_TRUE(has(none.err, "there is no folder '/nosuch'")) << none.err;
  write(sandbox.path("data"));
  std::filesystem::remove(sandbox.path("data/test.tsv"));
  const Finished untested = sandbox.lra("run --tasks tsv:data" + kQuick);
  EXPECT_EQ(untested.code, 3);
  EXPECT_TRUE(has(untested.err, "there is no test.tsv in the folder")) << untested.err;
}

TEST(OwnData, WithoutValidationDataSomeTrainingDataAreHeldOut) {
  const Sandbox sandbox;
  write(sandbox.path("data"));
  std::filesystem::remove(sandbox.path("data/valid.tsv"));
  const Finished run = sandbox.lra("run --tasks tsv:data" + kQuick);
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_TRUE(has(run.err, "there is no validation file: 1 of the 12 training rows is held back")) << run.err;
}

TEST(OwnData, CsvAndCompressedFilesAreRead) {
  const Sandbox sandbox;
  const auto csv = [](const std::string& tabs) {
    std::string text = "label,text\r\n";
    for (const char c : tabs) text += c == '\t' ? "," : std::string(1, c);
    return text;
  };
  std::filesystem::create_directories(sandbox.path("data"));
  write_file(sandbox.path("data/train.csv"), csv(rows(0, 12)));
  write_file(sandbox.path("data/validation.csv"), csv(rows(12, 6)));
  write_file(sandbox.path("data/test.tsv"), rows(18, 6));
  ASSERT_EQ(std::system(("gzip " + sandbox.path("data/test.tsv").string()).c_str()), 0);
  write(sandbox.path("plain"));
  const auto made = [&](const std::string& folder) {
    const Finished finished = sandbox.lra("data generate --preset smoke tsv:" + folder);
    EXPECT_EQ(finished.code, 0) << finished.err;
    const std::size_t at = finished.out.find("fingerprint ");
    return finished.out.substr(at, 76);
  };
  EXPECT_EQ(made("data"), made("plain"));
}

TEST(OwnData, EscapesLabelsThatAreNotUtf8) {
  const Sandbox sandbox;
  std::string latin = rows(0, 12);
  for (std::size_t at; (at = latin.find("neg")) != std::string::npos;) latin.replace(at, 3, "caf\xe9");
  write(sandbox.path("data"), latin, latin, latin);
  const Finished run = sandbox.lra("run --tasks tsv:data" + kQuick + " --json");
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.json().at(0).at("status"), "done");
  EXPECT_EQ(sandbox.lra("describe task tsv:data --preset smoke --json").json().at("classes"),
            (Json{R"(caf\xE9)", "pos"}));
  EXPECT_TRUE(has(sandbox.lra("data show tsv:data --preset smoke").out, R"(label: caf\xE9)"));
}

}  // namespace
}  // namespace lra
