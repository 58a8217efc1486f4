// The real program with official data that are missing, mistyped, compressed, incomplete or partly downloaded.
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/file.h"
#include "datasets/archive_testing.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

std::string own_cache(const Sandbox& sandbox) { return "XDG_CACHE_HOME=" + sandbox.path("cache").string(); }

std::size_t lines_with(const std::string& text, const std::string& words) {
  std::size_t count = 0;
  for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++count;
  return count;
}

TEST(OfficialData, AMistypedFolderIsAUsageErrorInEveryCommand) {
  const Sandbox sandbox;
  write_file(sandbox.path("file"), std::string());
  for (const std::string command :
       {"run --tasks lookup --models identity --preset smoke", "run --tasks listops --models linear --dry-run",
        "data list", "data generate lookup --preset smoke", "data show lookup --preset smoke", "doctor",
        "probe --model linear --task lookup --preset smoke -o p.safetensors"})
    for (const char* folder : {"no/such/folder", "file"}) {
      for (const bool by_environment : {false, true}) {
        const Finished finished = by_environment ? sandbox.lra(command, std::string("LRA_DATA=") + folder)
                                                 : sandbox.lra(command + " --data " + folder);
        EXPECT_EQ(finished.code, 2) << command;
        EXPECT_NE(finished.err.find(std::string("'") + folder + "'"), std::string::npos) << finished.err;
      }
    }
  EXPECT_FALSE(std::filesystem::exists(sandbox.path("lra.db")));
  EXPECT_FALSE(std::filesystem::exists(sandbox.path("no")));
}

TEST(OfficialData, ADryRunSaysWhatIsMissingAndHowToGetIt) {
  const Sandbox sandbox;
  std::filesystem::create_directories(sandbox.path("e"));
  const std::string command = "run --tasks text,image,lookup --models identity --preset smoke";
  const Finished fine = sandbox.lra(command + " --data e --dry-run --no-estimate --json");
  EXPECT_EQ(fine.code, 0) << "smoke needs no official data";
  const std::string real = "run --tasks text,image --models linear,identity --preset overnight --data e";
  const Finished text = sandbox.lra(real + " --dry-run --no-estimate");
  EXPECT_EQ(text.code, 3);
  EXPECT_EQ(lines_with(text.out, "no data"), 4u) << text.out;
  EXPECT_EQ(lines_with(text.out, "lra data fetch imdb --data e"), 1u) << text.out;
  EXPECT_EQ(lines_with(text.out, "lra data fetch cifar10 --data e"), 1u) << text.out;
  const Finished json = sandbox.lra(real + " --dry-run --no-estimate --json");
  EXPECT_EQ(json.code, 3);
  for (const Json& cell : json.json()) {
    EXPECT_EQ(cell.at("status"), "no data");
    EXPECT_NE(cell.at("missing").get<std::string>().find("lra data fetch"), std::string::npos);
  }
  // Without --dry-run, all missing data are listed before any data are prepared for the other tasks.
  const Finished run =
      sandbox.lra("run --tasks listops,text,image --models identity --preset overnight --data e", own_cache(sandbox));
  EXPECT_EQ(run.code, 3);
  EXPECT_NE(run.err.find("lra data fetch imdb"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("lra data fetch cifar10"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("2 of 3 tasks are missing"), std::string::npos) << run.err;
  EXPECT_FALSE(std::filesystem::exists(sandbox.path("cache/lra/prepared")));
}

TEST(OfficialData, ADryRunRejectsDataThatTheRunCannotRead) {
  const Sandbox sandbox;
  std::filesystem::create_directories(sandbox.path("d"));
  write_file(sandbox.path("d/aclImdb_v1.tar.gz"), std::string("<!DOCTYPE html>\n"));
  const std::string words = "d/aclImdb_v1.tar.gz is a plain file and no tar or zip archive";
  const std::string command = "run --tasks text --models identity --preset overnight --data d";
  const Finished dry = sandbox.lra(command + " --dry-run --no-estimate"), run = sandbox.lra(command);
  EXPECT_EQ(dry.code, 3);
  EXPECT_EQ(run.code, 3);
  EXPECT_NE(dry.out.find(words), std::string::npos) << dry.out;
  EXPECT_NE(run.err.find(words), std::string::npos) << run.err;
  const Json list = sandbox.lra("data list text --preset overnight --data d --json").json();
  EXPECT_EQ(list.at(0).at("state"), "broken");
  EXPECT_NE(list.at(0).at("reason").get<std::string>().find(words), std::string::npos) << list;
  EXPECT_FALSE(std::filesystem::exists(sandbox.path("lra.db"))) << "nothing was started";
}

TEST(OfficialData, WarnsOfStandInsInOneLineWithTheReason) {
  const Sandbox sandbox;
  const auto hard = sandbox.path("d") / "pathfinder32/curv_contour_length_14/metadata";
  std::filesystem::create_directories(hard);
  write_file(hard / "1.txt", std::string("imgs/1 sample_0.png 0 1\n"));
  const Finished finished = sandbox.lra(
      "run --tasks listops,pathfinder --models linear,identity --preset overnight --data d --dry-run --no-estimate");
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(lines_with(finished.err, "\n"), 2u) << finished.err;
  EXPECT_NE(finished.err.find("listops@generated-overnight stands in for listops@overnight: "), std::string::npos);
  EXPECT_NE(finished.err.find("pathfinder32@generated-overnight stands in"), std::string::npos) << finished.err;
  EXPECT_NE(finished.err.find("1.txt"), std::string::npos) << finished.err;
}

TEST(OfficialData, IgnoresHiddenFiles) {
  const Sandbox sandbox;
  const auto hard = sandbox.path("d") / "pathfinder32/curv_contour_length_14/metadata";
  std::filesystem::create_directories(hard);
  write_file(hard / "1.npy", std::string("imgs/1 sample_0.png 0 1\n"));
  write_file(hard / "._1.npy", std::string("Mac OS X\n"));
  const Finished finished = sandbox.lra("data generate pathfinder --preset overnight --data d");
  EXPECT_EQ(finished.code, 3);
  EXPECT_NE(finished.err.find("/1.npy line 1: there is no"), std::string::npos) << finished.err;
  EXPECT_EQ(finished.err.find("._1"), std::string::npos) << finished.err;
}

TEST(OfficialData, ACompressedTableIsImported) {
  const Sandbox sandbox;
  write_compressed(sandbox.path("basic_val.tsv.gz"), "Source\tTarget\n7\t7\n", archive_write_add_filter_gzip);
  const Finished finished = sandbox.lra("data import basic_val.tsv.gz --data d");
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.out.find("not complete yet"), std::string::npos) << finished.out;
  EXPECT_EQ(read_file(sandbox.path("d") / "listops-1000/basic_val.tsv"), "Source\tTarget\n7\t7\n");
}

TEST(OfficialData, PrintsNoEscapeSequencesToAPipe) {
  const Sandbox sandbox;
  write_file(sandbox.path("table.json"), std::string(R"([{"name": "a", "url": "http://127.0.0.1:9/a", "file": "a"},
                                                         {"name": "b", "url": "http://b.invalid/b", "file": "b"}])"));
  const Finished finished = sandbox.lra("data fetch b --table table.json --data d");
  EXPECT_EQ(finished.code, 3);
  EXPECT_EQ(finished.err.find_first_of("\r\033"), std::string::npos) << finished.err;
  EXPECT_NE(finished.err.find("b.invalid"), std::string::npos) << finished.err;
  EXPECT_TRUE(std::filesystem::is_empty(sandbox.path("d"))) << "nothing is left behind";
}

}  // namespace
}  // namespace lra
