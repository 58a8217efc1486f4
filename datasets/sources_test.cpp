/// The documented properties of the generated data.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "datasets/cache.h"
#include "datasets/files_testing.h"
#include "datasets/source.h"

namespace lra {
namespace {

TEST(Lookup, TheBitOfTheKeyAskedForIsTheLabel) {
  const Corpus corpus = sources().at("lookup").make({{"train", 500}, {"valid", 10}, {"test", 10}}, "");
  const Examples& train = corpus[Split::train];
  long ones = 0;
  for (long i = 0; i < train.size(); ++i) {
    const auto tokens = train.at(i).tokens;
    ASSERT_EQ(tokens.size(), 64u);
    ASSERT_LT(tokens[0], 4);  // questions are 0 … 3, answers 4 … 11, fillers 12 … 19
    std::map<long, std::multiset<long>> bits;
    for (const std::uint16_t token : tokens.subspan(1))
      if (token < 12) bits[(token - 4) / 2].insert((token - 4) % 2);
    long set = 0;
    for (const auto& [key, seen] : bits) {
      EXPECT_EQ(seen.size(), 4u);
      EXPECT_EQ(std::set<long>(seen.begin(), seen.end()).size(), 1u);
      set += *seen.begin();
    }
    EXPECT_EQ(bits.size(), 4u);
    EXPECT_EQ(set, 2);
    EXPECT_EQ(*bits[tokens[0]].begin(), train.labels[std::size_t(i)]);
    ones += train.labels[std::size_t(i)];
  }
  EXPECT_NEAR(double(ones), 250, 56);  // five standard deviations of a fair coin
}

/// The verdicts read from a text that judges subjects (datasets/verdicts.h).
struct Reading {
  int answer = -1;        // 1 praise, 0 blame; -1 without verdicts on the requested subject, or when they disagree
  long praised = 0;       // number of praising verdicts, on all subjects
  std::size_t apart = 0;  // bytes from the opening to the first verdict
};

Reading read_verdicts(std::span<const std::uint16_t> tokens) {
  std::string text;
  for (const std::uint16_t token : tokens) text += char(token - 1);
  EXPECT_TRUE(text[0] >= '1' && text[0] <= '9') << text;
  Reading reading;
  std::set<bool> seen;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const bool praise = std::isupper(text[i]) != 0;
    if (!praise && (text[i] < 'a' || text[i] > 'm')) continue;
    if (reading.apart == 0) reading.apart = i;
    reading.praised += praise;
    EXPECT_EQ(text[i - 1], ' ') << text;
    if (std::toupper(text[i]) - 'A' == text[0] - '1') seen.insert(praise);
  }
  if (seen.size() == 1) reading.answer = *seen.begin();
  return reading;
}

// The claims of datasets/verdicts.h: reading the verdicts is always right; predicting whether most subjects are praised
// is right as often as a majority of four fair coins agrees with one of them, 0.6875.
TEST(TextSynthetic, ReadingSolvesItAndCountingDoesNot) {
  const auto data =
      in_memory(sources().at("text_synthetic").make({{"train", 4000}, {"valid", 9}, {"test", 9}, {"length", 100}}, ""));
  long ones = 0, counted = 0;
  for (long i = 0; i < 4000; ++i) {
    const Example example = data->at(Split::train, i);
    const Reading reading = read_verdicts(example.tokens);
    ASSERT_EQ(example.tokens.size(), 100u);
    ASSERT_EQ(reading.answer, example.label);
    ASSERT_GE(reading.apart, 50u);
    ones += example.label;
    counted += (reading.praised >= 8) == (example.label == 1);  // 4 subjects with 4 verdicts each
  }
  EXPECT_NEAR(double(ones), 2000, 158);  // five standard deviations of a fair coin
  EXPECT_NEAR(double(counted), 2750, 147);
}

TEST(RetrievalSynthetic, AgreesWhereBothAnswersDo) {
  const Corpus corpus =
      sources().at("retrieval_synthetic").make({{"train", 4000}, {"valid", 9}, {"test", 9}, {"length", 80}}, "");
  EXPECT_TRUE(corpus.paired);
  const auto data = in_memory(corpus);
  long ones = 0, first = 0, second = 0;
  for (long i = 0; i < 4000; ++i) {
    const Example example = data->at(Split::train, i);
    const Reading one = read_verdicts(example.tokens), other = read_verdicts(example.second);
    ASSERT_GE(one.answer, 0);
    ASSERT_GE(other.answer, 0);
    ASSERT_EQ(example.label, one.answer == other.answer);
    ones += example.label;
    first += one.answer == example.label;
    second += other.answer == example.label;
  }
  for (const long count : {ones, first, second})
    EXPECT_NEAR(double(count), 2000, 158);  // either text alone is independent of the label
}

TEST(TextSynthetic, RefusesWhatCannotBeWritten) {
  const auto sentence = [](const Json& settings) {
    return sentence_of([&] { sources().at("text_synthetic").make(settings, ""); }, Kind::usage);
  };
  EXPECT_NE(sentence({{"length", 63}}).find("at least 64"), std::string::npos);
  EXPECT_NE(sentence({{"subjects", 10}}).find("2 to 9 subjects"), std::string::npos);
  EXPECT_NE(sentence({{"train", 0}}).find("every split"), std::string::npos);
}

TEST(ImageSynthetic, BalancedAndWithinBounds) {
  const Corpus corpus = sources()
                            .at("image_synthetic")
                            .make({{"train", 100}, {"valid", 20}, {"test", 20}, {"size", 8}, {"levels", 4}}, "");
  const Examples& train = corpus[Split::train];
  for (int label = 0; label < 10; ++label) EXPECT_EQ(std::count(train.labels.begin(), train.labels.end(), label), 10);
  const std::set<std::uint16_t> levels(train.tokens.begin(), train.tokens.end());
  EXPECT_EQ(levels, (std::set<std::uint16_t>{0, 85, 170, 255}));
  EXPECT_EQ(train.tokens.size(), 6400u);
}

TEST(Generators, SeedsDecideEverything) {
  for (const char* name : {"image_synthetic", "lookup", "listops", "text_synthetic", "retrieval_synthetic"}) {
    Json settings{{"train", 20}, {"valid", 5}, {"test", 5}, {"seed", 3}};
    if (name == std::string("listops")) settings.update({{"min_length", 5}, {"max_length", 40}, {"max_depth", 4}});
    const auto& make = sources().at(name).make;
    const Corpus first = make(settings, ""), again = make(settings, "");
    EXPECT_EQ(first[Split::train].tokens, again[Split::train].tokens) << name;
    EXPECT_NE(first[Split::valid].tokens, first[Split::test].tokens) << name;
    settings["seed"] = 4;
    EXPECT_NE(first[Split::train].tokens, make(settings, "")[Split::train].tokens) << name;
  }
}

}  // namespace
}  // namespace lra
