// Caveats on the data are stored and printed in every format.
#include <gtest/gtest.h>

#include <sstream>

#include "results/results_testing.h"
#include "results/tables/report.h"

namespace lra {
namespace {

const std::string kSentence = "6 of 1000 test texts are also training texts";

/// Adds one run on listops@quick and two caveats on its data.
void fill(Store& store) {
  store.add(sample_run("linear", 0, 0.5), {});
  store.add_cautions("listops@quick", "a1b2c3d4", {kSentence, "1 of 9 validation texts is also a training text"});
}

TEST(Cautions, ReplaceEarlierOnesOnTheSameData) {
  Store store(":memory:");
  fill(store);
  EXPECT_EQ(store.cautions("listops@quick", "a1b2c3d4").size(), 2u);
  EXPECT_TRUE(store.cautions("listops@quick", "other").empty());
  EXPECT_TRUE(store.cautions("listops", "a1b2c3d4").empty());
  store.add_cautions("listops@quick", "a1b2c3d4", {"none"});
  EXPECT_EQ(store.cautions("listops@quick", "a1b2c3d4"), std::vector<std::string>{"none"});
  store.add_cautions("listops@quick", "a1b2c3d4", {});
  EXPECT_TRUE(store.cautions("listops@quick", "a1b2c3d4").empty());
}

TEST(Cautions, AreMerged) {
  Store from(":memory:"), to(":memory:");
  fill(from);
  to.merge(from);
  EXPECT_EQ(to.cautions("listops@quick", "a1b2c3d4"), from.cautions("listops@quick", "a1b2c3d4"));
}

TEST(Cautions, AppearInEveryFormatOfTheAccuracyTable) {
  Store store(":memory:");
  fill(store);
  for (const std::string& format : report_formats().names()) {
    std::ostringstream out;
    ReportRequest request = lra_request();
    request.table = "accuracy";
    report_formats().at(format).write(store, request, out);
    EXPECT_NE(out.str().find(kSentence), std::string::npos) << format;
  }
}

TEST(Caveats, OfRunsAreNotesOnTheirCells) {
  Store store(":memory:");
  for (const std::uint64_t seed : {0u, 1u}) {
    StoredRun run = sample_run("local", seed, 0.5);
    run.reason = "sees 49 of 1,000 tokens";
    store.add(run, {});
  }
  for (const std::string format : {"markdown", "latex", "html"}) {
    std::ostringstream out;
    report_formats().at(format).write(store, lra_request("accuracy"), out);
    const std::string note = "local on listops@quick: sees 49 of 1,000 tokens.";
    const std::size_t first = out.str().find(note);
    EXPECT_NE(first, std::string::npos) << format;
    EXPECT_EQ(out.str().find(note, first + 1), std::string::npos) << format << ": once for both seeds";
  }
}

}  // namespace
}  // namespace lra
