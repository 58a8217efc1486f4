// Comparisons of two sides.
#include <gtest/gtest.h>

#include "results/results_testing.h"
#include "results/tables/document.h"
#include "results/tables/model_comparison.h"

namespace lra {
namespace {

TEST(ModelComparison, LeavesOutSeedsWithoutAPartner) {
  std::vector<StoredRun> runs;
  for (std::uint64_t seed = 0; seed < 3; ++seed) runs.push_back(sample_run("identity", seed, 0.5));
  for (std::uint64_t seed = 0; seed < 6; ++seed) runs.push_back(sample_run("linear", seed, seed < 3 ? 0.48 : 0.3));
  const std::map<long, Environment> places{{0, Environment()}};
  Side first{"identity", {&runs[0], &runs[1], &runs[2]}, nullptr, &places}, second{"linear", {}, nullptr, &places};
  for (std::size_t i = 3; i < runs.size(); ++i) second.runs.push_back(&runs[i]);
  const std::map<long, CorrectExamples> none;
  first.correct_examples = second.correct_examples = &none;
  const PairedComparison comparison = compare_sides(first, second, false, {}).tasks.at(0).comparison;
  EXPECT_NEAR(comparison.first_mean, 0.5, 1e-12);
  EXPECT_NEAR(comparison.second_mean, 0.48, 1e-12);
  EXPECT_NEAR(comparison.first_mean - comparison.second_mean, comparison.difference, 1e-12) << "the row adds up";
  EXPECT_TRUE(comparison.only_first.empty());
  EXPECT_EQ(comparison.only_second, (std::vector<std::uint64_t>{3, 4, 5}));
  EXPECT_EQ(seed_list({0, 1, 2, 4, 7, 8}), "0..2,4,7..8");
}

/// The levels note on comparing identity (three seeds on AVX3) with `runs`, made in `places`.
std::string note_on(const std::vector<StoredRun>& runs, const std::map<long, Environment>& places) {
  std::vector<StoredRun> partners;
  for (std::uint64_t seed = 0; seed < 3; ++seed) partners.push_back(sample_run("identity", seed, 0.5));
  Environment avx3;
  avx3.isa = "AVX3";
  const std::map<long, Environment> here{{0, avx3}};
  const std::map<long, CorrectExamples> none;
  Side first{"identity", {}, &none, &here}, second{"linear", {}, &none, &places};
  for (const StoredRun& run : partners) first.runs.push_back(&run);
  for (const StoredRun& run : runs) second.runs.push_back(&run);
  return levels_note(compare_sides(first, second, false, {}).levels());
}

TEST(ModelComparison, NotesRunsOfSeveralLevels) {
  std::vector<StoredRun> runs;
  for (std::uint64_t seed = 0; seed < 4; ++seed) runs.push_back(sample_run("linear", seed, 0.4));
  Environment avx3, avx2;
  avx3.isa = "AVX3", avx2.isa = "AVX2";
  const std::string note = "Pooled seeds from different instruction sets or oneDNN versions, whose bits differ: ";
  EXPECT_EQ(note_on(runs, {{0, avx3}}), "");
  EXPECT_EQ(note_on(runs, {{0, Environment()}}), "") << "an older version did not record it";
  EXPECT_EQ(note_on(runs, {{0, avx2}}), note + "listops@quick.") << "another database";
  runs[3].environment = 1;
  EXPECT_EQ(note_on(runs, {{0, avx3}, {1, avx2}}), "") << "seed 3 has no partner";
  runs[2].environment = 1;
  EXPECT_EQ(note_on(runs, {{0, avx3}, {1, avx2}}), note + "listops@quick.");
}

}  // namespace
}  // namespace lra
