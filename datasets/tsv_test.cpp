#include "datasets/tsv.h"

#include <gtest/gtest.h>

#include "datasets/cache.h"
#include "datasets/files_testing.h"
#include "harness/core/file.h"

namespace lra {
namespace {

/// A folder of one's own with the given training rows and, in the other files, `others`.
void write(const std::filesystem::path& folder, const std::string& train, const std::string& others) {
  std::filesystem::create_directories(folder);
  write_file(folder / "train.tsv", train);
  write_file(folder / "valid.tsv", others);
  write_file(folder / "test.tsv", others);
}

TEST(Tsv, LabelsAreNumberedInOrder) {
  const TemporaryFolder root;
  const auto words = root / "words", numbers = root / "numbers";
  write(words, "spam\ta\nham\tb\n10\tc\n", "spam\tx\n");
  write(numbers, "10\ta\n9\tb\n-1\tc\n9\td\n", "9\tx\n");
  EXPECT_EQ(tsv::shape_of(words).labels, (std::vector<std::string>{"10", "ham", "spam"}));
  EXPECT_EQ(tsv::shape_of(numbers).labels, (std::vector<std::string>{"-1", "9", "10"}));
  const auto data = in_memory(tsv::read(numbers, 10));
  for (const auto& [index, label] : {std::pair(0, 2), std::pair(1, 1), std::pair(2, 0), std::pair(3, 1)})
    EXPECT_EQ(data->at(Split::train, index).label, label);
}

TEST(Tsv, TextsAreBytesCutToALength) {
  const TemporaryFolder folder;
  write(folder.path(), "a\t\"q\" and more\r\nb\txy\r\n", "b\tx");  // the last line has no end
  const auto data = in_memory(tsv::read(folder.path(), 3));
  const auto tokens = [&](Split split, long i) {
    const auto all = data->at(split, i).tokens;
    return std::vector<int>(all.begin(), all.end());
  };
  EXPECT_FALSE(tsv::shape_of(folder.path()).paired);
  EXPECT_EQ(tokens(Split::train, 0), (std::vector<int>{'"' + 1, 'q' + 1, '"' + 1}));
  EXPECT_EQ(tokens(Split::train, 1), (std::vector<int>{'x' + 1, 'y' + 1}));
  EXPECT_EQ(tokens(Split::test, 0), std::vector<int>{'x' + 1});
}

TEST(Tsv, AThirdColumnMakesPairs) {
  const TemporaryFolder folder;
  write(folder.path(), "yes\tone\tother\nno\tone\t\n", "no\ta\tb\n");
  EXPECT_TRUE(tsv::shape_of(folder.path()).paired);
  const auto data = in_memory(tsv::read(folder.path(), 100));
  EXPECT_EQ(data->at(Split::train, 0).second.size(), 5u);
  EXPECT_EQ(data->at(Split::train, 1).second.size(), 1u);
  EXPECT_EQ(data->at(Split::valid, 0).label, 0);
}

TEST(Tsv, ChangesOfTheTrainingFileAreSeen) {
  const TemporaryFolder folder;
  write(folder.path(), "a\tx\nb\ty\n", "a\tx\n");
  EXPECT_EQ(tsv::shape_of(folder.path()).labels.size(), 2u);
  write_file(folder / "train.tsv", std::string("a\tx\nb\ty\nc\tz\n"));
  EXPECT_EQ(tsv::shape_of(folder.path()).labels.size(), 3u);
}

TEST(Tsv, MistakesAreNamedWithFileAndLine) {
  struct Case {
    std::string train, others, words;
  };
  std::string many;
  for (int i = 0; i < 1001; ++i) many += fmt::format("{}\tx\n", i);
  for (const auto& [train, others, words] :
       {Case{"a\tx\nno tab\n", "a\tx\n",
             "train.tsv line 2: a row has a label, a text and perhaps a second text between tabs, but this has 1 "
             "column"},
        Case{"a\tx\nb\tx\ty\tz\n", "a\tx\n", "train.tsv line 2: "},
        Case{"a\tx\n\tx\n", "a\tx\n", "train.tsv line 2: the label is empty"},
        Case{"a\tx\n\nb\tx\n", "a\tx\n", "train.tsv line 2: "},
        Case{"a\tx\nb\tx\ty\n", "a\tx\n", "train.tsv line 2: the row has a second text"},
        Case{"aa\tx\ty\nbb\tx\n", "aa\tx\ty\n", "train.tsv line 2: the row has only one text"},
        Case{"a\tx\nb\tx\n", "a\tx\nc\tx\n", "valid.tsv line 2: no row of train.tsv has the label 'c'"},
        Case{"a\tx\nb\tx\n", "", "valid.tsv holds no rows"},
        Case{"aaa\tx\naaa\ty\n", "aaa\tx\n", "train.tsv has 1 labels"}, Case{"", "a\tx\n", "train.tsv has 0 labels"},
        Case{many, "1\tx\n", "train.tsv line 1001: more than 1000"}}) {
    const TemporaryFolder folder;
    write(folder.path(), train, others);
    const std::string sentence = sentence_of([&] { tsv::read(folder.path(), 10); }, Kind::data);
    EXPECT_NE(sentence.find(words), std::string::npos) << sentence;
  }
  const TemporaryFolder empty;
  write_file(empty / "train.tsv", std::string("a\tx\nb\tx\n"));
  EXPECT_NE(sentence_of([&] { tsv::read(empty.path(), 10); }, Kind::data).find("found none of valid.tsv"),
            std::string::npos);
}

}  // namespace
}  // namespace lra
