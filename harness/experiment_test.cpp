#include "harness/experiment.h"

#include <gtest/gtest.h>

#include <set>

#include "harness/revision.h"
#include "models/layers/classifier.h"
#include "models/layers/mixer.h"
#include "results/results_testing.h"
#include "tasks/preset.h"

namespace lra {
namespace {

Experiment smoke(const Json& set = Json::object(), const Json& model_args = Json::object()) {
  return make_experiment("listops", "smoke", "linformer", 1, 0, {set, model_args});
}

std::string key(const Experiment& experiment, const std::string& fingerprint = "f") {
  return key_of(canonical(experiment, fingerprint));
}

TEST(Key, SaysTheSameOfTheSameExperiment) {
  const std::string usual = key(smoke());
  EXPECT_EQ(usual.size(), 64u);
  EXPECT_EQ(key(smoke()), usual);
  // Overrides that repeat the preset's values, and an integer for a floating-point field.
  const TaskPlan plan = plan_task("listops", "smoke", "linformer");
  EXPECT_EQ(key(smoke({{"steps", plan.recipe.steps}, {"lr", plan.recipe.lr}, {"width", plan.encoder.at("width")}})),
            usual);
  EXPECT_EQ(key(smoke({{"warmup", 0}})), key(smoke({{"warmup", 0.0}})));
}

TEST(Key, DependsOnWhatDecidesTheResult) {
  Experiment limited = smoke(), seeded = smoke(), tried = smoke();
  limited.limit = 8;
  seeded.seed = 2;
  tried.sweep = {{"lr", {0.1, 0.2}}};
  const std::set<std::string> keys{key(smoke()),
                                   key(smoke(), "g"),
                                   key(smoke({{"lr", 0.5}})),
                                   key(smoke({{"selection", "last"}})),
                                   key(smoke({{"width", 32}})),
                                   key(smoke(Json::object(), {{"linformer", {{"k", 2}}}})),
                                   key(limited),
                                   key(seeded),
                                   key(tried)};
  EXPECT_EQ(keys.size(), 9u);
}

TEST(Key, DependsOnHowPixelsAreRead) {
  const Experiment ids = make_experiment("image", "smoke", "linear", 1, 0, {});
  Experiment numbers = ids;
  numbers.plan.spec.mean = 127.5, numbers.plan.spec.deviation = 127.5;
  EXPECT_NE(key(numbers), key(ids));
  EXPECT_EQ(canonical(decode_experiment(encode(numbers)), "f"), canonical(numbers, "f"));
  EXPECT_FALSE(canonical(ids, "f").at("task").contains("deviation")) << "the key of earlier runs";
}

TEST(Key, KnowsNeitherThreadsNorPaths) {
  const Json form = canonical(smoke(), "f");
  std::set<std::string> names;
  for (const auto& [name, value] : form.items()) names.insert(name);
  EXPECT_EQ(names, (std::set<std::string>{"task", "data", "data_fingerprint", "model", "model_revision", "settings",
                                          "recipe", "limit", "seed"}));
  const Experiment elsewhere = make_experiment("listops", "smoke", "linformer", 1, 0, {}, "/another/place");
  EXPECT_EQ(key(elsewhere), key(smoke()));
}

TEST(Overrides, ReachRecipeEncoderAndModel) {
  const Experiment experiment =
      smoke({{"lr", 0.25}, {"heads", 4}}, {{"linformer", {{"k", 5}}}, {"local", {{"block", 4}}}});
  EXPECT_EQ(experiment.plan.recipe.lr, 0.25);
  EXPECT_EQ(experiment.plan.encoder.at("heads"), 4);
  EXPECT_EQ(experiment.model_settings.at("k"), 5);
  EXPECT_EQ(changes(experiment), (Json{{"lr", 0.25}, {"heads", 4}, {"k", 5}}));
  EXPECT_EQ(changes(smoke()), Json::object());
}

TEST(Overrides, NameTheNearestOfBothKindsOfKey) {
  EXPECT_NE(sentence_of(
                [] {
                  smoke({{"headz", 1}});
                },
                Kind::usage)
                .find("unknown key 'headz', did you mean 'heads'?"),
            std::string::npos);
  EXPECT_NE(sentence_of(
                [] {
                  smoke({{"stepz", 1}});
                },
                Kind::usage)
                .find("unknown key 'stepz', did you mean 'steps'?"),
            std::string::npos);
  EXPECT_NE(sentence_of(
                [] {
                  smoke(Json::object(), {{"linformer", {{"kk", 1}}}});
                },
                Kind::usage)
                .find("unknown setting 'kk', did you mean 'k'?"),
            std::string::npos);
  const auto misplaced = [] { smoke({{"k", 1}}); };
  EXPECT_NE(sentence_of(misplaced, Kind::usage).find("set it with --model-args linformer:k="), std::string::npos);
}

TEST(Overrides, RefuseWhatCannotBeTrainedWith) {
  const std::vector<std::pair<std::string, Json>> refused{{"steps", 0},   {"batch", -1},         {"lr", "fast"},
                                                          {"beta1", 1.0}, {"schedule", "cosin"}, {"selection", "best"}};
  for (const auto& setting : refused)
    EXPECT_NE(sentence_of(
                  [&] {
                    smoke({{setting.first, setting.second}});
                  },
                  Kind::usage)
                  .find(setting.first),
              std::string::npos);
  EXPECT_NE(
      sentence_of([] { make_experiment("listops", "smoke", "linformer", 0, -1, {}); }, Kind::usage).find("--limit"),
      std::string::npos);
}

// Source: the bounds declared with the settings.
TEST(Overrides, RefuseSizesThatNobodyMeans) {
  const std::string size = "65536", count = "2147483647";
  const std::vector<std::pair<std::string, std::string>> bounds{
      {"batch", size},  {"width", size},      {"qkv", size},           {"ff", size},       {"heads", size},
      {"steps", count}, {"head_width", size}, {"token_budget", count}, {"layers", "1024"}, {"eval_every", count}};
  for (const auto& [key, most] : bounds)
    for (const std::int64_t value : {std::int64_t{1} << 31, std::int64_t{1} << 62}) {
      const std::string said = sentence_of([&, k = key] { smoke({{k, value}}); }, Kind::usage);
      EXPECT_EQ(said.find(fmt::format("--set: setting '{}' is {}; it must be ", key, value)), 0u) << said;
      EXPECT_TRUE(said.ends_with(" " + most)) << said;
    }
  for (const char* key : {"batch", "width", "qkv", "ff", "heads", "head_width", "layers"})
    EXPECT_NE(sentence_of([&] { smoke({{key, 1'000'000}}); }, Kind::usage), "") << key;
  for (const auto& [model, key] : {std::pair{"performer", "features"}, {"rfa", "features"}})
    EXPECT_NE(sentence_of([&, m = model, k = key] { models().at(m).resolve({{k, 1'000'000}}); }, Kind::usage), "");
}

/// Empty if a setting of one million is refused or makes no large model, otherwise what happens.
std::string at_a_million(const std::string& model, const std::string& key) {
  constexpr long kLarge = 1L << 24;
  try {
    const long count =
        count_parameters(make_experiment("image", "smoke", model, 1, 0, {{}, {{model, {{key, 1'000'000}}}}}));
    return count < kLarge ? "" : fmt::format("{}:{} gives {} parameters", model, key, count);
  } catch (const Error& error) {
    return error.kind() == Kind::usage ? "" : error.what();
  }
}

TEST(Overrides, AMillionOfAnythingIsRefusedOrMakesNoLargeModel) {
  for (const std::string& model : models().names())
    for (const Field& field : models().at(model).settings) {
      if (field.type == "int") {
        EXPECT_EQ(at_a_million(model, field.name), "");
      }
    }
}

// Source: the built model.
TEST(Experiment, ParametersAreCountedWithoutTheirValues) {
  for (const std::string& model : models().names())
    for (const char* task : {"retrieval", "image"}) {
      const Experiment e = make_experiment(task, "smoke", model, 1, 0, {});
      const Classifier built(model, e.model_settings, parse<EncoderConfig>(e.plan.encoder, ""), e.plan.spec, 1);
      EXPECT_EQ(count_parameters(e), built.parameters().trained()) << model << " on " << task;
    }
}

TEST(Comparable, OnlyWithAllStepsAndAllExamples) {
  const long steps = plan_task("listops", "smoke", "linformer").recipe.steps;
  EXPECT_TRUE(is_comparable(smoke()));
  EXPECT_TRUE(is_comparable(smoke({{"steps", steps}})));
  EXPECT_TRUE(is_comparable(smoke({{"steps", steps + 1}})));
  EXPECT_FALSE(is_comparable(smoke({{"steps", steps - 1}})));
  Experiment limited = smoke();
  limited.limit = 8;
  EXPECT_FALSE(is_comparable(limited));
}

// Source of the choices: the Cartesian product, written out.
TEST(Sweep, TriesEveryChoice) {
  EXPECT_EQ(choices_of(Json()), std::vector<Json>{Json::object()});
  const std::vector<Json> expected{
      {{"lr", 1}, {"width", 8}}, {{"lr", 1}, {"width", 16}}, {{"lr", 2}, {"width", 8}}, {{"lr", 2}, {"width", 16}}};
  EXPECT_EQ(choices_of({{"lr", {1, 2}}, {"width", {8, 16}}}), expected);
}

TEST(Experiment, SurvivesTheWayToAnotherProcess) {
  Experiment experiment = smoke({{"lr", 0.1}}, {{"linformer", {{"k", 5}}}});
  experiment.sweep = {{"lr", {0.1, 0.2}}};
  const Experiment copy = decode_experiment(Json::parse(encode(experiment).dump()));
  EXPECT_EQ(encode(copy), encode(experiment));
  EXPECT_EQ(key(copy), key(experiment));
}

TEST(Presets, HaveSettingsForModelsThatThereAre) {
  const auto expect_models = [](const Json& level, const std::string& where) {
    const Json settings = level.value("models", Json::object());
    for (const auto& [model, parts] : settings.items()) {
      ASSERT_TRUE(models().contains(model)) << where << ": " << model;
      EXPECT_NO_THROW((void)models().at(model).resolve(parts.value("mixer", Json::object()))) << where << ": " << model;
    }
  };
  for (const std::string& name : preset_names()) {
    expect_models(preset(name), name);
    for (const auto& [task, entry] : preset(name).at("tasks").items())
      expect_models(entry, fmt::format("{} {}", name, task));
  }
}

TEST(Revision, IsTheNumbersOfEngineAndModel) {
  const Registry<ModelEntry> before = models();
  ModelEntry entry;
  entry.facts.revision = 3;
  models().add("raised", entry);
  EXPECT_EQ(model_revision("raised"), fmt::format("{}.3", kEngineRevision));
  models() = before;
}

// The settings that were added since, at their defaults.
TEST(Key, KnowsLaterSettingsOnlyWhereTheyAreSet) {
  const Json later{{"head_layers", -1}, {"norm", "before"}, {"feed", "gelu"}, {"final_norm", true}};
  EXPECT_EQ(key(smoke(later)), key(smoke()));
  std::set<std::string> keys{key(smoke())};
  for (const auto& [name, value] :
       Json{{"head_layers", 0}, {"norm", "after"}, {"feed", "none"}, {"final_norm", false}}.items()) {
    const Experiment changed = smoke({{name, value}});
    EXPECT_EQ(changes(changed), (Json{{name, value}}));
    keys.insert(key(changed));
  }
  EXPECT_EQ(keys.size(), 5u);
}

// The key was printed by the last version that hashed its sources, whose hash stood in the place of the revision.
TEST(Revision, IsAllThatChangesTheKeysOfOldRuns) {
  const Experiment experiment = make_experiment("listops", "smoke", "identity", 0, 0, {.set = {{"steps", 20}}});
  const std::string data = "71127867b5de2b445997ef913d57fc0bf1dc9ffabbbfe73a20f3aec696e998ab";
  Json form = canonical(experiment, data);
  form["model_revision"] = "9e158bb37d605c76";
  EXPECT_EQ(key_of(form), "6e1ba691f819fd333e293835b7842abb2f414cf5c86776d60e6cbc6fac1a31cd");
}

}  // namespace
}  // namespace lra
