/// The documented properties of the generated data.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
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

const Json kSmallRecall{{"train", 4000}, {"valid", 500}, {"test", 500}, {"length", 40}, {"pairs", 4}, {"vocab", 20}};

/// The places of the queries and what the last one asks for, read from a sequence of `pairs` pairs; the expectations
/// are those of multi-query associative recall (Arora et al. 2024).
struct Queries {
  std::vector<std::size_t> slots;  // of all but the last, from the pairs' end, in units of two tokens
  int answer = -1;
};

Queries read_queries(std::span<const std::uint16_t> tokens, std::size_t pairs, int vocab) {
  std::map<int, int> value_of;
  std::set<int> values, asked;
  for (std::size_t i = 0; i < pairs; ++i) {
    const int key = tokens[2 * i], value = tokens[2 * i + 1];
    EXPECT_TRUE(key >= 1 && key < vocab / 2) << key;
    EXPECT_TRUE(value >= vocab / 2 && value < vocab) << value;
    EXPECT_TRUE(value_of.emplace(key, value).second) << "key " << key << " occurs twice";
    EXPECT_TRUE(values.insert(value).second) << "value " << value << " occurs twice";
  }
  Queries queries;
  for (std::size_t place = 2 * pairs; place < tokens.size(); ++place) {
    if (tokens[place] == 0) continue;
    EXPECT_TRUE(value_of.contains(tokens[place])) << tokens[place];
    EXPECT_TRUE(asked.insert(tokens[place]).second) << "key " << tokens[place] << " is asked for twice";
    if (place + 1 == tokens.size()) break;
    EXPECT_EQ(place % 2, 0u);
    queries.slots.push_back(place / 2 - pairs);
  }
  EXPECT_EQ(asked.size(), pairs);
  EXPECT_NE(tokens.back(), 0);
  queries.answer = value_of[tokens.back()] - vocab / 2;
  return queries;
}

TEST(Recall, TheValueOfTheKeyAskedForLastIsTheLabel) {
  const Corpus corpus = sources().at("recall").make(kSmallRecall, "");
  for (const Examples& split : corpus.splits)
    for (long i = 0; i < split.size(); ++i) {
      const Example example = split.at(i);
      ASSERT_EQ(example.tokens.size(), 40u);
      ASSERT_EQ(read_queries(example.tokens, 4, 20).answer, example.label);
    }
}

TEST(Recall, NoSequenceOccursTwice) {
  Json settings = kSmallRecall;  // 2,880 sequences exist: 4 · 3 keys, 5 · 4 values, 2 orders of queries, 6 slots
  settings.update({{"length", 16}, {"pairs", 2}, {"vocab", 10}, {"train", 2000}, {"valid", 400}, {"test", 400}});
  const Corpus corpus = sources().at("recall").make(settings, "");
  std::set<std::vector<std::uint16_t>> seen;
  for (const Examples& split : corpus.splits)
    for (long i = 0; i < split.size(); ++i) {
      const auto tokens = split.at(i).tokens;
      EXPECT_TRUE(seen.emplace(tokens.begin(), tokens.end()).second);
    }
  EXPECT_EQ(seen.size(), 2800u);
}

/// Return Pearson's statistic of counts against expected numbers.
double chi_square(const std::vector<double>& counts, const std::vector<double>& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i)
    sum += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
  return sum;
}

// Labels, and the place among the pairs of the one asked for, are uniform. The limits are the 99.9 % quantiles of the
// chi-square distribution with 9 and with 3 degrees of freedom (any table of it).
TEST(Recall, AsksForEveryPairAndEveryValueEquallyOften) {
  const Corpus corpus = sources().at("recall").make(kSmallRecall, "");
  const Examples& train = corpus[Split::train];
  std::vector<double> labels(10), places(4);
  for (long i = 0; i < train.size(); ++i) {
    const Example example = train.at(i);
    ++labels.at(std::size_t(example.label));
    for (std::size_t pair = 0; pair < 4; ++pair) places[pair] += example.tokens[2 * pair] == example.tokens.back();
  }
  EXPECT_LT(chi_square(labels, std::vector<double>(10, 400)), 27.88);
  EXPECT_LT(chi_square(places, std::vector<double>(4, 1000)), 16.27);
}

// With two pairs, one query is at a slot drawn by the power law: of 16 slots, slot s with probability proportional to
// (s + 1)^(power − 1). The limit is the 99.9 % quantile for 15 degrees of freedom.
TEST(Recall, QueriesFollowThePowerLaw) {
  for (const double power : {0.01, 1.0}) {
    Json settings = kSmallRecall;
    settings.update({{"length", 36}, {"pairs", 2}, {"power", power}});
    const Corpus corpus = sources().at("recall").make(settings, "");
    std::vector<double> counts(16), expected(16);
    for (long i = 0; i < 4000; ++i) {
      const Queries queries = read_queries(corpus[Split::train].at(i).tokens, 2, 20);
      ASSERT_EQ(queries.slots.size(), 1u);
      ++counts.at(queries.slots[0]);
    }
    double sum = 0;
    for (std::size_t s = 0; s < 16; ++s) sum += expected[s] = std::pow(double(s + 1), power - 1);
    for (double& e : expected) e *= 4000 / sum;
    EXPECT_LT(chi_square(counts, expected), 37.70) << power;
  }
}

TEST(Recall, RefusesWhatCannotBeWritten) {
  const auto sentence = [](Json changed) {
    Json settings = kSmallRecall;
    settings.update(changed);
    return sentence_of([&] { sources().at("recall").make(settings, ""); }, Kind::usage);
  };
  EXPECT_NE(sentence({{"pairs", 10}}).find("has 9 keys, too few for 10"), std::string::npos);
  EXPECT_NE(sentence({{"pairs", 9}, {"length", 35}}).find("take 36 tokens, but the length is 35"), std::string::npos);
  EXPECT_NE(sentence({{"pairs", 0}}).find("'pairs' is 0"), std::string::npos);
  EXPECT_NE(sentence({{"train", 0}}).find("every split"), std::string::npos);
  // One pair of 1 key and 2 values, asked for at the end: two sequences.
  EXPECT_NE(sentence({{"pairs", 1}, {"vocab", 4}, {"length", 4}, {"train", 3}}).find("hardly any new sequence"),
            std::string::npos);
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
  for (const char* name : {"image_synthetic", "lookup", "listops", "recall", "text_synthetic", "retrieval_synthetic"}) {
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
