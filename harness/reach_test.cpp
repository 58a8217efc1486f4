// What of each example and each model the presets reach.
#include "harness/reach.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/experiment.h"
#include "models/layers/registry.h"
#include "tasks/preset.h"

namespace lra {
namespace {

std::string caveat_of(const std::string& preset, const std::string& task, const std::string& model,
                      const Json& set = Json::object()) {
  const Experiment e = make_experiment(task, preset, model, 0, 0, {.set = set});
  return reach_caveat(e, e.plan.spec.length);
}

// Source: counted by hand. The first of local's blocks of 50 holds the class token and 49 tokens, or of each text of a
// pair 50 tokens, of which the first is pooled.
TEST(Reach, IsThatOfAHandCount) {
  EXPECT_EQ(caveat_of("lra", "text", "identity"), "") << "a mean over the tokens";
  EXPECT_EQ(caveat_of("smoke", "text", "identity", {{"pool", "cls"}}), "sees 0 of 32 tokens");
  EXPECT_EQ(caveat_of("lra", "text", "local"), "sees 49 of 1,000 tokens");
  EXPECT_EQ(caveat_of("lra", "retrieval", "local"), "sees 100 of 8,000 tokens");
  EXPECT_EQ(caveat_of("lra", "text", "linear"), "");
  EXPECT_EQ(caveat_of("lra", "pathfinder", "local"), "") << "a mean over the same blocks";
  EXPECT_EQ(caveat_of("lra", "image", "axial"), "without attention along columns") << "the class token sees all";
  EXPECT_EQ(caveat_of("lra", "retrieval", "identity", {{"pool", "cls"}}), "sees 2 of 8,000 tokens");
}

// A pass over more would take the forecast of a quadratic model hours.
TEST(Reach, IsNotProbedBeyondTheLongestTask) {
  EXPECT_EQ(caveat_of("smoke", "text", "identity", {{"pool", "cls"}, {"length", 16384}}), "sees 0 of 16,384 tokens");
  EXPECT_EQ(caveat_of("smoke", "text", "identity", {{"pool", "cls"}, {"length", 1000000}}), "");
}

// The width that is divided is not the narrow one of the probe.
TEST(Reach, IsThatOfModelsWithSettingsThatDivideAWidth) {
  Experiment e = make_experiment("text", "smoke", "perceiver", 0, 0, {});
  e.plan.encoder.update({{"width", 30}, {"qkv", 30}});
  e.model_settings["cross_heads"] = 5;
  EXPECT_EQ(reach_caveat(e, e.plan.spec.length), "");
}

struct Case {
  std::string preset, task;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.preset << ", " << c.task; }

/// The cells of all presets for one model, those of Path-X or the others.
std::vector<Case> cases(bool pathx) {
  std::vector<Case> all;
  for (const std::string& name : preset_names())
    for (const std::string& task : tasks_of_preset(name))
      if ((task == "pathx") == pathx) all.push_back({name, task});
  return all;
}

std::string name_of_case(const testing::TestParamInfo<Case>& info) { return info.param.preset + "_" + info.param.task; }

/// All models; under a sanitizer a quarter of them, other ones in each case, because all cases run the same code.
std::vector<std::string> models_of([[maybe_unused]] const Case& c) {
  std::vector<std::string> all = models().names();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::size_t kShare = 4;
  std::size_t number = c.preset.size() + c.task.size();
  std::erase_if(all, [&](const std::string&) { return number++ % kShare != 0; });
#endif
  return all;
}

Experiment cell_of(const Case& c, const std::string& model) {
  return make_experiment(c.task, c.preset, model, 1, 0, {});
}

/// The cell with its sequences cut.
Experiment shortened(Experiment e) {
  TaskSpec& spec = e.plan.spec;
  constexpr long kTokens = 256, kSide = 16;
  if (spec.height > 0) {
    spec.height = std::min(spec.height, kSide), spec.width = std::min(spec.width, kSide);
    spec.length = spec.height * spec.width;
  } else {
    spec.length = std::min(spec.length, spec.paired ? kTokens / 2 : kTokens);
  }
  return e;
}

Experiment with(Experiment e, const Json& encoder) {
  e.plan.encoder.update(encoder);
  return e;
}

/// The tokens that reach the logits only through other tokens' states: all but the first of each sequence where that
/// one is pooled. Where no token sees a later one, a first token sees none, so it is asked in both directions.
long reached_by_mixing(Experiment e) {
  if (e.model_settings.contains("causal")) e.model_settings["causal"] = false;
  std::vector<bool> reached = reached_tokens(with(e, {{"pool", "cls"}}), e.plan.spec.length);
  if (e.plan.spec.paired) reached[0] = reached[reached.size() / 2] = false;
  return std::count(reached.begin(), reached.end(), true);
}

class EveryPreset : public testing::TestWithParam<Case> {
 protected:
  /// A preset that keeps to a publication may hide tokens and mechanisms by its class token and its number of layers,
  /// and by nothing else.
  static void expect_all_reached(const Case& c, const std::string& model) {
    const Json freed =
        preset(c.preset).value("published", false) ? Json{{"pool", "mean"}, {"layers", 2}} : Json::object();
    const Experiment cell = with(cell_of(c, model), freed);
    EXPECT_EQ(switched_off(cell), "") << model;
    const Experiment small = shortened(cell);
    const std::vector<bool> reached = reached_tokens(small, small.plan.spec.length);
    EXPECT_EQ(std::count(reached.begin(), reached.end(), false), 0) << model << ", of " << reached.size();
  }
};
class SlowEveryPreset : public EveryPreset {};

TEST_P(EveryPreset, LetsEveryModelReachAllTokensAndMechanisms) {
  for (const std::string& model : models_of(GetParam())) expect_all_reached(GetParam(), model);
}
TEST_P(SlowEveryPreset, LetsEveryModelReachAllTokensAndMechanisms) {
  for (const std::string& model : models_of(GetParam())) expect_all_reached(GetParam(), model);
}

TEST_P(EveryPreset, RelatesTokensUnlessTheModelDoesNotMix) {
  for (const std::string& model : models_of(GetParam()))
    EXPECT_EQ(reached_by_mixing(shortened(cell_of(GetParam(), model))) > 0, models().at(model).facts.mixes) << model;
}

INSTANTIATE_TEST_SUITE_P(All, EveryPreset, testing::ValuesIn(cases(false)), name_of_case);
INSTANTIATE_TEST_SUITE_P(All, SlowEveryPreset, testing::ValuesIn(cases(true)), name_of_case);

}  // namespace
}  // namespace lra
