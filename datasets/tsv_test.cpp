#include "datasets/tsv.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "datasets/cache.h"
#include "datasets/files_testing.h"
#include "datasets/table.h"
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
  EXPECT_EQ(tsv::shape_of(words).classes, (std::vector<std::string>{"10", "ham", "spam"}));
  EXPECT_EQ(tsv::shape_of(numbers).classes, (std::vector<std::string>{"-1", "9", "10"}));
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

/// The sentence with which `read` refuses a folder of these files.
std::string refusal(const std::vector<std::pair<std::string, std::string>>& files) {
  const TemporaryFolder folder;
  for (const auto& [name, content] : files) write_file(folder / name, content);
  return sentence_of([&] { tsv::read(folder.path(), 10); }, Kind::data);
}

bool has(const std::vector<std::string>& sentences, const std::string& wanted) {
  return std::any_of(sentences.begin(), sentences.end(),
                     [&](const std::string& sentence) { return sentence.find(wanted) != std::string::npos; });
}

const std::string kRows = "pos\tgood\nneg\tbad\npos\tfine\nneg\tpoor\n";

TEST(Tsv, AByteOrderMarkIsNoPartOfALabel) {
  const TemporaryFolder folder;
  write(folder.path(),
        "\xef\xbb\xbf"
        "0\ta\n1\tb\n0\tc\n",
        "\xef\xbb\xbf"
        "0\tx\n");
  EXPECT_EQ(tsv::shape_of(folder.path()).classes, (std::vector<std::string>{"0", "1"}));
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
  EXPECT_TRUE(has(remarks, "no label has more than one training row; the label must stand in the first column"));
}

TEST(Tsv, AHeadingIsNoClass) {
  for (const char* heading : {"label\ttext\n", "Label\tSentence\n", " CLASS \treview\n", "sentiment\twhat they wrote\n",
                              "\"label\"\t\"text\"\n", "Art\tWas da steht\n"}) {
    const TemporaryFolder folder;
    write(folder.path(), heading + kRows, heading + kRows);
    const Corpus corpus = tsv::read(folder.path(), 10);
    EXPECT_EQ(tsv::shape_of(folder.path()).classes, (std::vector<std::string>{"neg", "pos"})) << heading;
    EXPECT_EQ(corpus[Split::train].size(), 4) << heading;
    EXPECT_EQ(corpus[Split::test].size(), 4) << heading;
    EXPECT_TRUE(has(corpus.findings.remarks, "train.tsv: the first row (")) << heading;
  }
  const TemporaryFolder one;  // a heading in one file alone
  write(one.path(), "label\ttext\n" + kRows, kRows);
  EXPECT_EQ(tsv::read(one.path(), 10)[Split::valid].size(), 4);
  const TemporaryFolder rows;  // first rows that are rows
  write(rows.path(), kRows, kRows);
  EXPECT_EQ(tsv::read(rows.path(), 10)[Split::train].size(), 4);
}

TEST(Tsv, AHeadingThatNamesOtherColumnsIsRefused) {
  for (const char* heading : {"text\tlabel\n", "sentence\tlabel\n", "id\tlabel\ttext\n", "\tlabel\ttext\n"})
    EXPECT_NE(refusal({{"train.tsv", heading + kRows}, {"valid.tsv", kRows}, {"test.tsv", kRows}})
                  .find("train.tsv line 1: the heading has 'label' above column 2"),
              std::string::npos)
        << heading;
  EXPECT_NE(refusal({{"train.tsv", "label\tid\ttext\na\t1\tx\nb\t2\ty\n"}, {"test.tsv", kRows}})
                .find("train.tsv line 1: the heading has 'id' above column 2"),
            std::string::npos);
}

TEST(Tsv, SpacesAroundLabelsAreNoPartOfThem) {
  const TemporaryFolder folder;
  write(folder.path(), " pos\tgood\nneg\tbad\npos \xc2\xa0\t fine\n", "pos\tx\n");
  EXPECT_EQ(tsv::shape_of(folder.path()).classes, (std::vector<std::string>{"neg", "pos"}));
  const Corpus corpus = tsv::read(folder.path(), 10);
  EXPECT_TRUE(has(corpus.findings.remarks, "train.tsv: the spaces around 2 labels"));
  EXPECT_EQ(corpus[Split::train].at(2).tokens.size(), 5u) << "those of a text stay";
}

TEST(Tsv, LabelsThatDifferInSpellingOnlyAreRefused) {
  for (const auto& [one, other] : {std::pair("pos", "Pos"), std::pair("1", "1.0"), std::pair("NEG", "neg")}) {
    const std::string rows = fmt::format("{}\tx\nz\ty\n", one), odd = fmt::format("z\tx\n{}\ty\n", other);
    for (const auto& [train, valid] : {std::pair(rows + odd, rows), std::pair(rows, odd)}) {
      const std::string sentence = refusal({{"train.tsv", train}, {"valid.tsv", valid}, {"test.tsv", rows}});
      EXPECT_NE(sentence.find("in spelling only"), std::string::npos) << sentence;
    }
  }
}

TEST(Tsv, LabelsAreBytesAndShownInUtf8) {
  const TemporaryFolder folder;
  write(folder.path(), "caf\xe9\tx\nth\xc3\xa9\ty\na\x1b[31m\tz\n", "caf\xe9\tx\n");
  EXPECT_EQ(tsv::shape_of(folder.path()).classes, (std::vector<std::string>{"a\\x1B[31m", "caf\\xE9", "th\xc3\xa9"}));
  EXPECT_EQ(tsv::read(folder.path(), 10)[Split::test].at(0).label, 1);
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

TEST(Tsv, MissingAndAmbiguousFilesAreNamed) {
  const auto none = sentence_of([] { tsv::read("/nosuch", 10); }, Kind::data);
  EXPECT_NE(none.find("there is no folder '/nosuch'"), std::string::npos) << none;
  EXPECT_NE(refusal({{"train.tsv", kRows}, {"valid.tsv", kRows}}).find("there is no test.tsv in the folder"),
            std::string::npos);
  EXPECT_NE(refusal({{"test.tsv", kRows}}).find("there is no train.tsv in the folder"), std::string::npos);
  EXPECT_NE(refusal({{"train.tsv", kRows}, {"test.tsv", kRows}, {"valid.tsv", kRows}, {"dev.tsv", kRows}})
                .find("holds both valid.tsv and dev.tsv"),
            std::string::npos);
  EXPECT_NE(refusal({{"train.tsv", kRows}, {"train.csv", kRows}, {"test.tsv", kRows}})
                .find("holds both train.tsv and train.csv"),
            std::string::npos);
  const TemporaryFolder folder;
  write_file(folder / "file", kRows);
  EXPECT_NE(sentence_of([&] { tsv::read(folder / "file", 10); }, Kind::data).find("that is a file"), std::string::npos);
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
