#include "datasets/table.h"

#include <gtest/gtest.h>

#include "core/file.h"
#include "datasets/files_testing.h"
#include "datasets/input.h"
#include "datasets/source.h"

namespace lra {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string utf16(const std::string& ascii, bool big_endian) {
  std::string wide;
  for (const char c : ascii) wide += big_endian ? std::string{'\0', c} : std::string{c, '\0'};
  return wide;
}

/// Return the rows of a file of this name and content; the first cell is the line on which the row begins.
Rows rows_of(const std::string& name, const std::string& content) {
  const TemporaryFolder folder;
  write_file(folder / name, content);
  Rows rows;
  read_table(folder / name, [&](long line, std::span<const std::string> cells) {
    rows.push_back({std::to_string(line)});
    rows.back().insert(rows.back().end(), cells.begin(), cells.end());
  });
  return rows;
}

std::string refusal(const std::string& name, const std::string& content) {
  return sentence_of([&] { rows_of(name, content); }, Kind::data);
}

std::vector<std::string> lines_of_text(const std::string& text) {
  std::vector<std::string> lines;
  for_each_line(text, [&](long number, std::string_view line) {
    EXPECT_EQ(number, long(lines.size()) + 1);
    lines.emplace_back(line);
  });
  return lines;
}

TEST(Lines, EndInWhateverPeopleWrite) {
  const std::vector<std::string> two{"a", "b"};
  for (const char* text :
       {"a\nb", "a\nb\n", "a\r\nb\r\n", "a\rb", "a\rb\r", "a\nb\n\n\n", "a\r\nb\r\n\r\n", "a\rb\r\r"}) {
    EXPECT_EQ(lines_of_text(text), two) << text;
    EXPECT_EQ(lines_of_text(std::string("\xef\xbb\xbf") + text), two) << text;
  }
  EXPECT_EQ(lines_of_text("a\n\nb\n"), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(lines_of_text("a\rx\nb\n"), (std::vector<std::string>{"a\rx", "b"}));
  EXPECT_EQ(lines_of_text(std::string("a\0\nb", 4)), (std::vector<std::string>{std::string("a\0", 2), "b"}));
  for (const char* text : {"", "\n", "\n\n", "\xef\xbb\xbf"}) EXPECT_TRUE(lines_of_text(text).empty());
}

TEST(Lines, AFileIsReadInPiecesAsAWhole) {
  const std::string line(100'000, 'x');  // longer than a piece
  EXPECT_EQ(rows_of("t.tsv", line + "\n" + line + "\tb\r\n"), (Rows{{"1", line}, {"2", line, "b"}}));
}

TEST(Lines, OfficialTablesMayHaveAMarkAndBlankLastLinesToo) {
  const TemporaryFolder root;
  for (const char* split : {"train", "val", "test"})
    write_file(root / fmt::format("basic_{}.tsv", split), std::string("\xef\xbb\xbfSource\tTarget\n7\t7\n\n"));
  EXPECT_EQ(sources().at("listops_tsv").make(Json::object(), root.path())[Split::test].size(), 1);
  for (const char* split : {"train", "eval", "test"})
    write_file(root / fmt::format("new_aan_pairs.{}.tsv", split), std::string("\xef\xbb\xbf"
                                                                              "1\ta\tb\tone\tother\r\n\r\n"));
  EXPECT_EQ(sources().at("aan").make(Json::object(), root.path())[Split::test].size(), 1);
}

TEST(Lines, WhatIsNoUtf8TextIsRefused) {
  // The first bytes of a table compressed by `gzip`.
  const std::string kCut("\x1f\x8b\x08\0\0\0\0\0\x02\x03\x2b\xc8\x2f\xe6\x4c\xcf\xcf\x4f\xe1\xca\x4b\x4d\xe7\x4c", 24);
  const std::string text = "pos\tgood\nneg\tbad\n";
  for (const bool big : {false, true}) {
    const std::string mark = big ? "\xfe\xff" : "\xff\xfe";
    const std::string words =
        fmt::format("is written in {0}; save it in UTF-8 (iconv -f {0} -t UTF-8)", big ? "UTF-16BE" : "UTF-16LE");
    EXPECT_NE(refusal("t.tsv", mark + utf16(text, big)).find(words), std::string::npos);
    EXPECT_NE(refusal("t.tsv", utf16(text, big)).find(words), std::string::npos);
    EXPECT_NE(refusal("t.csv", utf16("pos,good\nneg,bad\n", big)).find(words), std::string::npos);
    const std::string wide = utf16(utf16(text, big), big);
    EXPECT_NE(refusal("t.tsv", wide).find(big ? "UTF-32BE" : "UTF-32LE"), std::string::npos);
  }
  EXPECT_NE(refusal("t.tsv", std::string("\x1f\x8b\x08\0", 4)).find("holds compressed data"), std::string::npos);
  EXPECT_NE(refusal("t.tsv", "PK\x03\x04...").find("holds compressed data"), std::string::npos);
  EXPECT_NE(refusal("t.tsv.gz", kCut).find("t.tsv.gz is damaged"), std::string::npos);
  EXPECT_EQ(rows_of("t.tsv", std::string("a\tone\0two\nb\tx\n", 14)).size(), 2u) << "a zero among others is a byte";
}

TEST(Table, TabsStandBetweenCellsAndMarksMeanNothing) {
  EXPECT_EQ(rows_of("t.tsv", "a\t\"b\nc\td,\"\"\t\n"), (Rows{{"1", "a", "\"b"}, {"2", "c", "d,\"\"", ""}}));
}

// Source: the examples of RFC 4180, section 2.
TEST(Table, CommasAsTheRfcSays) {
  EXPECT_EQ(rows_of("t.csv", "aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n"),
            (Rows{{"1", "aaa", "bbb", "ccc"}, {"2", "zzz", "yyy", "xxx"}}));
  EXPECT_EQ(rows_of("t.csv", "\"aaa\",\"b\r\nbb\",\"ccc\"\r\nzzz,yyy,xxx"),
            (Rows{{"1", "aaa", "b\nbb", "ccc"}, {"3", "zzz", "yyy", "xxx"}}));
  EXPECT_EQ(rows_of("t.csv", "\"aaa\",\"b\"\"bb\",\"c,c\""), (Rows{{"1", "aaa", "b\"bb", "c,c"}}));
  EXPECT_EQ(rows_of("t.csv", "a,\"\",\"\"\"\"\n"), (Rows{{"1", "a", "", "\""}}));
  EXPECT_EQ(rows_of("t.csv", "a,\"x\n\ny\"\n"), (Rows{{"1", "a", "x\n\ny"}}));
}

TEST(Table, MarksThatBreakTheRulesAreRefused) {
  EXPECT_NE(refusal("t.csv", "a,b\na,\"b\n").find("t.csv line 2: the quotation mark that opens"), std::string::npos);
  for (const char* content : {"a,b\na,5\" disk\"\n", "a,b\na,\"b\"c\n", "a,b\na,\"b\" \"c\"\n"})
    EXPECT_NE(refusal("t.csv", content).find("t.csv line 2: quotation marks stand around a whole cell"),
              std::string::npos);
}

TEST(Table, EmptyRowsAreNoneAtTheEndAloneAllowed) {
  for (const char* content : {"a\tb\n\n", "a\tb\n\t\n\t\t\n", "a\tb\r\n\r\n", "a\tb\n \n"})
    EXPECT_EQ(rows_of("t.tsv", content), (Rows{{"1", "a", "b"}})) << content;
  EXPECT_EQ(rows_of("t.csv", "a,b\n,\n,\n"), (Rows{{"1", "a", "b"}}));
  EXPECT_NE(refusal("t.tsv", "a\tb\n\nc\td\n").find("t.tsv line 2: the line is empty"), std::string::npos);
  for (const char* content : {"a,b\rc,d\ne,f\n", "a,b\r\r\nc,d\r\r\n", "a,\"b\"\r\r\n"})
    EXPECT_NE(refusal("t.csv", content).find("t.csv line 1: the row holds a CR"), std::string::npos) << content;
  EXPECT_NE(refusal("t.tsv", "a\tb\rc\td\ne\tf\n").find("t.tsv line 1: the row holds a CR"), std::string::npos);
}

}  // namespace
}  // namespace lra
