#include "datasets/import.h"

#include <gtest/gtest.h>

#include "datasets/archive_testing.h"
#include "datasets/files_testing.h"
#include "datasets/input.h"
#include "datasets/source.h"
#include "harness/core/file.h"

namespace lra {
namespace {

namespace fs = std::filesystem;
using Members = std::vector<std::pair<std::string, std::string>>;

const std::string kRows = "Source\tTarget\r\n7\t7\r\n8\t8\r\n";

/// The release as it is: some folders twice, the copies differ.
Members release() {
  Members members;
  for (const char* name : {"train", "val", "test"}) {
    members.emplace_back(std::string("lra_release/listops-1000/basic_") + name + ".tsv", "Source\tTarget\r\n1\t1\r\n");
    members.emplace_back(std::string("lra_release/lra_release/listops-1000/basic_") + name + ".tsv", kRows);
  }
  for (const char* name : {"train", "eval", "test"})
    members.emplace_back(std::string("lra_release/lra_release/tsv_data/new_aan_pairs.") + name + ".tsv",
                         "1.0\ta\tb\tx\ty\n0.0\ta\tc\tx\tz");
  const std::string hard = "pathfinder128/curv_contour_length_14/";
  members.emplace_back("lra_release/" + hard + "imgs/0/sample_0.png", "outer");
  members.emplace_back("lra_release/" + hard + "imgs/0/sample_1.png", "outer");
  members.emplace_back("lra_release/lra_release/" + hard + "imgs/0/sample_0.png", "inner");
  members.emplace_back("lra_release/lra_release/" + hard + "metadata/0.npy", "imgs/0 sample_0.png 0 1");
  members.emplace_back("lra_release/lra_release/README", "not data");
  return members;
}

TEST(Import, TheReleasesInnerCopyCounts) {
  const TemporaryFolder folder;
  write_tar_gz(folder / "lra_release.gz", release());
  const auto imported = import_data(folder / "lra_release.gz", folder / "data", false);
  ASSERT_EQ(imported.size(), 3u);
  EXPECT_EQ(imported[0].layout, "aan_texts");
  EXPECT_EQ(imported[0].parts[2].name, "train");
  EXPECT_EQ(imported[0].parts[2].found, 2);  // the last row has no line end
  EXPECT_EQ(imported[0].parts[2].official, 147086);
  EXPECT_EQ(imported[1].layout, "listops");
  EXPECT_EQ(imported[1].how, "unpacked");
  EXPECT_EQ(imported[1].left_out, 3);
  EXPECT_EQ(imported[1].parts[1].found, 2);
  EXPECT_EQ(imported[2].layout, "pathfinder128");
  EXPECT_EQ(imported[2].files, 2);
  EXPECT_EQ(imported[2].left_out, 2);
  EXPECT_EQ(read_file(folder / "data/listops-1000/basic_val.tsv"), kRows);
  EXPECT_EQ(read_file(folder / "data/pathfinder128/curv_contour_length_14/imgs/0/sample_0.png"), "inner");
  EXPECT_FALSE(fs::exists(folder / "data/pathfinder128/curv_contour_length_14/imgs/0/sample_1.png"));
  EXPECT_EQ(sources().at("listops_tsv").make(Json::object(), folder / "data")[Split::test].size(), 2);
}

TEST(Import, FoldersAreCopiedOrLinked) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "somewhere/reviews/train/pos");
  fs::create_directories(folder / "somewhere/reviews/test/neg");
  write_file(folder / "somewhere/reviews/train/pos/12_9.txt", std::string("good"));
  write_file(folder / "somewhere/reviews/test/neg/3_1.txt", std::string("bad"));
  write_file(folder / "somewhere/reviews/notes.txt", std::string("mine"));
  for (const bool link : {false, true}) {
    const fs::path root = folder / (link ? "linked" : "copied");
    const auto imported = import_data(folder / "somewhere/reviews", root, link);
    ASSERT_EQ(imported.size(), 1u);
    EXPECT_EQ(imported[0].layout, "imdb");
    EXPECT_EQ(imported[0].how, link ? "linked" : "copied");
    EXPECT_EQ(imported[0].place, root / "aclImdb");
    ASSERT_EQ(imported[0].parts.size(), 2u);
    EXPECT_EQ(imported[0].parts[0].name, "test/neg");
    EXPECT_EQ(imported[0].parts[0].found, 1);
    EXPECT_EQ(imported[0].parts[0].official, 12500);
    EXPECT_EQ(read_file(root / "aclImdb/train/pos/12_9.txt"), "good");
    EXPECT_EQ(fs::is_symlink(root / "aclImdb/train/pos/12_9.txt"), link);
  }
  // Again, and from the place itself: nothing is lost.
  import_data(folder / "copied", folder / "copied", false);
  import_data(folder / "copied", folder / "copied", true);
  EXPECT_EQ(read_file(folder / "copied/aclImdb/train/pos/12_9.txt"), "good");
}

TEST(Import, AnArchiveThatIsReadAsItIsStaysOne) {
  const TemporaryFolder folder;
  const std::string two_images(2 * 3073, '\1');
  Members members;
  for (const char* name : {"data_batch_1", "data_batch_2", "test_batch"})
    members.emplace_back(std::string("cifar-10-batches-bin/") + name + ".bin", two_images);
  write_tar_gz(folder / "my-cifar.tgz", members);
  const auto imported = import_data(folder / "my-cifar.tgz", folder / "data", true);
  ASSERT_EQ(imported.size(), 1u);
  EXPECT_EQ(imported[0].place, folder / "data/cifar-10-binary.tar.gz");
  EXPECT_EQ(imported[0].parts[0].found, 2);
  EXPECT_EQ(imported[0].parts[0].official, 10000);
  EXPECT_TRUE(fs::is_symlink(folder / "data/cifar-10-binary.tar.gz"));
  import_data(folder / "my-cifar.tgz", folder / "data", false);  // takes the link's place
  EXPECT_FALSE(fs::is_symlink(folder / "data/cifar-10-binary.tar.gz"));
  EXPECT_EQ(read_file(folder / "data/cifar-10-binary.tar.gz"), read_file(folder / "my-cifar.tgz"));
}

TEST(Import, WhatCannotBeImportedIsNamed) {
  const TemporaryFolder folder;
  const auto sentence = [&](const fs::path& from, bool link, Kind kind) {
    return sentence_of([&] { import_data(from, folder / "data", link); }, kind);
  };
  EXPECT_NE(sentence(folder / "none", false, Kind::data).find("there is no"), std::string::npos);
  write_tar_gz(folder / "letters.tar.gz", {{"letters/a.txt", "dear"}});
  EXPECT_NE(sentence(folder / "letters.tar.gz", false, Kind::data).find("none of the official"), std::string::npos);
  write_tar_gz(folder / "lra_release.gz", release());
  EXPECT_NE(sentence(folder / "lra_release.gz", true, Kind::usage).find("without --link"), std::string::npos);
  write_file(folder / "cut.tar.gz", read_file(folder / "lra_release.gz").substr(0, 150));
  EXPECT_NE(sentence(folder / "cut.tar.gz", false, Kind::data).find("cut.tar.gz"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "data"));
}

TEST(Import, NamesThatLeadOutsideAreRefused) {
  for (const char* name : {"../basic_train.tsv", "/basic_train.tsv", "a/../../listops-1000/basic_train.tsv"}) {
    const TemporaryFolder folder;
    write_tar_gz(folder / "evil.tar.gz", {{name, kRows}});
    const std::string sentence =
        sentence_of([&] { import_data(folder / "evil.tar.gz", folder / "data", false); }, Kind::data);
    EXPECT_NE(sentence.find("leads out"), std::string::npos) << sentence;
    EXPECT_FALSE(fs::exists(folder / "data"));
  }
}

TEST(Import, LayoutsAreKnownByTheEndsOfTheirPaths) {
  const std::pair<const char*, const char*> known[] = {
      {"aclImdb/train/pos/0_9.txt", "aclImdb/train/pos/0_9.txt"},
      {"x/aan_mini/papers_text/A00-1020.txt", "aan_mini/papers_text/A00-1020.txt"},
      {"aan_mini/new_aan_pairs.eval.only_ids.tsv", "aan_mini/new_aan_pairs.eval.only_ids.tsv"},
      {"lra_release/aan/new_aan_pairs.eval.only_ids.tsv", "aan/new_aan_pairs.eval.only_ids.tsv"},
      {"new_aan_pairs.test.tsv", "tsv_data/new_aan_pairs.test.tsv"},
      {"pathfinder32_upstream/curv_contour_length_14/metadata/3.npy",
       "pathfinder32_upstream/curv_contour_length_14/metadata/3.npy"},
      {"data_batch_5.bin", "cifar-10-batches-bin/data_batch_5.bin"}};
  for (const auto& [path, place] : known) {
    const auto file = recognise(path);
    ASSERT_TRUE(file) << path;
    EXPECT_EQ(file->place, place);
  }
  for (const char* path : {"", "/", "train/unsup/0_0.txt", "train/pos/urls.txt", "data_batch_6.bin", "basic_dev.tsv",
                           "curv_contour_length_14/imgs/0/sample_0.png", "32/curv_baseline/imgs/0/a.png",
                           "pathfinder16/curv_baseline/imgs/0/a.png", "pathfinder32/curv_baseline/imgs/x/a.png",
                           "new_aan_pairs.only_ids.tsv"})
    EXPECT_FALSE(recognise(path)) << path;
}

}  // namespace
}  // namespace lra
