#include "results/tables/published.h"

#include <gtest/gtest.h>

#include <set>

#include "results/results_testing.h"

namespace lra {
namespace {

TEST(Published, ContainsLraTableOne) {
  // Tay et al. arXiv:2011.04006, table 1, row Transformer.
  std::map<std::string, long> transformer;  // hundredths of a per cent
  for (const Published& entry : published())
    if (entry.source == "lra" && entry.model == "transformer" && !entry.failed)
      transformer[entry.task] = std::lround(entry.accuracy * 10000);
  EXPECT_EQ(transformer,
            (std::map<std::string, long>{
                {"listops", 3637}, {"text", 6427}, {"retrieval", 5746}, {"image", 4244}, {"pathfinder", 7140}}));
}

TEST(Published, EveryEntryIsKeyedToAPaperAndATable) {
  ASSERT_GT(published().size(), 300u);
  for (const Published& entry : published()) {
    EXPECT_FALSE(entry.paper.empty() || entry.table.empty() || entry.protocol.empty() || entry.arxiv.empty())
        << entry.source;
    EXPECT_TRUE(entry.provenance == "primary" || entry.provenance == "rerun" || entry.provenance == "copied")
        << entry.provenance;
    EXPECT_TRUE(entry.failed || (entry.accuracy > 0.1 && entry.accuracy < 1)) << entry.source << ' ' << entry.model;
    EXPECT_TRUE((std::set<std::string>{"", "suspect", "variant", "pretrained"}).count(entry.kind)) << entry.kind;
    EXPECT_EQ(entry.kind.empty(), entry.note.empty());
  }
}

TEST(Published, ARangeSpansPapersAndKeepsFootnotes) {
  // Performer on ListOps: 18.01 in LRA's table 1 up to 38.02 in Skyformer's.
  const PublishedRange range = published_range("performer", "listops");
  EXPECT_NEAR(range.low, 0.1801, 1e-12);
  EXPECT_NEAR(range.high, 0.3802, 1e-12);
  EXPECT_GE(range.entries, 5);
  bool suspect = false;
  for (const Published* entry : range.from) suspect = suspect || (entry->source == "lra" && entry->kind == "suspect");
  EXPECT_TRUE(suspect);
}

TEST(Published, LeavesOutPretrainedEntriesAndOtherVariantsWithANote) {
  const PublishedRange pathfinder = published_range("transformer", "pathfinder");
  for (const Published* entry : pathfinder.from) {
    EXPECT_NE(entry->source, "combiner") << "the easier contours";
    EXPECT_NE(entry->source, "never_from_scratch") << "pretrained";
  }
  EXPECT_LT(pathfinder.high, 0.75);
  EXPECT_GE(pathfinder.left_out.size(), 3u);
  const PublishedRange pathx = published_range("transformer", "pathx");
  EXPECT_EQ(pathx.entries, 0);
  // One of LRA's two failures is that of Mega's authors, whose pixels are numbers.
  EXPECT_GE(pathx.failures, 1);
  EXPECT_GE(published_range("transformer", "pathx@pixels").failures, 1);
}

// Gu et al. arXiv:2111.00396, table 10; Ma et al. arXiv:2209.10655, table 2; Hasani et al. arXiv:2209.12951, table 1.
TEST(Published, OfStateSpacesStandBesideTheVariantsThatTheyRead) {
  const auto high = [](const char* model, const char* variant) {
    return std::lround(published_range(model, variant).high * 10000);
  };
  EXPECT_EQ(high("s4", "image@pixels"), 8865);
  EXPECT_EQ(high("mega", "pathfinder@pixels"), 9601);
  EXPECT_EQ(high("s4d", "pathx@pixels"), 9750);
  EXPECT_EQ(high("s4d", "listops"), 6052) << "the same tokens";
  EXPECT_EQ(high("mega", "text@characters"), 9043);
  for (const Published& entry : published())
    if (std::set<std::string>{"s4", "s4d", "s5", "dss", "lru", "mega", "sgconv", "mamba"}.contains(entry.model)) {
      EXPECT_TRUE(entry.task == "listops" || entry.variant != entry.task) << entry.source << " " << entry.model;
    }
  EXPECT_TRUE(published_range("s4", "image").from.empty());
  StoredRun run = sample_run("s4d", 0, 0.3);
  run.task = "image", run.variant = "image@pixels";
  EXPECT_EQ(why_not_comparable(run), "");
  run.variant = "image@generated-pixels";
  EXPECT_NE(why_not_comparable(run), "");
}

TEST(Published, NamesAreComparedWithoutUnderscores) {
  EXPECT_EQ(published_range("h_transformer", "text").entries, 1);
  EXPECT_EQ(published_range("htransformer", "text").entries, 1);
  EXPECT_TRUE(published_range("nobody", "text").from.empty());
}

TEST(Published, AreComparableOnlyWithCompleteRunsOnTheFullVariant) {
  StoredRun run = sample_run("linear", 0, 0.3);
  EXPECT_NE(why_not_comparable(run), "");
  run.variant = "listops@generated";
  EXPECT_NE(why_not_comparable(run), "");
  run.variant = "listops";
  EXPECT_EQ(why_not_comparable(run), "");
  run.comparable = false;
  EXPECT_NE(why_not_comparable(run), "");
}

}  // namespace
}  // namespace lra
