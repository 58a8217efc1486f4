#include "core/text.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace lra {
namespace {

using namespace std::string_literals;

/// Return what `command` prints when it is run by a shell.
std::string output_of(const std::string& shell, const std::string& command) {
  const std::filesystem::path script = testing::TempDir() + "text_test.sh";
  std::FILE* file = std::fopen(script.c_str(), "wb");
  std::fwrite(command.data(), 1, command.size(), file);
  std::fclose(file);
  std::FILE* pipe = ::popen((shell + " " + script.string()).c_str(), "r");
  std::string text;
  for (int c; (c = std::fgetc(pipe)) != EOF;) text += char(c);
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return text;
}

// Source: the Unicode Standard 15.0, table 3-7, and its examples of ill-formed sequences.
TEST(Text, KnowsUtf8) {
  for (const auto& text : {""s, "abc"s, "Nyström, √N, 文, 😀"s, "\x7f\0"s, "\xf4\x8f\xbf\xbf"s})
    EXPECT_TRUE(is_utf8(text)) << text;
  for (const auto& text : {"caf\xe9"s, "\x80"s, "\xc0\xaf"s, "\xe0\x9f\x80"s, "\xed\xa0\x80"s, "\xf4\x91\x92\x93"s,
                           "a\xe2\x88"s, "\xff"s, "\xf0\x82\x82\xac"s})
    EXPECT_FALSE(is_utf8(text)) << shown(text);
}

TEST(Text, ShowsNothingThatMovesOrHides) {
  EXPECT_EQ(shown("Nyström √N 文\t😀\n"), "Nyström √N 文\t😀\n");
  EXPECT_EQ(shown("caf\xe9"), "caf\\xE9");
  EXPECT_EQ(shown("\x1b[31mred\x1b[0m\r\x07\x7f"), "\\x1B[31mred\\x1B[0m\\x0D\\x07\\u007F");
  EXPECT_EQ(shown("\xc2\x9b"
                  "2J"),
            "\\u009B2J");  // CSI as a single character
  EXPECT_EQ(shown("a\u202egnp.exe\u2066\u200f"), "a\\u202Egnp.exe\\u2066\\u200F");
  EXPECT_EQ(shown("\U000e0041"), "\\uDB40\\uDC41");
  EXPECT_EQ(shown("a\0b"s), "a\\x00b");
  EXPECT_EQ(shown("one\r\ntwo\r\n"), "one\r\ntwo\r\n") << "as RFC 4180 ends a line";
  EXPECT_EQ(shown("one\r\r\n\r"), "one\\x0D\r\n\\x0D");
  EXPECT_EQ(shown_on_a_line("one\r\ntwo\t"), "one\\x0D\\x0Atwo\t");
}

TEST(Text, MayComeInPieces) {
  const std::string text = "a√\r\n文\r😀\xe9";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string first = text.substr(0, cut);
    const std::size_t whole = cut - bytes_of_unfinished_character(first);
    EXPECT_EQ(shown(text.substr(0, whole)) + shown(text.substr(whole)), "a√\r\n文\\x0D😀\\xE9") << cut;
  }
}

// Source: the output of the shells themselves.
TEST(Text, IsOneWordOfAShellAndRunsNothing) {
  for (const auto& word :
       {"plain-1.0/a_b=c,d:e@%+"s, ""s, "two words"s, "$(touch ran)"s, "`touch ran`"s, "it's"s, "\"$HOME\""s,
        "a;touch ran"s, "*"s, "~"s, "#"s, "!!"s, "a\\b"s, "{a,b}"s, "-n"s, "文√"s, "a&b|c>d<e"s}) {
    EXPECT_EQ(output_of("sh", "printf %s " + shell_word(word)), word);
    EXPECT_EQ(output_of("bash", "printf %s " + shell_word(word)), word);
  }
  for (const auto& word : {"caf\xe9"
                           "9"s,
                           "a\nb"s, "\x1b[31m'\\"s, "\u202e$(touch ran)"s}) {
    EXPECT_TRUE(is_utf8(shell_word(word)));
    EXPECT_EQ(shown_on_a_line(shell_word(word)), shell_word(word));
    EXPECT_EQ(output_of("bash", "printf %s " + shell_word(word)), word);
  }
  EXPECT_EQ(shell_command({"lra", "run", "--db", "my runs.db"}), "lra run --db 'my runs.db'");
}

TEST(Text, WidthCountsColumnsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("±†‡§¶×–"), 7u);
  EXPECT_EQ(display_width("e\u0301"), 1u);  // e and a combining accent
  EXPECT_EQ(display_width("模型"), 4u);
  EXPECT_EQ(display_width("\xff"), 1u);
  EXPECT_EQ(display_width("🧪"), 2u);
  EXPECT_EQ(display_width("\u200b"), 0u);
}

}  // namespace
}  // namespace lra
