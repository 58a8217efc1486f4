#include "datasets/listops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/file.h"
#include "datasets/files_testing.h"
#include "datasets/input.h"
#include "datasets/source.h"

namespace lra {
namespace {

// Source: the example in LRA's generator, MAX(4, 3).
TEST(ListOps, TokensOfTheExample) {
  const auto tokens = listops::tokenise("( ( ( [MAX 4 ) 3 ) ] )");
  EXPECT_EQ(tokens, (listops::Tokens{listops::kMax, listops::kDigit0 + 4, listops::kDigit0 + 3, listops::kClose}));
  EXPECT_EQ(listops::to_text(tokens), "[MAX 4 3 X");
  EXPECT_EQ(listops::evaluate(tokens), 4);
}

TEST(ListOps, UnknownWordsAreToken16) { EXPECT_EQ(listops::tokenise("[AVG 12"), (listops::Tokens{16, 16})); }

// Calculated by hand from the definitions. The median of an even count is the mean of the middle two, rounded down.
TEST(ListOps, Operators) {
  EXPECT_EQ(listops::apply(listops::kMed, {1, 2, 4, 9}), 3);
  EXPECT_EQ(listops::apply(listops::kMed, {0, 1}), 0);
  EXPECT_EQ(listops::apply(listops::kMed, {7, 1, 5}), 5);
  EXPECT_EQ(listops::apply(listops::kSm, {9, 9, 5}), 3);
  EXPECT_EQ(listops::apply(listops::kMin, {3, 2, 8}), 2);
  EXPECT_EQ(listops::apply(listops::kMax, {3, 2, 8}), 8);
}

TEST(ListOps, OnlyWholeExpressionsHaveAValue) {
  for (const char* text : {"", "[MAX 4 3", "[MAX X", "4 3", "X", "[MAX 4 X X", "[AVG 4 X"})
    EXPECT_EQ(listops::evaluate(listops::tokenise(text)), std::nullopt) << text;
  EXPECT_EQ(listops::evaluate(listops::tokenise("[SM 9 [MIN 4 6 X 9 X")), 2);
}

// Source: rows from LRA's generator (with its default parameters) and from the original one of Nangia and Bowman.
TEST(ListOps, AgreesWithForeignExamples) {
  struct Sample {
    const char* file;
    std::size_t source, target;
    long rows;
  };
  for (const Sample& sample :
       {Sample{"listops_basic_val.sample.tsv.gz", 0, 1, 1000}, Sample{"listops_nyu_test_d20s.tsv.gz", 1, 0, 10000}}) {
    const auto file = real_data() / sample.file;
    if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not here; set LRA_DATA_TEST to the folder of it";
    long rows = 0;
    for_each_line(read_compressed(file), [&](long number, std::string_view line) {
      if (number == 1) return;
      const auto columns = split_tabs(line);
      ASSERT_EQ(columns.size(), 2u);
      const auto tokens = listops::tokenise(columns[sample.source]);
      EXPECT_EQ(std::count(tokens.begin(), tokens.end(), listops::kUnknown), 0);
      ASSERT_EQ(listops::evaluate(tokens), columns[sample.target][0] - '0') << sample.file << " line " << number;
      ++rows;
    });
    EXPECT_EQ(rows, sample.rows);
  }
}

// Source: 20,000 accepted trees of an independent simulation of LRA's generator (labels in %, lengths in tokens).
TEST(SlowListOps, GeneratorHasLrasStatistics) {
  constexpr double kLabels[] = {16.8, 9.3, 7.3, 8.2, 8.9, 8.8, 7.7, 7.5, 8.5, 17.0};
  constexpr long kTrees = 20000;
  const Random random(1, "listops_test");
  std::vector<long> lengths, labels(10);
  std::uint32_t draws = 0;
  for (listops::Tokens tokens; long(lengths.size()) < kTrees; ++draws) {
    Sequence draw(random.at(draws, 0));
    tokens.clear();
    listops::grow({}, 1999, draw, tokens);
    if (tokens.size() < 501 || tokens.size() > 1999) continue;
    lengths.push_back(long(tokens.size()));
    ++labels[std::size_t(listops::evaluate(tokens).value())];
  }
  // Both sides are samples of 20,000: the difference has a standard deviation of at most 0.38 percentage points.
  for (std::size_t d = 0; d < 10; ++d) EXPECT_NEAR(100.0 * double(labels[d]) / kTrees, kLabels[d], 1.1) << d;
  EXPECT_NEAR(100.0 * kTrees / double(draws), 8.2, 0.25);  // acceptance in %: one tree in twelve
  std::sort(lengths.begin(), lengths.end());
  EXPECT_NEAR(double(lengths[kTrees / 2]), 953, 20);
  EXPECT_NEAR(double(lengths[kTrees / 20]), 539, 8);
  EXPECT_NEAR(double(lengths[kTrees - kTrees / 20]), 1804, 20);
  double sum = 0;
  for (const long length : lengths) sum += double(length);
  EXPECT_NEAR(sum / kTrees, 1035, 15);
}

Json small_settings() {
  return {{"train", 300}, {"valid", 50}, {"test", 50}, {"max_depth", 4}, {"min_length", 10}, {"max_length", 60}};
}

TEST(ListOps, GeneratedExamplesAreDistinctRightAndWithinBounds) {
  const Corpus corpus = sources().at("listops").make(small_settings(), "");
  std::vector<std::vector<std::uint16_t>> all;
  for (const Examples& split : corpus.splits)
    for (long i = 0; i < split.size(); ++i) {
      const Example example = split.at(i);
      all.emplace_back(example.tokens.begin(), example.tokens.end());
      EXPECT_EQ(listops::evaluate(all.back()), example.label);
      EXPECT_GE(all.back().size(), 10u);
      EXPECT_LE(all.back().size(), 60u);
    }
  EXPECT_EQ(all.size(), 400u);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

TEST(ListOps, ImpossibleSettingsAreRefused) {
  Json few = small_settings();
  few["max_depth"] = 1;  // only ten trees, the digits
  few["min_length"] = 1;
  EXPECT_NE(sentence_of([&] { sources().at("listops").make(few, ""); }, Kind::usage).find("fewer examples"),
            std::string::npos);
}

/// Write the official files: one row each for training and validation, and the content `test`.
void write_official(const std::filesystem::path& folder, const std::string& test) {
  std::filesystem::create_directories(folder);
  for (const char* name : {"basic_train.tsv", "basic_val.tsv"})
    write_file(folder / name, std::string("Source\tTarget\r\n( ( ( [MAX 4 ) 3 ) ] )\t4\r\n"));
  write_file(folder / "basic_test.tsv", test);
}

TEST(ListOpsTsv, ReadsEveryPlaceOfTheRelease) {
  for (const char* place : {"", "listops-1000", "lra_release/listops-1000", "lra_release/lra_release/listops-1000"}) {
    const TemporaryFolder root;
    write_official(root / place, "Source\tTarget\n7\t7\n( ( ( [SM 9 ) 3 ) ] )\t2\n");
    const Corpus corpus = sources().at("listops_tsv").make(Json::object(), root.path());
    EXPECT_EQ(corpus[Split::train].size(), 1);
    EXPECT_EQ(corpus[Split::train].tokens.size(), 4u);
    EXPECT_EQ(corpus[Split::test].labels, (std::vector<std::uint16_t>{7, 2}));
  }
}

TEST(ListOpsTsv, APartIsOne) {
  const TemporaryFolder root;
  write_official(root.path(), "Source\tTarget\n7\t7\n8\t8\n");
  const auto portion = sources().at("listops_tsv").portion(Json::object(), root.path());
  ASSERT_TRUE(portion);
  EXPECT_EQ(portion->examples, 4);
  EXPECT_EQ(portion->settings, sources().at("listops_tsv").resolve(Json::object()));
  EXPECT_NE(portion->what.find("holds 4 expressions instead of 100000"), std::string::npos) << portion->what;
}

TEST(ListOpsTsv, ErrorsNameFileAndLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"Source\tTarget\n7\t7\n7 7\n", "line 3: a row has"},
      {"Source\tTarget\n7\t7\t7\n", "line 2: a row has"},
      {"Source\tTarget\n7\t12\n", "line 2: the target must be a digit, not '12'"},
      {"Source\tTarget\n[MAX 7\t7\n", "line 2: this is not a complete ListOps expression"},
      {"Source\tTarget\n[MAX 7 1 ]\t1\n", "line 2: the target is 1 but the expression's value is 7"},
      {"Source\tTarget\n[MAX 7 1 2 3 4 5 6 ]\t7\n", "line 2: the expression has 9 tokens, more than 8"},
      {"7\t7\n", "line 1: the first line"},
      {"Source\tTarget\n", "holds no examples"}};
  for (const auto& [text, expected] : cases) {
    const TemporaryFolder root;
    write_official(root.path(), text);
    const std::string sentence = sentence_of(
        [&] {
          sources().at("listops_tsv").make({{"max_length", 8}}, root.path());
        },
        Kind::data);
    EXPECT_NE(sentence.find("basic_test.tsv"), std::string::npos) << sentence;
    EXPECT_NE(sentence.find(expected), std::string::npos) << sentence;
  }
}

TEST(ListOpsTsv, MissingFilesAreNamed) {
  const TemporaryFolder root;
  const std::string sentence =
      sentence_of([&] { sources().at("listops_tsv").inputs(Json::object(), root.path()); }, Kind::data);
  EXPECT_NE(sentence.find("listops-1000/basic_train.tsv"), std::string::npos) << sentence;
}

}  // namespace
}  // namespace lra
