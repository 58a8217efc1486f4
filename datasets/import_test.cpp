#include "datasets/import.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "datasets/archive_testing.h"
#include "datasets/files_testing.h"
#include "datasets/input.h"
#include "datasets/png.h"
#include "datasets/source.h"

namespace lra {
namespace {

namespace fs = std::filesystem;
using Members = std::vector<std::pair<std::string, std::string>>;

const std::string kRows = "Source\tTarget\r\n7\t7\r\n8\t8\r\n";

std::string picture(std::uint8_t gray, long size = 128) {
  return encode_png(size, size, 1, std::vector<std::uint8_t>(std::size_t(size * size), gray));
}

constexpr std::size_t kBatchBytes = 10'000 * 3'073;  // of an official batch of CIFAR-10

Members mini_release() {
  Members members{{"aan_mini/papers_text/A.txt", "one"}, {"aan_mini/papers_text/B.txt", "two"}};
  for (const char* split : {"train", "eval", "test"})
    members.emplace_back(fmt::format("aan_mini/new_aan_pairs.{}.only_ids.tsv", split), "1.0\tA\tB\n0.0\tB\tA\n");
  return members;
}

/// Return files laid out as in LRA's release, which contains some folders twice with different content.
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
  members.emplace_back("lra_release/" + hard + "imgs/0/sample_0.png", picture(1));
  members.emplace_back("lra_release/" + hard + "imgs/0/sample_1.png", picture(1));
  members.emplace_back("lra_release/lra_release/" + hard + "imgs/0/sample_0.png", picture(2));
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
  EXPECT_EQ(read_file(folder / "data/pathfinder128/curv_contour_length_14/imgs/0/sample_0.png"), picture(2));
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
  // Importing the data again from the place where they already are loses nothing.
  import_data(folder / "copied", folder / "copied", false);
  import_data(folder / "copied", folder / "copied", true);
  EXPECT_EQ(read_file(folder / "copied/aclImdb/train/pos/12_9.txt"), "good");
}

TEST(Import, AnArchiveThatIsReadAsItIsStaysOne) {
  const TemporaryFolder folder;
  write_tar_gz(folder / "my-aan.tgz", mini_release());
  const auto imported = import_data(folder / "my-aan.tgz", folder / "data", true);
  ASSERT_EQ(imported.size(), 1u);
  EXPECT_EQ(imported[0].place, folder / "data/aan_mini.tar.gz");
  EXPECT_EQ(imported[0].parts[1].name, "papers_text");
  EXPECT_EQ(imported[0].parts[1].found, 2);
  EXPECT_EQ(imported[0].parts[1].official, 1569);
  EXPECT_EQ(imported[0].lacking, "");
  EXPECT_TRUE(fs::is_symlink(folder / "data/aan_mini.tar.gz"));
  import_data(folder / "my-aan.tgz", folder / "data", false);  // replaces the link
  EXPECT_FALSE(fs::is_symlink(folder / "data/aan_mini.tar.gz"));
  EXPECT_EQ(read_file(folder / "data/aan_mini.tar.gz"), read_file(folder / "my-aan.tgz"));
}

TEST(Import, ACompressedTableIsUnpacked) {
  for (const auto& [ending, filter] :
       {std::pair(".gz", &archive_write_add_filter_gzip), std::pair(".bz2", &archive_write_add_filter_bzip2),
        std::pair(".xz", &archive_write_add_filter_xz), std::pair(".zst", &archive_write_add_filter_zstd)}) {
    const TemporaryFolder folder;
    fs::create_directories(folder / "mine");
    const std::string name = std::string("mine/basic_val.tsv") + ending;
    write_compressed(folder / name, kRows, filter);
    for (const char* from : {name.c_str(), "mine"}) {
      const TemporaryFolder data;
      const fs::path& root = data.path();
      const auto imported = import_data(folder / from, root, false);
      EXPECT_EQ(imported.at(0).how, "unpacked");
      EXPECT_EQ(imported.at(0).parts.at(0).found, 2);
      EXPECT_NE(imported.at(0).lacking.find("basic_train.tsv"), std::string::npos);
      EXPECT_EQ(read_file(root / "listops-1000/basic_val.tsv"), kRows) << from;
    }
    EXPECT_NE(
        sentence_of([&] { import_data(folder / name, folder / "data", true); }, Kind::usage).find("without --link"),
        std::string::npos);
  }
}

TEST(Import, RemovesTheTemporaryFoldersOfKilledImports) {
  const TemporaryFolder folder;
  write_tar_gz(folder / "my-aan.tgz", mini_release());
  const pid_t ended = ::fork();
  if (ended == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(ended, nullptr, 0), ended);
  const fs::path abandoned = fs::temp_directory_path() / fmt::format("lra-import-{}-abcdef", ended);
  const fs::path running = fs::temp_directory_path() / fmt::format("lra-import-{}-abcdef", ::getpid());
  for (const fs::path& one : {abandoned, running}) fs::create_directory(one);
  import_data(folder / "my-aan.tgz", folder / "data", false);
  EXPECT_FALSE(fs::exists(abandoned));
  EXPECT_TRUE(fs::remove(running));
}

TEST(Import, ACompressedTableWithinAnArchiveIsUnpacked) {
  const TemporaryFolder folder;
  write_compressed(folder / "table", kRows, archive_write_add_filter_gzip);
  write_tar_gz(folder / "mine.tgz", {{"mine/basic_val.tsv.gz", read_file(folder / "table")}});
  const auto imported = import_data(folder / "mine.tgz", folder / "data", false);
  EXPECT_EQ(imported.at(0).how, "unpacked");
  EXPECT_EQ(imported.at(0).parts.at(0).found, 2);
  EXPECT_EQ(read_file(folder / "data/listops-1000/basic_val.tsv"), kRows);
}

TEST(Import, APipeIsRefusedAndFilesAreCalledByTheirPlace) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const auto sentence = [&](const char* name) {
    return sentence_of([&] { import_data(folder / name, folder / "data", false); }, Kind::data);
  };
  EXPECT_NE(sentence("pipe").find("is a pipe or a device"), std::string::npos) << sentence("pipe");
  fs::create_directories(folder / "a/b");
  write_file(folder / "a/b/basic_val.tsv", std::string("none\n"));
  EXPECT_NE(sentence("a/b").find((folder / "a/b/basic_val.tsv line 1").string()), std::string::npos) << sentence("a/b");
}

TEST(Import, OnlyWhatIsDamagedIsCalledSo) {
  const TemporaryFolder folder;
  const auto sentence = [&](const char* name) {
    return sentence_of([&] { import_data(folder / name, folder / "data", false); }, Kind::data);
  };
  write_tar_gz(folder / "sound.tgz", release());
  const std::string sound = read_file(folder / "sound.tgz");
  write_compressed(folder / "letter.gz", "dear", archive_write_add_filter_gzip);
  write_file(folder / "page.tar.gz", std::string("<html>not found</html>"));
  write_file(folder / "empty.zip", std::string());
  write_file(folder / "cut.tgz", sound.substr(0, sound.size() / 2));
  EXPECT_NE(sentence("letter.gz").find("a compressed file and no tar or zip archive"), std::string::npos);
  EXPECT_NE(sentence("page.tar.gz").find("a plain file and no tar or zip archive"), std::string::npos);
  EXPECT_NE(sentence("empty.zip").find("empty.zip is empty"), std::string::npos) << sentence("empty.zip");
  EXPECT_NE(sentence("cut.tgz").find("damaged or incomplete"), std::string::npos) << sentence("cut.tgz");
  std::string cut = read_file(folder / "letter.gz");
  cut.resize(cut.size() - 10);
  write_file(folder / "basic_val.tsv.gz", cut);
  EXPECT_NE(sentence("basic_val.tsv.gz").find("damaged or incomplete"), std::string::npos)
      << sentence("basic_val.tsv.gz");
  EXPECT_FALSE(fs::exists(folder / "data"));
}

/// A file with an official name, and words from the error that its source reports for the content.
struct Refusal {
  const char* name;
  std::string content;
  const char* words;
};

TEST(Import, WhatASourceCannotReadIsRefusedBeforeAnythingIsPlaced) {
  for (const auto& [name, content, words] :
       {Refusal{"basic_test.tsv", "Target\tSource\n7\t7\n", "must be 'Source'"},
        Refusal{"basic_test.tsv", "Source\tTarget\n7\t8\n", "the expression's value is 7"},
        Refusal{"basic_test.tsv", "Source\tTarget\n", "holds no examples"},
        Refusal{"basic_test.tsv", std::string("S\0\t\0T\0\n\0", 8), "is written in UTF-16LE"},
        Refusal{"data_batch_2.bin", std::string(3073, '\1'), "3073 bytes instead of 30730000"},
        Refusal{"data_batch_3.bin", std::string(kBatchBytes, '\12'), "has label 10"},
        Refusal{"new_aan_pairs.test.tsv", "1.0\ta\tb\n", "this has 3 columns"},
        Refusal{"new_aan_pairs.test.tsv", "2\ta\tb\tx\ty\n", "the label must be 0 or 1"},
        Refusal{"new_aan_pairs.eval.only_ids.tsv", "1.0\ta\t../b\n", "cannot be the name of a paper"},
        Refusal{"pathfinder32/curv_contour_length_14/imgs/3/a.png", picture(1, 31), "31 by 31 pixels instead of 32"},
        Refusal{"pathfinder32/curv_contour_length_14/imgs/3/a.png", picture(1, 32).substr(0, 60), "a.png"},
        Refusal{"pathfinder32/curv_contour_length_14/imgs/3/a.png", "", "has no bytes"},
        Refusal{"pathfinder32/curv_contour_length_14/metadata/3.npy", "\x93NUMPY", "binary NumPy"},
        Refusal{"pathfinder32/curv_contour_length_14/metadata/3.npy", "imgs/3 a.png 3\n", "this has 3 columns"}}) {
    const TemporaryFolder folder;
    const fs::path file = folder.path() / "mine" / name;
    fs::create_directories(file.parent_path());
    write_file(folder / "mine/basic_val.tsv", kRows);  // a valid file
    write_file(file, content);
    const std::string sentence = sentence_of([&] { import_data(folder / "mine", folder / "data", false); }, Kind::data);
    EXPECT_NE(sentence.find(words), std::string::npos) << sentence;
    EXPECT_NE(sentence.find(fs::path(name).filename()), std::string::npos) << sentence;
    EXPECT_FALSE(fs::exists(folder / "data"));
  }
}

TEST(Import, AnArchiveThatLacksFilesIsRefusedInItsOwnName) {
  const TemporaryFolder folder;
  Members members = mini_release();
  members.erase(members.begin());  // paper A
  write_tar_gz(folder / "aan_mini.tar.gz", members);
  const auto sentence =
      sentence_of([&] { import_data(folder / "aan_mini.tar.gz", folder / "data", false); }, Kind::data);
  EXPECT_NE(sentence.find("paper A is not in"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find((folder / "aan_mini.tar.gz").string()), std::string::npos) << sentence;
  EXPECT_EQ(sentence.find("lra-import-"), std::string::npos) << sentence;
  EXPECT_FALSE(fs::exists(folder / "data"));
}

TEST(Import, SomeOfTheReviewsAreUnpacked) {
  const TemporaryFolder folder;
  Members members;
  for (const char* part : {"train/pos", "train/neg", "test/pos", "test/neg"})
    for (const char* name : {"1_9.txt", "2_3.txt", "3_3.txt", "._1_9.txt"})
      members.emplace_back(fmt::format("aclImdb/{}/{}", part, name), "a film");
  write_tar_gz(folder / "aclImdb_v1.tar.gz", members);
  const auto imported = import_data(folder / "aclImdb_v1.tar.gz", folder / "data", false);
  EXPECT_EQ(imported.at(0).files, 12);
  EXPECT_EQ(imported.at(0).place, folder / "data/aclImdb");
  EXPECT_TRUE(fs::exists(folder / "data/aclImdb/test/neg/2_3.txt"));
  EXPECT_FALSE(fs::exists(folder / "data/aclImdb/.import"));
  const auto portion = sources().at("imdb").portion(Json::object(), folder / "data");
  ASSERT_TRUE(portion);
  EXPECT_EQ(portion->examples, 12);
  EXPECT_EQ(sources().at("imdb").make(portion->settings, folder / "data")[Split::test].size(), 6);
}

TEST(Import, WhatAKilledImportLeftGoesWithTheNext) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "data/listops-1000/.import");
  write_file(folder / "data/listops-1000/.import/basic_val.tsv", std::string("half"));
  write_file(folder / "basic_val.tsv", kRows);
  import_data(folder / "basic_val.tsv", folder / "data", false);
  EXPECT_FALSE(fs::exists(folder / "data/listops-1000/.import"));
}

TEST(Import, ATableThatIsThereTwiceIsNotChosenFrom) {
  const TemporaryFolder folder;
  for (const char* place : {"a", "b"}) {
    fs::create_directories(folder.path() / "mine" / place);
    write_file(folder.path() / "mine" / place / "basic_val.tsv", kRows);
  }
  EXPECT_NE(sentence_of([&] { import_data(folder / "mine", folder / "data", false); }, Kind::data).find("twice"),
            std::string::npos);
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
    long claims = 0;
    for (const std::string& source : sources().names())
      if (const auto& recogniser = sources().at(source).official.recognise)
        claims += recogniser(PathNames(path)).has_value();
    EXPECT_EQ(claims, 1) << path << " is one source's";
  }
  for (const char* path : {"", "/", "train/unsup/0_0.txt", "train/pos/urls.txt", "data_batch_6.bin", "basic_dev.tsv",
                           "curv_contour_length_14/imgs/0/sample_0.png", "32/curv_baseline/imgs/0/a.png",
                           "pathfinder16/curv_baseline/imgs/0/a.png", "train/pos/.txt",
                           "pathfinder32/curv_baseline/imgs/x/a.png", "new_aan_pairs.only_ids.tsv"})
    EXPECT_FALSE(recognise(path)) << path;
}

}  // namespace
}  // namespace lra
