// `lra data` in the real program.
#include <gtest/gtest.h>

#include <set>

#include "core/digest.h"
#include "core/file.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

/// The tests of one process share prepared data; these tests need a separate cache.
std::string own_cache(const Sandbox& sandbox) { return "XDG_CACHE_HOME=" + sandbox.path("cache").string(); }

TEST(Data, ListJsonHasItsDocumentedKeys) {
  const Sandbox sandbox;
  const Json all = sandbox.lra("data list --json", own_cache(sandbox)).json();
  ASSERT_TRUE(all.is_array());
  std::set<std::string> variants;
  for (const Json& entry : all) {
    for (const char* text : {"task", "variant", "preset", "source", "state", "reason", "file", "licence", "citation"})
      EXPECT_TRUE(entry.at(text).is_string()) << text;
    for (const char* name : {"bytes", "examples", "fingerprint"}) EXPECT_TRUE(entry.at(name).is_null()) << name;
    EXPECT_TRUE(entry.at("length").is_number() && entry.at("classes").is_number());
    EXPECT_TRUE(entry.at("class_names").is_array());
    EXPECT_EQ(entry.size(), 15u);
    variants.insert(entry.at("variant").get<std::string>());
  }
  EXPECT_TRUE(variants.contains("listops@smoke") && variants.contains("image") && variants.contains("pathx@generated"));
}

TEST(Data, GenerateListVerify) {
  const Sandbox sandbox;
  const std::string cache = own_cache(sandbox);
  const Finished made = sandbox.lra("data generate listops,lookup --preset smoke", cache);
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_NE(made.out.find("listops@smoke: 64 / 32 / 32 examples"), std::string::npos) << made.out;
  const Finished list = sandbox.lra("data list --preset smoke", cache);
  EXPECT_NE(list.out.find("prepared"), std::string::npos) << list.out;
  EXPECT_NE(list.out.find("Nangia"), std::string::npos) << list.out;
  Finished verified = sandbox.lra("data verify", cache);
  EXPECT_EQ(verified.code, 0);
  EXPECT_NE(verified.out.find("2 of 2 prepared files"), std::string::npos) << verified.out;

  const Json entries = sandbox.lra("data list --preset smoke --json", cache).json();
  std::string file;
  for (const Json& entry : entries)
    if (entry.at("task") == "lookup") file = entry.at("file");
  std::string damaged = read_file(file);
  damaged.back() = char(damaged.back() ^ 1);
  write_file(file, damaged);
  verified = sandbox.lra("data verify", cache);
  EXPECT_EQ(verified.code, 3);
  EXPECT_NE(verified.out.find("the checksum of block 0"), std::string::npos) << verified.out;
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST(Data, TheNextRunRepairsDamagedData) {
  const Sandbox sandbox;
  const std::string cache = own_cache(sandbox);
  ASSERT_EQ(sandbox.lra("data generate lookup --preset smoke", cache).code, 0);
  std::string file;
  for (const auto& entry : std::filesystem::directory_iterator(sandbox.path("cache") / "lra/prepared"))
    if (entry.path().extension() == ".lradata") file = entry.path();
  std::string damaged = read_file(file);
  damaged.back() = char(damaged.back() ^ 1);
  write_file(file, damaged);
  const std::string run = "run --tasks lookup --models identity --preset smoke --json";
  const Finished stopped = sandbox.lra(run, cache);
  EXPECT_EQ(stopped.code, 3);
  EXPECT_NE(stopped.err.find(file), std::string::npos) << stopped.err;
  EXPECT_EQ(sandbox.lra(run, cache).code, 0);
}

TEST(Data, ShowsExamples) {
  const Sandbox sandbox;
  const Finished tree = sandbox.lra("data show listops --preset smoke --index 3 --split test");
  ASSERT_EQ(tree.code, 0) << tree.err;
  EXPECT_TRUE(tree.out.starts_with("label: ")) << tree.out;
  EXPECT_NE(tree.out.find(" = "), std::string::npos) << tree.out;
  ASSERT_EQ(sandbox.lra("data show image --preset smoke -o image.png").code, 0);
  EXPECT_EQ(contents(sandbox.path("image.png")).substr(1, 3), "PNG");
  ASSERT_EQ(sandbox.lra("data show image --preset smoke -o image.txt").code, 0);
  EXPECT_TRUE(contents(sandbox.path("image.txt")).starts_with("label: "));
}

TEST(Data, Imports) {
  const Sandbox sandbox;
  std::filesystem::create_directories(sandbox.path("mine"));
  for (const char* split : {"train", "val", "test"})
    write_file(sandbox.path("mine") / (std::string("basic_") + split + ".tsv"),
               std::string("Source\tTarget\n( ( ( [MAX 1 ) 2 ) ] )\t2\n"));
  const Finished imported = sandbox.lra("data import mine --data data");
  ASSERT_EQ(imported.code, 0) << imported.err;
  EXPECT_NE(imported.out.find("96,000"), std::string::npos) << imported.out;
  EXPECT_NE(imported.out.find("differs"), std::string::npos) << imported.out;
  EXPECT_EQ(sandbox.lra("run --tasks listops --models identity --preset lra --data data --dry-run").code, 0);
  const Json again = sandbox.lra("data import mine --data data --json").json();
  EXPECT_EQ(again.at(0).at("parts").at("train").at("found"), 1);
}

TEST(Data, AnExistingFileIsCheckedAgainstTheTable) {
  const Sandbox sandbox;
  const std::string rows = "Source\tTarget\n7\t7\n";
  std::filesystem::create_directories(sandbox.path("data"));
  write_file(sandbox.path("data/basic_val.tsv"), rows);
  const auto fetched = [&](const std::string& field) {
    write_file(sandbox.path("table.json"),
               fmt::format(R"([{{"name": "a", "url": "http://127.0.0.1:9/a", "file": "basic_val.tsv", {}}}])", field));
    return sandbox.lra("data fetch a --table table.json --data data");
  };
  for (const std::string& field : {std::string(R"("size": 3)"), R"("sha256": ")" + sha256("other") + "\""}) {
    const Finished wrong = fetched(field);
    EXPECT_EQ(wrong.code, 3);
    EXPECT_NE(wrong.err.find("remove it, and the same command fetches it"), std::string::npos) << wrong.err;
  }
  const Finished right = fetched(fmt::format(R"("size": {}, "sha256": "{}")", rows.size(), sha256(rows)));
  EXPECT_EQ(right.code, 0) << right.err;
}

TEST(Data, RejectsAnEmptyDataOption) {
  const Sandbox sandbox;
  for (const char* command : {"data import mine", "data fetch imdb", "data list", "doctor"}) {
    const Finished finished = sandbox.lra(std::string(command) + " --data ''");
    EXPECT_EQ(finished.code, 2) << command;
    EXPECT_NE(finished.err.find("must not be empty"), std::string::npos) << finished.err;
  }
}

TEST(Data, FetchListsItsDownloads) {
  const Sandbox sandbox;
  const Finished list = sandbox.lra("data fetch --list");
  EXPECT_EQ(list.code, 0);
  for (const char* name : {"imdb", "cifar10", "lra_release"}) EXPECT_NE(list.out.find(name), std::string::npos) << name;
  write_file(sandbox.path("table.json"), std::string(R"([{"name": "a", "url": "http://127.0.0.1:9/a", "file": "a"}])"));
  EXPECT_EQ(sandbox.lra("data fetch b --table table.json --data data").code, 2);
}

}  // namespace
}  // namespace lra
