#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/file.h"
#include "datasets/cache.h"
#include "datasets/files_testing.h"
#include "datasets/png.h"
#include "datasets/source.h"
#include "tasks/baselines.h"
#include "tasks/definition.h"
#include "tasks/preset.h"
#include "tasks/task.h"

namespace lra {
namespace {

const std::vector<std::string> kModels = {"transformer", "local",    "sparse",   "longformer",
                                          "linformer",   "reformer", "sinkhorn", "synthesizer",
                                          "bigbird",     "linear",   "performer"};

/// The encoder settings that a preset may set; each model decides which it reads.
struct Shape {
  long width = 0, qkv = 0, ff = 0, heads = 0, layers = 0;
  double dropout = -1, attention_dropout = -1;
  std::string pool, positions, interaction;
  long head_layers = -1;
  std::string norm = "before", feed = "gelu";
  bool final_norm = true;
  void fields(auto&& f) {
    f("width", width, "");
    f("qkv", qkv, "");
    f("ff", ff, "");
    f("heads", heads, "");
    f("layers", layers, "");
    f("dropout", dropout, "");
    f("attention_dropout", attention_dropout, "");
    f("pool", pool, "");
    f("positions", positions, "");
    f("interaction", interaction, "");
    f("head_layers", head_layers, "");
    f("norm", norm, "");
    f("feed", feed, "");
    f("final_norm", final_norm, "");
  }
};

TEST(Presets, EveryTaskAndModelParsesStrictly) {
  EXPECT_EQ(preset_names(), (std::vector<std::string>{"smoke", "quick", "overnight", "small", "skyformer", "lra",
                                                      "lra_paper", "ssm", "mega"}));
  for (const auto& name : preset_names()) {
    EXPECT_FALSE(preset(name).at("summary").get<std::string>().empty());
    for (const auto& [task, entry] : preset(name).at("tasks").items())
      for (const auto& model : kModels) {
        SCOPED_TRACE(fmt::format("{} {} {}", name, task, model));
        const TaskPlan plan = plan_task(task, name, model);
        const auto shape = parse<Shape>(plan.encoder, "encoder");
        EXPECT_GT(shape.layers, 0);
        ASSERT_GT(shape.heads, 0);
        EXPECT_GT(shape.qkv, 0);
        EXPECT_EQ(shape.qkv % shape.heads, 0);
        EXPECT_GT(shape.width, 0);
        EXPECT_GT(shape.ff, 0);
        EXPECT_GE(shape.dropout, 0);
        EXPECT_GE(shape.attention_dropout, 0);
        EXPECT_TRUE(shape.pool == "cls" || shape.pool == "mean") << shape.pool;
        EXPECT_TRUE(shape.positions == "sinusoid" || shape.positions == "learned") << shape.positions;
        EXPECT_TRUE(shape.interaction == "nli" || shape.interaction == "concat") << shape.interaction;
        EXPECT_GT(plan.spec.length, 0);
        if (plan.spec.height > 0) {
          EXPECT_EQ(plan.spec.height * plan.spec.width, plan.spec.length);
        }
      }
  }
}

/// Every key at every level is one that tasks/preset.h documents. harness/experiment_test.cpp checks the names of
/// models.
TEST(Presets, HoldNoStrayKeys) {
  const auto expect_keys = [](const Json& object, const std::set<std::string>& known, const std::string& where) {
    for (const auto& [key, value] : object.items()) EXPECT_TRUE(known.contains(key)) << where << ": " << key;
  };
  const auto expect_models = [&](const Json& object, const std::string& where) {
    if (!object.contains("models")) return;
    for (const auto& [model, parts] : object.at("models").items())
      expect_keys(parts, {"encoder", "mixer", "recipe"}, fmt::format("{} {}", where, model));
  };
  for (const auto& name : preset_names()) {
    expect_keys(preset(name), {"summary", "published", "note", "encoder", "recipe", "models", "tasks"}, name);
    expect_models(preset(name), name);
    for (const auto& [task, entry] : preset(name).at("tasks").items()) {
      const std::string where = fmt::format("{} {}", name, task);
      expect_keys(entry, {"variant", "length", "note", "numbers", "data", "fallback", "encoder", "recipe", "models"},
                  where);
      expect_models(entry, where);
    }
  }
}

/// Return the number of parameters of LRA's vanilla Transformer, counted from its description: embedding, CLS vector
/// (with CLS pooling of single inputs), learned positions, pre-norm blocks without biases in attention, final norm, and
/// a head with one hidden layer (with two for pairs, the second half as wide).
long vanilla_parameters(const TaskPlan& plan) {
  const auto e = parse<Shape>(plan.encoder, "encoder");
  const bool cls = e.pool == "cls" && !plan.spec.paired;
  const auto dense = [](long in, long out) { return in * out + out; };
  long count = plan.spec.vocab * e.width + (cls ? e.width : 0);
  if (e.positions == "learned") count += (plan.spec.length + cls) * e.width;
  count += e.layers * (4 * e.width + 4 * e.width * e.qkv + dense(e.width, e.ff) + dense(e.ff, e.width)) + 2 * e.width;
  if (!plan.spec.paired) return count + dense(e.width, e.ff) + dense(e.ff, plan.spec.classes);
  const long features = (e.interaction == "nli" ? 4 : 2) * e.width;
  return count + dense(features, e.ff) + dense(e.ff, e.ff / 2) + dense(e.ff / 2, plan.spec.classes);
}

// Source: the counts that users of LRA's code printed, and the shape of ListOps in LRA's paper.
TEST(Presets, GiveLrasParameterCounts) {
  const std::pair<const char*, long> published[] = {{"listops", 8948746}, {"text", 3486722},     {"retrieval", 1087618},
                                                    {"image", 248458},    {"pathfinder", 26530}, {"pathx", 537954}};
  for (const auto& [task, count] : published)
    EXPECT_EQ(vanilla_parameters(plan_task(task, "lra", "transformer")), count) << task;
  EXPECT_EQ(vanilla_parameters(plan_task("listops", "lra_paper", "transformer")), 19983370);
  TaskPlan nli = plan_task("retrieval", "lra", "transformer");
  nli.encoder["interaction"] = "nli";
  EXPECT_EQ(vanilla_parameters(nli), 1218690);
}

// Sources: the authors' code, state-spaces/s4 (configs/experiment/lra), lindermanlab/S5 (bin/run_experiments),
// ag1988/dss (README), NicolasZucchet/minimal-LRU (run_train.py).
TEST(Presets, SsmHasTheConfigurationsOfItsAuthors) {
  struct Facts {
    const char *task, *model;
    long width, layers, batch, steps;
    double warmup, lr, weight_decay, dropout;
    const char* norm;
    long states;
  };
  for (const Facts& f : {Facts{"listops", "s4", 256, 6, 32, 120000, 12000, 0.01, 0.05, 0, "after", 4},
                         Facts{"listops", "s5", 128, 8, 50, 76800, 1920, 0.003, 0.04, 0, "before", 16},
                         Facts{"listops", "dss", 128, 6, 50, 96000, 0, 0.01, 0.01, 0, "after", 64},
                         Facts{"listops", "lru", 256, 4, 64, 60000, 0, 0.001, 0.05, 0.1, "before", 128},
                         Facts{"image", "s4d", 512, 6, 50, 180000, 18000, 0.01, 0.05, 0.1, "after", 64},
                         Facts{"image", "s5", 512, 6, 50, 225000, 900, 0.0045, 0.07, 0.1, "before", 384},
                         Facts{"image", "dss", 512, 6, 50, 180000, 0, 0.004, 0.01, 0.2, "after", 64},
                         Facts{"pathfinder", "s4", 256, 6, 64, 500000, 50000, 0.004, 0.05, 0, "before", 64},
                         Facts{"pathfinder", "s5", 192, 6, 64, 500000, 2500, 0.0045, 0.03, 0.05, "before", 256},
                         Facts{"pathfinder", "dss", 256, 6, 100, 320000, 0, 0.004, 0, 0.1, "before", 64},
                         Facts{"pathx", "s4", 256, 6, 16, 500000, 50000, 0.001, 0.05, 0, "before", 64},
                         Facts{"pathx", "s5", 128, 6, 32, 375000, 5000, 0.0018, 0.06, 0, "before", 256},
                         Facts{"pathx", "dss", 256, 6, 16, 350000, 0, 0.0005, 0, 0, "before", 64}}) {
    SCOPED_TRACE(fmt::format("{} {}", f.task, f.model));
    const TaskPlan plan = plan_task(f.task, "ssm", f.model);
    EXPECT_EQ(plan.encoder.at("width"), f.width);
    EXPECT_EQ(plan.encoder.at("layers"), f.layers);
    EXPECT_EQ(plan.encoder.at("dropout"), f.dropout);
    EXPECT_EQ(plan.encoder.value("norm", "before"), f.norm);
    EXPECT_EQ(plan.encoder.at("feed"), "none");
    EXPECT_EQ(plan.encoder.at("positions"), "none");
    EXPECT_EQ(plan.recipe.batch, f.batch);
    EXPECT_EQ(plan.recipe.steps, f.steps);
    EXPECT_EQ(plan.recipe.warmup, f.warmup);
    EXPECT_EQ(plan.recipe.lr, f.lr);
    EXPECT_EQ(plan.recipe.weight_decay, f.weight_decay);
    EXPECT_EQ(plan.mixer.value("states", 64), f.states);
  }
}

// Source: the README of the authors' code, facebookresearch/mega (examples/mega/README.lra.md).
TEST(Presets, MegaHasTheConfigurationsOfItsAuthors) {
  struct Facts {
    const char* task;
    long width, ff, layers, batch, steps;
    double warmup, lr, weight_decay;
  };
  for (const Facts& f : {Facts{"listops", 80, 160, 6, 64, 90000, 3000, 0.001, 0.01},
                         Facts{"image", 160, 320, 8, 50, 180000, 9000, 0.01, 0.02},
                         Facts{"pathfinder", 128, 256, 6, 128, 250000, 50000, 0.01, 0.01},
                         Facts{"pathx", 64, 128, 4, 16, 125000, 25000, 0.01, 0.01}}) {
    SCOPED_TRACE(f.task);
    const TaskPlan plan = plan_task(f.task, "mega", "mega");
    EXPECT_EQ(plan.encoder.at("width"), f.width);
    EXPECT_EQ(plan.encoder.at("ff"), f.ff);
    EXPECT_EQ(plan.encoder.at("layers"), f.layers);
    EXPECT_EQ(plan.recipe.batch, f.batch);
    EXPECT_EQ(plan.recipe.steps, f.steps);
    EXPECT_EQ(plan.recipe.warmup, f.warmup);
    EXPECT_EQ(plan.recipe.lr, f.lr);
    EXPECT_EQ(plan.recipe.weight_decay, f.weight_decay);
    EXPECT_EQ(plan.recipe.clip, 1);
  }
}

// Source: the authors' code, pkuzengqi/Skyformer (src/config.py).
TEST(Presets, SkyformerTrainsFiftyThousandSteps) {
  for (const auto& [task, batch, lr, warmup] :
       {std::tuple{"listops", 32, 1e-4, 1000}, std::tuple{"text", 32, 1e-4, 80}, std::tuple{"retrieval", 16, 2e-4, 800},
        std::tuple{"image", 256, 1e-4, 175}, std::tuple{"pathfinder", 128, 2e-4, 312}}) {
    const TaskPlan plan = plan_task(task, "skyformer", "transformer"), small = plan_task(task, "small", "transformer");
    EXPECT_EQ(plan.recipe.steps, 50000) << task;
    EXPECT_EQ(plan.recipe.batch, batch) << task;
    EXPECT_EQ(plan.recipe.lr, lr) << task;
    EXPECT_EQ(plan.recipe.warmup, warmup) << task;
    EXPECT_EQ(plan.spec.variant, small.spec.variant) << task;
    EXPECT_EQ(plan.data, small.data) << task;
  }
}

// Source of mean and deviation: state-spaces/s4 (src/dataloaders) and the README of facebookresearch/mega, times 255.
TEST(Plan, PixelsAsNumbersAreVariantsOfTheirOwn) {
  for (const char* preset : {"ssm", "mega"}) {
    for (const char* task : {"pathfinder", "pathx"}) {
      const TaskSpec spec = plan_task(task, preset, "s4d").spec;
      EXPECT_EQ(spec.variant, fmt::format("{}@generated-pixels", task));
      EXPECT_EQ(spec.mean, 127.5);
      EXPECT_EQ(spec.deviation, 127.5);
    }
    EXPECT_EQ(plan_task("image", preset, "s4d").spec.variant, "image@pixels");
    EXPECT_EQ(plan_task("image", preset, "s4d").data, plan_task("image", "lra", "s4d").data);
    EXPECT_FALSE(plan_task("listops", preset, "s4d").spec.reads_numbers());
  }
  EXPECT_EQ(plan_task("image", "ssm", "s4d").spec.mean, 122.6);
  EXPECT_EQ(plan_task("image", "ssm", "s4d").spec.deviation, 61);
  EXPECT_NEAR(plan_task("image", "mega", "s4d").spec.mean, 0.48 * 255, 1e-9);
  EXPECT_NEAR(plan_task("image", "mega", "s4d").spec.deviation, 0.24 * 255, 1e-9);
  EXPECT_FALSE(plan_task("image", "lra", "s4d").spec.reads_numbers());
}

TEST(Plan, ModelOverridesWin) {
  const TaskPlan local = plan_task("image", "lra", "local");
  EXPECT_EQ(local.encoder.at("heads"), 2);
  EXPECT_EQ(local.encoder.at("pool"), "mean");
  EXPECT_EQ(local.mixer, (Json{{"block", 64}}));
  EXPECT_EQ(plan_task("listops", "lra", "local").mixer, (Json{{"block", 50}}));
  EXPECT_EQ(plan_task("image", "lra", "sinkhorn").recipe.weight_decay, 0.7);
  EXPECT_EQ(plan_task("image", "lra", "transformer").recipe.weight_decay, 0);
  EXPECT_EQ(plan_task("image", "lra", "a model of one's own").encoder,
            plan_task("image", "lra", "transformer").encoder);
}

TEST(Plan, SpecificationsOfTheSixTasks) {
  struct Facts {
    const char* task;
    long vocab, length, classes;
    bool paired;
    long height;
  };
  for (const Facts& f : {Facts{"listops", 17, 2000, 10, false, 0}, Facts{"text", 257, 1000, 2, false, 0},
                         Facts{"retrieval", 257, 4000, 2, true, 0}, Facts{"image", 256, 1024, 10, false, 32},
                         Facts{"pathfinder", 256, 1024, 2, false, 32}, Facts{"pathx", 256, 16384, 2, false, 128}}) {
    const TaskSpec spec = plan_task(f.task, "lra", "transformer").spec;
    EXPECT_EQ(spec.name, f.task);
    EXPECT_EQ(spec.vocab, f.vocab) << f.task;
    EXPECT_EQ(spec.length, f.length) << f.task;
    EXPECT_EQ(spec.classes, f.classes) << f.task;
    EXPECT_EQ(spec.paired, f.paired) << f.task;
    EXPECT_EQ(spec.height, f.height) << f.task;
  }
}

TEST(Plan, UnknownNamesGetTheNearest) {
  EXPECT_NE(sentence_of([] { plan_task("listop", "quick", "x"); }, Kind::usage).find("did you mean 'listops'"),
            std::string::npos);
  EXPECT_NE(sentence_of([] { plan_task("listops", "quik", "x"); }, Kind::usage).find("did you mean 'quick'"),
            std::string::npos);
  EXPECT_NE(sentence_of([] { plan_task("pathx", "quick", "x"); }, Kind::usage).find("does not cover task 'pathx'"),
            std::string::npos);
}

TEST(Plan, OfficialListOpsDecideTheVariant) {
  const TemporaryFolder root;
  EXPECT_EQ(plan_task("listops", "small", "linear").spec.variant, "listops@generated");
  EXPECT_EQ(plan_task("listops", "small", "linear", root.path()).data.at("source"), "listops");
  for (const char* file : {"basic_train.tsv", "basic_val.tsv", "basic_test.tsv"})
    write_file(root / file, std::string("Source\tTarget\n7\t7\n"));
  const TaskPlan plan = plan_task("listops", "small", "linear", root.path());
  EXPECT_EQ(plan.spec.variant, "listops@part-3");
  EXPECT_NE(plan.remark.find("of which only a part is there"), std::string::npos) << plan.remark;
  EXPECT_EQ(plan.data, (Json{{"source", "listops_tsv"}, {"max_length", 2000}}));
  EXPECT_EQ(open_data(plan, {root.path(), root / "cache"})->size(Split::test), 1);
  EXPECT_EQ(plan_task("listops", "quick", "linear", root.path()).spec.variant, "listops@quick");
}

TEST(Plan, SmallRetrievalStandsInUnderItsOwnName) {
  const TemporaryFolder root;
  EXPECT_EQ(plan_task("retrieval", "overnight", "linear", root.path()).spec.variant, "retrieval@overnight");
  write_file(root / "aan_mini.tar.gz", std::string());
  const TaskPlan mini = plan_task("retrieval", "overnight", "linear", root.path());
  EXPECT_EQ(mini.spec.variant, "retrieval@mini-overnight");
  EXPECT_EQ(mini.data, (Json{{"source", "aan"}, {"length", 1000}, {"release", "mini"}}));
  for (const char* split : {"train", "eval", "test"})
    write_file(root / fmt::format("new_aan_pairs.{}.tsv", split), std::string());
  EXPECT_EQ(plan_task("retrieval", "overnight", "linear", root.path()).data.at("release"), "lra");
}

TEST(Plan, ValidatesTextAsThePresetSays) {
  for (const auto& [preset, valid] : {std::pair("lra", "test"), std::pair("lra_paper", "test"),
                                      std::pair("small", "tenth"), std::pair("overnight", "tenth")})
    EXPECT_EQ(plan_task("text", preset, "linear").data.at("valid"), valid) << preset;
}

TEST(Plan, OnesOwnTextsTakeTheirShapeFromTheData) {
  const TemporaryFolder root;
  const auto write = [&](const std::string& folder, const std::string& rows) {
    std::filesystem::create_directories(root / folder);
    for (const char* split : {"train", "valid", "test"}) write_file(root / folder / fmt::format("{}.tsv", split), rows);
    return "tsv:" + (root / folder).string() + "/";
  };
  const std::string single = write("mail", "spam\tx\nham\ty\nnews\tz\n"), pairs = write("pairs", "0\tx\ty\n1\tz\tw\n");
  const TaskPlan plan = plan_task(single, "lra", "linear"), text = plan_task("text", "lra", "linear");
  EXPECT_TRUE(is_own_task(single));
  EXPECT_EQ(plan.spec.name, "tsv:mail");
  EXPECT_EQ(plan.spec.variant, "tsv:mail@1000");  // the same suffix as in LRA's text@1000
  EXPECT_EQ(plan.spec.classes, 3);
  EXPECT_EQ(plan.spec.length, 1000);
  EXPECT_FALSE(plan.spec.paired);
  EXPECT_EQ(plan.encoder, text.encoder);
  EXPECT_EQ(to_json(plan.recipe), to_json(text.recipe));
  EXPECT_EQ(plan.data, (Json{{"source", "tsv"}, {"length", 1000}})) << "no place, for it decides no result";
  EXPECT_EQ(plan_task(plan.task, "lra", "linear").task, plan.task);
  EXPECT_EQ(open_data(plan, {root / "elsewhere", root / "cache"})->size(Split::test), 3);
  EXPECT_TRUE(plan_task(pairs, "small", "linear").spec.paired);
  EXPECT_EQ(plan_task(pairs, "small", "linear").spec.variant, "tsv:pairs");
  EXPECT_NE(
      sentence_of([&] { plan_task("tsv:" + (root / "none").string(), "lra", "linear"); }, Kind::data).find("train.tsv"),
      std::string::npos);
}

TEST(Length, IsSetWhereSequencesAreCut) {
  const auto variant = [](const char* task, const char* preset, long length) {
    TaskPlan plan = plan_task(task, preset, "linear");
    set_length(plan, length);
    EXPECT_EQ(plan.spec.length, length);
    EXPECT_EQ(plan.data.at("length"), length);
    return plan.spec.variant;
  };
  EXPECT_EQ(variant("text", "lra", 1000), "text@1000");
  EXPECT_EQ(variant("text", "lra", 4000), "text@4000");
  EXPECT_EQ(variant("text", "lra_paper", 4000), "text");
  EXPECT_EQ(variant("text", "lra_paper", 2000), "text@2000");
  EXPECT_EQ(variant("text", "quick", 384), "text@quick-384");
  EXPECT_EQ(variant("retrieval", "lra", 1000), "retrieval@1000");
  for (const char* task : {"image", "pathfinder", "listops"}) {
    TaskPlan plan = plan_task(task, "smoke", "linear");
    EXPECT_NE(sentence_of([&] { set_length(plan, 16); }, Kind::usage).find("not cut to a length"), std::string::npos);
  }
}

TEST(DataSettings, ShapeRecall) {
  TaskPlan plan = plan_task("recall", "quick", "linear");
  EXPECT_EQ(plan.spec.vocab, 16);
  EXPECT_EQ(plan.spec.classes, 8);
  set_data(plan, {{"pairs", 4}});
  EXPECT_EQ(plan.spec.variant, "recall@quick") << "4 is the preset's own";
  set_length(plan, 32);
  set_data(plan, {{"pairs", 2}, {"vocab", 9}});
  EXPECT_EQ(plan.spec.variant, "recall@quick-32-pairs=2-vocab=9");
  EXPECT_EQ(plan.data.at("pairs"), 2);
  EXPECT_EQ(plan.spec.vocab, 9);
  EXPECT_EQ(plan.spec.classes, 5) << "3 keys, 5 values and the blank";
  EXPECT_EQ(plan_task("recall", "smoke", "linear").spec.length, 16);

  EXPECT_NE(sentence_of([&] { set_data(plan, {{"vocab", "a"}}); }, Kind::usage).find("vocab"), std::string::npos);
  EXPECT_NE(sentence_of(
                [&] {
                  set_data(plan, {{"power", 1}});
                },
                Kind::usage)
                .find("'power' is not a setting"),
            std::string::npos);
  plan = plan_task("lookup", "quick", "linear");
  EXPECT_NE(sentence_of(
                [&] {
                  set_data(plan, {{"pairs", 2}});
                },
                Kind::usage)
                .find("data of lookup@quick"),
            std::string::npos);
  EXPECT_EQ(data_setting_names(), (std::vector<std::string>{"pairs", "vocab"}));
}

TEST(Plan, OfficialPathfinderDecidesTheVariant) {
  const TemporaryFolder root;
  EXPECT_EQ(plan_task("pathfinder", "small", "linear", root.path()).spec.variant, "pathfinder32@generated");
  EXPECT_EQ(plan_task("pathfinder", "overnight", "linear").spec.variant, "pathfinder32@generated-overnight");
  EXPECT_EQ(plan_task("pathx", "lra", "linear", root.path()).spec.variant, "pathx@generated");
  for (const char* folder : {"pathfinder32", "pathfinder128"}) {
    const auto metadata = root.path() / folder / "curv_contour_length_14" / "metadata";
    std::filesystem::create_directories(metadata);
    write_file(metadata / "0.npy", std::string("imgs/0 sample_0.png 0 1\n"));
  }
  const TaskPlan plan = plan_task("pathfinder", "small", "linear", root.path());
  EXPECT_EQ(plan.data.at("source"), "pathfinder");
  EXPECT_EQ(plan.data.at("difficulty"), "hard");
  EXPECT_EQ(plan_task("pathx", "lra", "linear", root.path()).data.at("source"), "pathfinder");
  EXPECT_NE(sentence_of(
                [&] {
                  open_data(plan, {root.path(), root / "cache"});
                },
                Kind::data)
                .find("0.npy line 1: there is no"),
            std::string::npos);
}

TEST(Plan, APartBearsItsSizeInItsName) {
  const TemporaryFolder root;
  const auto hard = root / "pathfinder32/curv_contour_length_14";
  std::filesystem::create_directories(hard / "metadata");
  std::string rows;
  for (int i = 0; i < 20; ++i) rows += fmt::format("imgs/1 sample_{}.png {} {}\n", i, i, i % 2);
  const std::string picture = encode_png(32, 32, 1, std::vector<std::uint8_t>(32 * 32));
  write_file(hard / "metadata/1.npy", rows);
  write_file(hard / "metadata/2.npy", std::string("imgs/2 sample_0.png 0 1\n"));  // its pictures are missing
  std::filesystem::create_directories(hard / "imgs/1");
  for (int i = 0; i < 20; ++i) write_file(hard / fmt::format("imgs/1/sample_{}.png", i), picture);
  const TaskPlan plan = plan_task("pathfinder", "overnight", "linear", root.path());
  EXPECT_EQ(plan.spec.variant, "pathfinder32@part-20-overnight");
  EXPECT_EQ(plan_task("pathfinder", "small", "linear", root.path()).spec.variant, "pathfinder32@part-20");
  EXPECT_NE(plan.remark.find("20 pictures instead of 200000"), std::string::npos) << plan.remark;
  EXPECT_EQ(plan.data.at("images"), 20);
  const auto data = open_data(plan, {root.path(), root / "cache"});
  EXPECT_EQ(data->size(Split::train) + data->size(Split::valid) + data->size(Split::test), 20);

  for (const char* part : {"train/pos", "train/neg", "test/pos", "test/neg"}) {
    const auto folder = root / "aclImdb" / part;
    std::filesystem::create_directories(folder);
    for (int i = 0; i < 6; ++i) write_file(folder / fmt::format("{}_1.txt", i), std::string("a film"));
  }
  const TaskPlan text = plan_task("text", "lra", "linear", root.path());
  EXPECT_EQ(text.spec.variant, "text@part-24-1000");
  EXPECT_EQ(plan_task("text", "small", "linear", root.path()).spec.variant, "text@part-24");
  const auto reviews = open_data(text, {root.path(), root / "cache"});
  EXPECT_EQ(reviews->size(Split::train), 12);
  // Another part is other data, although no name at the top level of the folder changed.
  std::filesystem::remove(root / "aclImdb/train/pos/3_1.txt");
  write_file(root / "aclImdb/train/pos/7_1.txt", std::string("another film"));
  EXPECT_NE(open_data(plan_task("text", "lra", "linear", root.path()), {root.path(), root / "cache"})->fingerprint(),
            reviews->fingerprint());
}

TEST(Plan, WhatStandsInIsSaidTogetherWithWhatIsWrong) {
  const TemporaryFolder root;
  EXPECT_EQ(plan_task("image", "overnight", "linear", root.path()).remark, "") << "nothing stands in";
  EXPECT_EQ(plan_task("listops", "quick", "linear", root.path()).remark, "");
  std::filesystem::create_directories(root / "listops-1000");
  write_file(root / "listops-1000/basic_train.tsv.gz", std::string("x"));
  const std::string remark = plan_task("listops", "overnight", "linear", root.path()).remark;
  EXPECT_TRUE(remark.starts_with("listops@generated-overnight stands in for listops@overnight: ")) << remark;
  EXPECT_NE(remark.find("basic_train.tsv.gz is compressed"), std::string::npos) << remark;
  EXPECT_EQ(remark.find('\n'), std::string::npos);
}

TEST(Plan, EveryDefinitionSaysWhatItIs) {
  for (const auto& task : task_names()) EXPECT_FALSE(describe_task(task).empty()) << task;
  using Names = std::vector<std::string>;
  const auto expect_among = [](const Names& all, const Names& wanted) {  // both are sorted; `all` may contain more
    EXPECT_TRUE(std::includes(all.begin(), all.end(), wanted.begin(), wanted.end()))
        << fmt::format("{}", fmt::join(all, " "));
  };
  const Names lra{"image", "listops", "pathfinder", "pathx", "retrieval", "text"};
  expect_among(tasks_of_preset("lra"), lra);
  expect_among(task_names(), lra);
  expect_among(tasks_of_preset("quick"), {"image", "listops", "lookup", "recall", "retrieval", "text"});
}

TEST(Data, SmokeOpensFromNothing) {
  const TemporaryFolder root;
  for (const auto& task : tasks_of_preset("smoke")) {
    const auto data = open_data(plan_task(task, "smoke", "linear"), {{}, root / "cache"});
    EXPECT_GT(data->size(Split::train), 0) << task;
  }
}

TEST(Data, WhatIsMissingIsNamed) {
  const TemporaryFolder root;
  const auto sentence = [&](const char* task) {
    return sentence_of(
        [&] {
          open_data(plan_task(task, "small", "linear"), {root.path(), root / "cache"});
        },
        Kind::data);
  };
  EXPECT_NE(sentence("image").find("cifar-10-binary.tar.gz"), std::string::npos);
  EXPECT_NE(sentence("text").find("aclImdb_v1.tar.gz"), std::string::npos);
  EXPECT_NE(sentence("retrieval").find("new_aan_pairs.train.tsv"), std::string::npos);
}

TEST(Data, WhatAModelCannotReadIsRefused) {
  const TemporaryFolder root;
  const auto sentence = [&](auto&& change) {
    TaskPlan plan = plan_task("lookup", "smoke", "linear");
    change(plan.spec);
    return sentence_of([&] { open_data(plan, {{}, root / "cache"}); }, Kind::data);
  };
  EXPECT_NE(sentence([](TaskSpec& s) { s.length = 23; }).find("24 tokens, more than the maximum of 23"),
            std::string::npos);
  EXPECT_NE(sentence([](TaskSpec& s) { s.vocab = 3; }).find("ids end at 2"), std::string::npos);
  EXPECT_NE(sentence([](TaskSpec& s) { s.classes = 1; }).find("has label 1"), std::string::npos);
  EXPECT_NE(sentence([](TaskSpec& s) { s.paired = true; }).find("has one sequence, not two"), std::string::npos);
  EXPECT_NE(sentence([](TaskSpec& s) { s.height = s.width = 5; }).find("not 5 by 5"), std::string::npos);
}

/// Return the test accuracies of the baselines on a task of the preset quick: majority, first token, bag of tokens.
std::vector<double> baselines(const std::string& task, const std::filesystem::path& cache) {
  const TaskPlan plan = plan_task(task, "quick", "linear");
  const auto data = open_data(plan, {{}, cache});
  std::vector<double> shares;
  for (const auto& [name, correct, examples] : score_baselines(*data, plan.spec))
    shares.push_back(double(correct) / double(examples));
  return shares;
}

TEST(Baselines, AreAtChanceOnLookup) {
  const TemporaryFolder root;
  for (const double share : baselines("lookup", root.path()))
    EXPECT_NEAR(share, 0.5, 0.048);  // three standard deviations for 1,000 examples
}

// There are 8 values, of which 4 occur: counting finds these and guesses among them. Three standard deviations for
// 1,000 examples.
TEST(Baselines, ChooseAmongTheValuesOnRecall) {
  const TemporaryFolder root;
  const auto shares = baselines("recall", root.path());
  EXPECT_NEAR(shares[0], 0.125, 0.032);
  EXPECT_NEAR(shares[1], 0.125, 0.032);
  EXPECT_NEAR(shares[2], 0.25, 0.041);
}

// On texts, logistic regression learns whether most of the 4 subjects are praised, which is right with probability
// 0.6875; on pairs it learns nothing.
TEST(Baselines, CountingBytesDoesNotSolveTextOrRetrieval) {
  const TemporaryFolder root;
  const auto text = baselines("text", root.path()), retrieval = baselines("retrieval", root.path());
  EXPECT_NEAR(text[1], 0.5, 0.048);
  EXPECT_LT(text[2], 0.6875 + 0.044);
  for (const double share : retrieval) EXPECT_NEAR(share, 0.5, 0.048);
}

TEST(Baselines, CountingGraysDoesNotSolveImage) {
  const TemporaryFolder root;
  const auto shares = baselines("image", root.path());
  EXPECT_EQ(shares[0], 0.1);
  EXPECT_LT(shares[1], 0.2);
  EXPECT_NEAR(shares[2], 0.1, 0.035);
}

TEST(Baselines, FindWhatIsThereToBeFound) {
  Corpus corpus;  // the label is 1 where 3 outnumbers 4; the first token does not depend on it
  for (auto& split : corpus.splits)
    for (int i = 0; i < 300; ++i) {
      const int label = i % 3 == 0;
      const auto token = std::uint16_t(label ? 3 : 4);
      split.add(std::vector<std::uint16_t>{std::uint16_t(i % 2), token, token, std::uint16_t(7 - token)}, label);
    }
  TaskSpec spec;
  spec.vocab = 5;
  spec.classes = 2;
  const auto data = in_memory(corpus);
  const auto scores = score_baselines(*data, spec);
  EXPECT_EQ(scores[0].name, "majority");
  EXPECT_EQ(scores[0].correct, 200);
  EXPECT_EQ(scores[1].name, "first_token");
  EXPECT_EQ(scores[1].correct, 200);
  EXPECT_EQ(scores[2].name, "bag_of_tokens");
  EXPECT_EQ(scores[2].correct, 300);

  Corpus first;  // here the label is the first token
  for (auto& split : first.splits)
    for (int i = 0; i < 300; ++i)
      split.add(std::vector<std::uint16_t>{std::uint16_t(i % 2), std::uint16_t(1 - i % 2)}, i % 2);
  EXPECT_EQ(score_baselines(*in_memory(first), spec)[1].correct, 300);
  EXPECT_EQ(score_baselines(*in_memory(first), spec)[2].correct, 150);
}

}  // namespace
}  // namespace lra
