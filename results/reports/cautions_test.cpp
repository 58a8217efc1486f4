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

}  // namespace
}  // namespace lra
