// The errors for missing official files, and their hints at similar files.
#include "datasets/missing.h"

#include <gtest/gtest.h>

#include "core/file.h"
#include "datasets/archive_testing.h"
#include "datasets/files_testing.h"
#include "datasets/input.h"
#include "datasets/source.h"

namespace lra {
namespace {

void write(const std::filesystem::path& path, const std::string& content = "x") {
  std::filesystem::create_directories(path.parent_path());
  write_file(path, content);
}

std::string missing(const char* source, const std::filesystem::path& root) {
  return sentence_of([&] { sources().at(source).inputs(Json::object(), root); }, Kind::data);
}

/// A file in the data folder, the source that cannot read it, and words from the source's error.
struct Case {
  const char *file, *source, *words;
};
class NearForm : public testing::TestWithParam<Case> {};

TEST_P(NearForm, IsNamed) {
  const TemporaryFolder root;
  write(root / GetParam().file);
  const std::string sentence = missing(GetParam().source, root.path());
  EXPECT_NE(sentence.find(GetParam().words), std::string::npos) << sentence;
}

const Case kCases[] = {
    {"listops-1000/basic_train.tsv.gz", "listops_tsv", "basic_train.tsv.gz is compressed; 'lra data import "},
    {"listops-1000/basic_train.tsv.zst", "listops_tsv", "basic_train.tsv.zst is compressed"},
    {"listops-1000.tar.gz", "listops_tsv", "listops-1000.tar.gz is compressed; 'lra data import "},
    {"listops-1000.zip", "listops_tsv", "listops-1000.zip is compressed"},
    {"listops-1000/Basic_train.TSV", "listops_tsv", "Basic_train.TSV would have to be called basic_train.tsv"},
    {"LISTOPS-1000/basic_train.tsv", "listops_tsv", "LISTOPS-1000 would have to be called listops-1000"},
    {"listops-1000/basic_train.csv", "listops_tsv", "basic_train.csv is there instead of basic_train.tsv"},
    {"listops-1000/readme", "listops_tsv", "listops-1000 is there without basic_train.tsv"},
    {"cifar-10-batches-py/data_batch_1", "cifar10", "cifar-10-batches-py is there instead of cifar-10-batches-bin"},
    {"cifar-10-binary.tar.gz.part", "cifar10", "is a download that broke off"},
    {"cifar-10-batches-bin/data_batch_1.bin.gz", "cifar10", "data_batch_1.bin.gz is compressed"},
    {"aclimdb/train/pos/0_9.txt", "imdb", "aclimdb would have to be called aclImdb"},
    {"aclImdb/train/neg/0_1.txt", "imdb", "train is there without pos"},
    {"pathfinder32/curv_contour_length_14/metadata/1.txt", "pathfinder", "but 1.txt"},
    {"pathfinder32/curv_baseline/metadata/1.npy", "pathfinder", "pathfinder32 is there without curv_contour_length_14"},
    {"pathfinder64/curv_contour_length_14/metadata/1.npy", "pathfinder", "pathfinder64 is there instead"},
    {"tsv_data/new_aan_pairs.train.tsv.bz2", "aan", "new_aan_pairs.train.tsv.bz2 is compressed"},
};
INSTANTIATE_TEST_SUITE_P(All, NearForm, testing::ValuesIn(kCases));

TEST(Missing, ALinkThatLeadsNowhereIsNamed) {
  const TemporaryFolder root;
  std::filesystem::create_symlink("nowhere", root / "listops-1000");
  const std::string sentence = missing("listops_tsv", root.path());
  EXPECT_NE(sentence.find("listops-1000 is a link that leads nowhere"), std::string::npos) << sentence;
}

TEST(Missing, TheCommandThatGetsItIsNamed) {
  const TemporaryFolder root;
  for (const auto& [source, name] :
       {std::pair("cifar10", "cifar10"), std::pair("imdb", "imdb"), std::pair("aan", "lra_release"),
        std::pair("listops_tsv", "lra_release"), std::pair("pathfinder", "lra_release")}) {
    const std::string sentence = missing(source, root.path());
    EXPECT_NE(sentence.find(fmt::format("'lra data fetch {} --data {}'", name, root.path().string())),
              std::string::npos)
        << sentence;
    EXPECT_EQ(sentence.find(", but "), std::string::npos) << sentence;
  }
}

TEST(Missing, EverySourceNamesItsOwnDownload) {
  const TemporaryFolder root;
  for (const std::string& name : sources().names())
    for (const Download& download : sources().at(name).official.downloads)
      EXPECT_NE(missing(name.c_str(), root.path()).find(fetch_remedy(download.name, root.path())), std::string::npos)
          << name;
}

TEST(Missing, AFolderNameIsInertInACommand) {
  const TemporaryFolder root;
  const std::string folder = (root / "a $(b)").string();
  EXPECT_EQ(fetch_remedy("imdb", folder), "'lra data fetch imdb --data '" + folder + "'' gets them");
  write(root / "a $(b)/listops-1000.zip");
  const std::string clause = near_form(folder, {"listops-1000"});
  EXPECT_NE(clause.find("import '" + folder + "/listops-1000.zip' --data '" + folder + "'"), std::string::npos)
      << clause;
}

TEST(Hidden, NamesThatOtherProgramsLeaveBehind) {
  for (const char* name : {"._1.npy", ".DS_Store", "a/.b/c", "__MACOSX/a/b", "./._a"})
    EXPECT_TRUE(is_hidden(name)) << name;
  for (const char* name : {"1.npy", "./a", "../a", "a/b.c", "__MACOS", ""}) EXPECT_FALSE(is_hidden(name)) << name;
}

TEST(Hidden, FilesAreNoDataInAnArchive) {
  const TemporaryFolder root;
  write_tar_gz(root / "a.tar.gz", {{"./._a", "x"}, {"__MACOSX/a", "x"}, {"./a", "y"}, {"b/.DS_Store", "x"}});
  std::vector<std::string> names;
  read_archive(
      root / "a.tar.gz", [](auto&) { return true; }, [&](const std::string& name, auto) { names.push_back(name); });
  EXPECT_EQ(names, std::vector<std::string>{"./a"});
}

TEST(Hidden, FilesAreNoDataInAFolder) {
  const TemporaryFolder root;
  const auto hard = root / "pathfinder32/curv_contour_length_14/metadata";
  write(hard / "1.npy", "imgs/1 sample_0.png 0 1\n");
  write(hard / "._1.npy", "Mac OS X");
  EXPECT_EQ(sources().at("pathfinder").inputs(Json::object(), root.path()), std::vector{hard / "1.npy"});
  for (const char* part : {"train/neg", "train/pos", "test/neg", "test/pos"}) {
    write(root / "aclImdb" / part / "._0_9.txt");
    write(root / "aclImdb" / part / "0_9.txt");
  }
  for (const auto& file : sources().at("imdb").inputs(Json::object(), root.path()))
    EXPECT_EQ(file.filename(), "0_9.txt");
}

TEST(Lines, ComeWholeFromPieces) {
  std::vector<std::string> lines;
  const auto pieces = [](const Put& put) {
    for (const std::string_view text : {"a\tb", "\r", "\nc\n\nd"}) put(std::as_bytes(std::span(text)));
  };
  lines_of(pieces, [&](long number, std::string_view line) {
    EXPECT_EQ(number, long(lines.size()) + 1);
    lines.emplace_back(line);
  });
  EXPECT_EQ(lines, (std::vector<std::string>{"a\tb", "c", "", "d"}));
}

TEST(Lines, OfTheBeginAreWhole) {
  const TemporaryFolder root;
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "a line\n";
  write(root / "long", text + "and a last one");
  long count = 0;
  const auto each = [&](long, std::string_view line) {
    EXPECT_EQ(line, count < 100000 ? "a line" : "and a last one");
    ++count;
  };
  read_first_lines(root / "long", 1000, each);
  EXPECT_GE(count, 1000 / 7);
  EXPECT_LT(count, 100000);
  count = 0;
  read_first_lines(root / "long", text.size() + 1000, each);
  EXPECT_EQ(count, 100001);
}

}  // namespace
}  // namespace lra
