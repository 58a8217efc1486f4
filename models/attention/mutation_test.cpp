// Tests the contract itself. Each model of models/testing/mutants.cpp has one fault, and the check for it must fail.
#include <gtest/gtest.h>

#include <set>

#include "models/testing/contract.h"

namespace lra {
namespace {

struct Mutation {
  const char *model, *check, *says = "";
};
void PrintTo(const Mutation& mutation, std::ostream* out) { *out << mutation.model; }

const Mutation kMutations[] = {
    {"careless", "RefusesUnknownSettings"},
    {"nameless", "SaysWhatItIs"},
    {"rows_doubled", "KeepsTheShape"},
    {"divided_by_zero", "StaysFiniteAtOddLengthsAndExtremes"},
    {"counted_calls", "RepeatsItsBits"},
    {"other_without_tape", "EvaluatesAsItTrains"},
    {"gradient_scaled", "BackwardEqualsCentralDifferences"},
    {"long_gradient_scaled", "BackwardEqualsDifferencesAlongDirections"},
    {"rounded", "FloatAgreesWithDouble"},
    {"packed_offset", "PackingAndOrderChangeNothing"},
    {"linear", "OperationsAndMemoryGrowAsDeclared", "operations"},
    {"quadratic", "OperationsAndMemoryGrowAsDeclared", "operations"},
    {"no_logarithm", "OperationsAndMemoryGrowAsDeclared", "log N"},
    {"not_a_logarithm", "OperationsAndMemoryGrowAsDeclared", "operations"},
    {"matrix_held", "OperationsAndMemoryGrowAsDeclared", "bytes"},
    {"quadratic_if_causal", "OperationsAndMemoryGrowAsDeclared", "causal"},
    {"wide_heads", "HeadsAndFeaturesCostAsDeclared", "8 heads"},
    {"rows_of_task", "FixedLengthIsAsDeclared"},
    {"mask_dropped", "CausalIsAsDeclared"},
    {"forgotten", "StepsContinueTheSequence", "token by token"},
    {"undeclared_random", "StochasticIsAsDeclared"},
    {"always_pulled", "AuxiliaryLossIsAsDeclared"},
    {"unmixed", "MixesIsAsDeclared"},
};

class EveryMutant : public testing::TestWithParam<Mutation> {};

TEST_P(EveryMutant, IsCaught) {
  const Verdict verdict = examine(GetParam().check, GetParam().model);
  EXPECT_NE(verdict, "");
  EXPECT_NE(verdict.find(GetParam().says), std::string::npos) << verdict;
  EXPECT_EQ(verdict.find("stopped"), std::string::npos) << "caught by accident: " << verdict;
}
INSTANTIATE_TEST_SUITE_P(All, EveryMutant, testing::ValuesIn(kMutations),
                         [](const auto& instance) { return std::string(instance.param.model); });

class EveryCheck : public testing::TestWithParam<Check> {};

TEST_P(EveryCheck, PassesAFaultlessModelAndHasAMutant) {
  EXPECT_EQ(examine(GetParam().name, "faultless"), "");
  std::set<std::string> bitten;
  for (const Mutation& mutation : kMutations) bitten.insert(mutation.check);
  EXPECT_TRUE(bitten.count(GetParam().name)) << "a check without a mutant may be one that cannot fail";
}
INSTANTIATE_TEST_SUITE_P(All, EveryCheck, testing::ValuesIn(contract()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace lra
