// Which models continue sequences token by token (models/ops/step_states.h). That their steps are right is a check of
// the contract.
#include <gtest/gtest.h>

#include <set>

#include "models/layers/registry.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/contract.h"
#include "models/testing/contract_cases.h"

namespace lra {
namespace {

class EveryRecurrence : public testing::TestWithParam<const char*> {};

TEST_P(EveryRecurrence, HasAStepForm) {
  const Worker worker;
  const std::string model = GetParam();
  Json settings = Json::object();
  if (models().at(model).facts.causal) settings["causal"] = true;
  EXPECT_EQ(why_no_steps(model, settings), "");
}
INSTANTIATE_TEST_SUITE_P(All, EveryRecurrence,
                         testing::Values("identity", "transformer", "linear", "performer", "rfa", "s4d", "dss", "s4",
                                         "s5", "lru", "retnet", "gla", "lion", "mamba", "mamba2", "deltanet",
                                         "gated_deltanet", "min_gru", "hgrn", "lstm", "gru", "lmuformer", "stack"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST(Steps, AreRefusedWhereTokensSeeLaterOnes) {
  const Worker worker;
  for (const char* model :
       {"transformer", "linear", "s4d", "s4", "s5", "retnet", "mamba", "deltanet", "min_gru", "lstm"})
    EXPECT_NE(why_no_steps(model, Json::object()).find("sees later tokens"), std::string::npos) << model;
  EXPECT_EQ(why_no_steps("longformer", {{"causal", true}}),
            "attention by a pattern has no step form: it needs all tokens at once");
}

// Source: the sizes of the recurrences in the papers, in numbers per sequence, for C = 12, H·D = 6, H = 3.
TEST(Steps, KeepStatesOfTheSizesOfThePapers) {
  const Worker worker;
  const auto numbers = [](const std::string& model, long n, Json settings = Json::object()) {
    settings["causal"] = true;
    MixerCase c = mixer_case(model, {n, n}, settings);
    c.training = false, c.steps.assign(std::size_t(n), 1);
    return f32::run_mixer(c, tokens_of(c, "x"), {}).state_bytes / long(sizeof(float)) / 2;
  };
  for (const long n : {1L, 9L}) {
    EXPECT_EQ(numbers("transformer", n), 2 * 6 * n);                          // keys and values
    EXPECT_EQ(numbers("linear", n), 3 * 2 * (2 + 1));                         // (D,D+1) in each head
    EXPECT_EQ(numbers("retnet", n), 3 * 2 * 4);                               // values are twice as wide
    EXPECT_EQ(numbers("s4d", n, {{"states", 8}}), 12 * 8);                    // 4 complex states per feature
    EXPECT_EQ(numbers("s5", n, {{"states", 16}, {"blocks", 1}}), 16);         // 8 complex states
    EXPECT_EQ(numbers("lstm", n), 2 * 6);                                     // h and c
    EXPECT_EQ(numbers("deltanet", n, {{"convolution", false}}), 3 * 2 * 2);   // (D,D) in each head
    EXPECT_EQ(numbers("deltanet", n, {{"taps", 4}}), 3 * 2 * 2 + 3 * 3 * 6);  // and 3 rows of q, k, v
  }
}

}  // namespace
}  // namespace lra
