// Header rows, labels and files of user data.
#include <gtest/gtest.h>

#include "datasets/tsv_testing.h"

namespace lra {
namespace {

TEST(Tsv, AByteOrderMarkIsNoPartOfALabel) {
  const TemporaryFolder folder;
  write(folder.path(),
        "\xef\xbb\xbf"
        "0\ta\n1\tb\n0\tc\n",
        "\xef\xbb\xbf"
        "0\tx\n");
  EXPECT_EQ(tsv::shape_of(folder.path()).classes, (std::vector<std::string>{"0", "1"}));
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
  const TemporaryFolder one;  // a header row in only one file
  write(one.path(), "label\ttext\n" + kRows, kRows);
  EXPECT_EQ(tsv::read(one.path(), 10)[Split::valid].size(), 4);
  const TemporaryFolder rows;  // first rows that are data rows
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
  for (const auto& [one, other] : {std::pair("pos", "Pos"), std::pair("1", "1.0"), std::pair("NEG", "neg"),
                                   std::pair("\xc3\x84rger", "\xc3\xa4rger"), std::pair("caf\xc3\xa9", "cafe\xcc\x81"),
                                   std::pair("not spam", "not  spam"), std::pair("\"ham\"", "ham")}) {
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

TEST(Tsv, ALabelOfTrainingIsNoHeading) {
  for (const auto& [one, other] : {std::pair("y", "n"), std::pair("gold", "silver")})
    for (const char* text : {"hello there", "x", "text"}) {
      const TemporaryFolder folder;
      const std::string rows = fmt::format("{0}\t{2}\n{1}\tfoo\n", one, other, text);
      write(folder.path(), rows + fmt::format("{}\tbar\n{}\tbaz\n", one, other), rows);
      const Corpus corpus = tsv::read(folder.path(), 20);
      EXPECT_EQ(corpus[Split::train].size(), 4) << one << text;
      EXPECT_EQ(corpus[Split::test].size(), 2) << one << text;
    }
}

TEST(Tsv, AHeadingThatStandsThereAgainIsRefused) {
  for (const char* heading : {"label\ttext\n", "Kategorie\tNachricht\n"})
    for (const char* mark : {"", "\xef\xbb\xbf"}) {
      const std::string headed = heading + kRows, joined = fmt::format("{}{}{}", headed, mark, headed);
      for (const bool validated : {false, true}) {
        std::vector<std::pair<std::string, std::string>> files{{"train.tsv", joined}, {"test.tsv", headed}};
        if (validated) files.emplace_back("valid.tsv", headed);
        const std::string sentence = refusal(files);
        EXPECT_NE(sentence.find("train.tsv line 6: the heading"), std::string::npos) << sentence;
      }
    }
}

TEST(Tsv, RowsThatStandThereOftenAreNoHeading) {
  std::string rows;
  for (int i = 0; i < 6; ++i) rows += "a\tsame\nb\tother\n";
  const TemporaryFolder folder;
  write(folder.path(), rows, rows);
  EXPECT_EQ(tsv::shape_of(folder.path()).classes, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(tsv::read(folder.path(), 10)[Split::test].size(), 12);
}

TEST(Tsv, AnUnknownHeadingIsTakenOrRefused) {
  const std::string head = "Kategorie\tNachricht\n", rare = "odd\tonly once\n";
  const TemporaryFolder shared;
  write(shared.path(), head + kRows + rare, head + kRows);
  EXPECT_EQ(tsv::shape_of(shared.path()).classes, (std::vector<std::string>{"neg", "odd", "pos"}));
  std::string many;
  for (int i = 0; i < 3; ++i) many += kRows;
  const std::string sentence = refusal({{"train.tsv", head + many}, {"valid.tsv", kRows}, {"test.tsv", kRows}});
  EXPECT_NE(sentence.find("train.tsv line 1: the label 'Kategorie' is this row's alone"), std::string::npos)
      << sentence;
  for (const char* known : {"#label\ttext\n", "# Label\tText\n", "sep=\t\nlabel\ttext\n"}) {
    const TemporaryFolder folder;
    write(folder.path(), known + many, known + kRows);
    EXPECT_EQ(tsv::read(folder.path(), 10)[Split::train].size(), 12) << known;
  }
}

TEST(Tsv, WhatCannotBeSeenAroundALabelIsNoPartOfIt) {
  const TemporaryFolder folder;
  std::string rows = kRows;
  for (const char* blank : {"\xef\xbb\xbf", "\xe2\x80\x8b", "\xe3\x80\x80", "\xe2\x80\x89", "\xe2\x80\x8f"})
    rows += fmt::format("{0}pos\tx\nneg{0}\ty\n", blank);
  write(folder.path(), rows, kRows);
  EXPECT_EQ(tsv::shape_of(folder.path()).classes, (std::vector<std::string>{"neg", "pos"}));
}

TEST(Tsv, CellsBetweenSemicolonsAreRefused) {
  EXPECT_NE(
      refusal({{"train.csv", "ham;a, see you\nspam;b, buy\n"}, {"test.tsv", kRows}}).find("every label holds a ';'"),
      std::string::npos);
  EXPECT_NE(refusal({{"train.csv", "sep=;\nham;a, see you\n"}, {"test.tsv", kRows}})
                .find("train.csv line 1: the cells stand between ';'"),
            std::string::npos);
}

TEST(Tsv, AValidationFileIsNotPassedOver) {
  for (const char* name : {"Valid.tsv", "valid.txt", "valid.tsv.zip", "eval.tsv", "DEV.csv"}) {
    const std::string sentence = refusal({{"train.tsv", kRows}, {"test.tsv", kRows}, {name, kRows}});
    EXPECT_NE(sentence.find(fmt::format("{} is not read: call it valid or", name)), std::string::npos) << sentence;
  }
  const TemporaryFolder folder;
  write_file(folder / "train.tsv", kRows);
  write_file(folder / "test.tsv", kRows);
  std::filesystem::create_symlink("nowhere", folder / "valid.tsv");
  const auto sentence = sentence_of([&] { tsv::read(folder.path(), 10); }, Kind::data);
  EXPECT_NE(sentence.find("valid.tsv is a link that leads nowhere"), std::string::npos) << sentence;
  EXPECT_NE(refusal({{"train.tsv", kRows}, {"Test.tsv", kRows}}).find("Test.tsv is not read"), std::string::npos);
}

}  // namespace
}  // namespace lra
