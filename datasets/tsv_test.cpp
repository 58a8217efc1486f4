#include "datasets/tsv.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/file.h"
#include "datasets/cache.h"
#include "datasets/files_testing.h"
#include "datasets/table.h"
#include "datasets/tsv_testing.h"

namespace lra {
namespace {

TEST(Tsv, LabelsAreNumberedInOrder) {
  const TemporaryFolder root;
  const auto words = root / "words", numbers = root / "numbers";
  write(words, "spam\ta\nham\tb\n10\tc\n", "spam\tx\n");
  write(numbers, "10\ta\n9\tb\n-1\tc\n9\td\n", "9\tx\n");
  EXPECT_EQ(tsv::shape_of(words).classes, (std::vector<std::string>{"10", "ham", "spam"}));
  EXPECT_EQ(tsv::shape_of(numbers).classes, (std::vector<std::string>{"-1", "9", "10"}));
  const auto data = in_memory(tsv::read(numbers, 10));
  for (const auto& [index, label] : {std::pair(0, 2), std::pair(1, 1), std::pair(2, 0), std::pair(3, 1)})
    EXPECT_EQ(data->at(Split::train, index).label, label);
}

TEST(Tsv, TextsAreBytesCutToALength) {
  const TemporaryFolder folder;
  write(folder.path(), "a\t\"q\" and more\r\nb\txy\r\n", "b\tx");  // the last line has no line end
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
  write(folder.path(), "yes\tone\tother\nno\tone\ti\n", "no\ta\tb\n");
  EXPECT_TRUE(tsv::shape_of(folder.path()).paired);
  const auto data = in_memory(tsv::read(folder.path(), 100));
  EXPECT_EQ(data->at(Split::train, 0).second.size(), 5u);
  EXPECT_EQ(data->at(Split::train, 1).second.size(), 1u);
  EXPECT_EQ(data->at(Split::valid, 0).label, 0);
}

TEST(Tsv, ChangesOfTheTrainingFileAreSeen) {
  const TemporaryFolder folder;
  write(folder.path(), "a\tx\nb\ty\n", "a\tx\n");
  EXPECT_EQ(tsv::shape_of(folder.path()).classes.size(), 2u);
  write_file(folder / "train.tsv", std::string("a\tx\nb\ty\nc\tz\n"));
  EXPECT_EQ(tsv::shape_of(folder.path()).classes.size(), 3u);
}

TEST(Tsv, MistakesAreNamedWithFileAndLine) {
  struct Case {
    std::string train, others, words;
  };
  std::string many;
  for (int i = 0; i < 1001; ++i) many += fmt::format("{}\tx\n", i);
  for (const auto& [train, others, words] :
       {Case{"a\tx\nno tab\n", "a\tx\n",
             "train.tsv line 2: a row has a label, a text and perhaps a second text, in a .csv between commas, in any "
             "other "
             "file between tabs, but this has 1 column"},
        Case{"a\tx\nb\tx\ty\tz\n", "a\tx\n", "train.tsv line 2: "},
        Case{"a\tx\n\tx\n", "a\tx\n", "train.tsv line 2: the label is empty"},
        Case{"a\tx\n\nb\tx\n", "a\tx\n", "train.tsv line 2: the line is empty"},
        Case{"a\tx\ty\nb\tx\t\n", "a\tx\ty\n", "train.tsv line 2: the second text is empty"},
        Case{"a\tx\nb\tx\n", "a\tx\ty\n", "valid.tsv: its rows have two texts, those of train.tsv have one"},
        Case{"a\tx\nb\tx\ty\n", "a\tx\n", "train.tsv line 2: the row has a second text"},
        Case{"aa\tx\ty\nbb\tx\n", "aa\tx\ty\n", "train.tsv line 2: the row has only one text"},
        Case{"a\tx\nb\tx\n", "a\tx\nc\tx\n", "valid.tsv line 2: no row of train.tsv has the label 'c'"},
        Case{"a\tx\nb\tx\n", "", "valid.tsv holds no rows"},
        Case{"aaa\tx\naaa\ty\n", "aaa\tx\n", "train.tsv has 1 label;"}, Case{"", "a\tx\n", "train.tsv holds no rows"},
        Case{many, "1\tx\n", "train.tsv line 1001: more than 1000"}}) {
    const TemporaryFolder folder;
    write(folder.path(), train, others);
    const std::string sentence = sentence_of([&] { tsv::read(folder.path(), 10); }, Kind::data);
    EXPECT_NE(sentence.find(words), std::string::npos) << sentence;
  }
}

TEST(Tsv, AColumnThatIsEmptyInEveryRowMakesNoPairs) {
  const TemporaryFolder folder;
  write(folder.path(), "0\ta\t\n1\tb\t\n", "0\tx\n1\ty\n");
  const Corpus corpus = tsv::read(folder.path(), 10);
  EXPECT_FALSE(corpus.paired);
  EXPECT_TRUE(has(corpus.findings.remarks, "train.tsv: the column after the text is empty in every row"));
  EXPECT_FALSE(has(corpus.findings.remarks, "valid.tsv: the column"));
}

TEST(Tsv, BlankLastLinesAreNoRows) {
  const TemporaryFolder folder;
  write(folder.path(), kRows + "\n\n", kRows + "\r\n");
  EXPECT_EQ(tsv::read(folder.path(), 10)[Split::train].size(), 4);
}

TEST(Tsv, TextsThatSplitsShareAreCountedWhateverTheirLabel) {
  const TemporaryFolder folder;
  write_file(folder / "train.tsv", std::string("0\tsame begin, a\n1\tsame begin, b\n1\tc\n"));
  write_file(folder / "valid.tsv", std::string("0\tc\n1\tsame begin, d\n"));
  write_file(folder / "test.tsv", std::string("1\tsame begin, a\n0\tc\n0\te\n"));
  const std::vector<std::string> expected{"2 of 3 test texts are also training texts",
                                          "1 of 2 validation texts is also a training text",
                                          "1 of 3 test texts is also a validation text"};
  EXPECT_EQ(tsv::read(folder.path(), 4).findings.cautions, expected) << "whole texts, though all begin alike";
  const TemporaryFolder pairs;
  write_file(pairs / "train.tsv", std::string("0\ta\tb\n1\tc\td\n"));
  write_file(pairs / "valid.tsv", std::string("0\ta\td\n1\tb\ta\n"));
  write_file(pairs / "test.tsv", std::string("1\ta\tb\n0\tx\ty\n"));
  EXPECT_EQ(tsv::read(pairs.path(), 4).findings.cautions,
            std::vector<std::string>{"1 of 2 test pairs is also a training pair"});
  const TemporaryFolder none;
  write(none.path(), "0\ta\n1\tb\n", "0\tc\n");
  write_file(none / "test.tsv", std::string("0\td\n"));
  EXPECT_TRUE(tsv::read(none.path(), 4).findings.cautions.empty());
}

TEST(Tsv, WhatThereIsIsTold) {
  const TemporaryFolder folder;
  write(folder.path(), "pos\tlong text\nneg\t\npos\tx\nodd\t" + std::string("a\0b", 3) + "\n", "pos\tsome text\n");
  const auto remarks = tsv::read(folder.path(), 5).findings.remarks;
  const std::vector<std::string> expected{"4 / 1 / 1 rows (train / valid / test), one text each",
                                          "3 classes: 'neg' 1 / 0 / 0, 'odd' 1 / 0 / 0, 'pos' 2 / 1 / 1",
                                          "labels with at most one training row: 'neg', 'odd'",
                                          "1 of 6 texts is empty",
                                          "1 of 6 texts holds NUL bytes",
                                          "3 of 6 texts are longer than the 5 bytes that are read, and cut"};
  EXPECT_EQ(remarks, expected);
}

TEST(Tsv, ManyClassesAreNotAllNamedAndTextsForLabelsNoticed) {
  const TemporaryFolder folder;
  std::string rows;
  for (int i = 0; i < 30; ++i) rows += fmt::format("text {}\tpos\n", i);
  write(folder.path(), rows, rows);
  const auto remarks = tsv::read(folder.path(), 10).findings.remarks;
  EXPECT_TRUE(has(remarks, "30 classes: ") && has(remarks, " and 10 more"));
  EXPECT_TRUE(has(remarks, "no label has more than one training row; if these are the texts"));
}

TEST(Tsv, WithoutValidationATenthOfEachClassIsHeldBack) {
  const TemporaryFolder folder;
  std::string rows;
  for (int i = 0; i < 200; ++i) rows += fmt::format("{}\ttext {}\n", i % 4 == 0 ? "a" : "b", i);
  write_file(folder / "train.tsv", rows);
  write_file(folder / "test.tsv", std::string("a\tx\n"));
  const Corpus corpus = tsv::read(folder.path(), 100);
  EXPECT_EQ(corpus[Split::train].size(), 180);
  EXPECT_EQ(corpus[Split::valid].size(), 20);
  const auto& labels = corpus[Split::valid].labels;
  EXPECT_EQ(std::count(labels.begin(), labels.end(), 0), 5);
  EXPECT_TRUE(has(corpus.findings.remarks, "there is no validation file: 20 of the 200 training rows are held back"));
  EXPECT_TRUE(corpus.findings.cautions.empty()) << "no row stands in both";
  EXPECT_EQ(in_memory(corpus)->fingerprint(), in_memory(tsv::read(folder.path(), 100))->fingerprint());
}

void write_gzip(const std::filesystem::path& file, const std::string& content) {
  archive* writer = archive_write_new();
  archive_write_add_filter_gzip(writer);
  archive_write_set_format_raw(writer);
  ASSERT_EQ(archive_write_open_filename(writer, file.c_str()), ARCHIVE_OK);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_write_header(writer, entry);
  archive_write_data(writer, content.data(), content.size());
  archive_entry_free(entry);
  ASSERT_EQ(archive_write_close(writer), ARCHIVE_OK);
  archive_write_free(writer);
}

TEST(Tsv, OtherNamesAndKindsOfFilesAreTheSameData) {
  const TemporaryFolder plain, other;
  write(plain.path(), "b\tx, \"y\"\na\tz\n", "a\tz\n");
  write_file(other / "train.csv", std::string("label,text\r\nb,\"x, \"\"y\"\"\"\r\na,z\r\n"));
  write_gzip(other / "dev.tsv.gz", "a\tz\n");
  write_gzip(other / "test.csv.gz", "a,z\n");
  EXPECT_EQ(in_memory(tsv::read(other.path(), 100))->fingerprint(),
            in_memory(tsv::read(plain.path(), 100))->fingerprint());
  for (const char* name : {"dev.tsv", "validation.tsv", "val.csv"}) {
    const TemporaryFolder folder;
    write_file(folder / "train.tsv", kRows);
    write_file(folder / "test.tsv", kRows);
    write_file(folder / name, std::string(is_csv(name) ? "pos,x\nneg,y\n" : "pos\tx\nneg\ty\n"));
    EXPECT_EQ(tsv::read(folder.path(), 10)[Split::valid].size(), 2) << name;
  }
}

TEST(Tsv, ASecondColumnOfBlanksMakesNoPairs) {
  const TemporaryFolder folder;
  write(folder.path(), "ham\ta\t \nspam\tb\t  \n", "ham\tx\t \n");
  EXPECT_FALSE(tsv::read(folder.path(), 10).paired);
}

TEST(Tsv, AClassKeepsItsLastTrainingRow) {
  const TemporaryFolder folder;
  write_file(folder / "train.tsv", std::string("ham\ta\nham\tb\nspam\tc\nspam\td\nrare\te\n"));
  write_file(folder / "test.tsv", std::string("ham\tx\n"));
  const Corpus corpus = tsv::read(folder.path(), 10);
  const auto& labels = corpus[Split::train].labels;
  EXPECT_EQ(std::set(labels.begin(), labels.end()).size(), 3u);
  EXPECT_EQ(corpus[Split::valid].size(), 1);
  EXPECT_NE(refusal({{"train.tsv", "a\tx\nb\ty\n"}, {"test.tsv", "a\tx\n"}}).find("add a valid.tsv"),
            std::string::npos);
}

TEST(Tsv, FindingsAreKeptWithThePreparedData) {
  const TemporaryFolder folder, cache;
  write(folder.path(), kRows, kRows);
  std::vector<std::string> heard;
  const auto hear = [&](const std::string& sentence) { heard.push_back(sentence); };
  const auto first = open_source("tsv", {{"length", 9}}, folder.path(), cache.path(), hear);
  EXPECT_TRUE(has(heard, "4 of 4 test texts are also training texts"));
  EXPECT_TRUE(has(heard, "2 classes"));
  heard.clear();
  const auto again = open_source("tsv", {{"length", 9}}, folder.path(), cache.path(), hear);
  EXPECT_TRUE(heard.empty()) << "they are told once";
  EXPECT_EQ(again->findings().cautions, first->findings().cautions);
  EXPECT_EQ(again->findings().cautions.size(), 3u);
  EXPECT_EQ(flaw_of_cache(cache_file("tsv", {{"length", 9}}, folder.path(), cache.path())), "");
}

}  // namespace
}  // namespace lra
