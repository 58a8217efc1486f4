/// DeltaNet against its recurrence in double.
#include <gtest/gtest.h>

#include "models/testing/contract.h"
#include "models/testing/dense_delta.h"

namespace lra {
namespace {

TEST(DeltaNet, EqualsItsRecurrence) {
  for (const auto& lengths : kLengths)
    for (const bool causal : {false, true})
      for (const bool convolution : {false, true}) {
        Trial trial("deltanet", {{"convolution", convolution}, {"causal", causal}}, lengths);
        trial.set({{"norm.gamma", random_numbers(trial.run.parameters.at("norm.gamma").size(), "gamma")}});
        trial.expect_rows([&](const Dense& x) {
          const Dense stays(x.rows, 3, Numbers(std::size_t(3 * x.rows), 1));
          return project(delta_heads(trial, x, stays, causal), trial.weights("out"));
        });
      }
}

TEST(DeltaNet, FloatAgreesWithDouble) {
  for (const bool causal : {false, true}) {
    MixerCase c;
    c.model = "deltanet", c.settings = {{"causal", causal}}, c.lengths = {130, 1, 17};
    c.width = 12, c.qkv = 24, c.heads = 3;
    EXPECT_LT(error_in_float(c), 1e-5) << causal;
  }
}

}  // namespace
}  // namespace lra
