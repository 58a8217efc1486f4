#include "harness/checkpoint.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <thread>

#include "core/file.h"
#include "harness/experiment.h"
#include "harness/train.h"
#include "results/results_testing.h"

namespace lra {
namespace {

const Json kExperiment{{"model", "identity"}, {"seed", 3}};

Environment here() {
  Environment environment;
  environment.isa = "AVX3", environment.onednn = "2.6.3", environment.onednn_isa = "AVX512_CORE";
  return environment;
}
const Environment kHere = here();

struct State {
  TrainState state;
  std::vector<float> parameters, first, second, best;
  TrainArrays arrays() { return {parameters, first, second, best}; }
};

State sample() {
  State s;
  s.state.steps = 17, s.state.validated = 10, s.state.best_step = 10;
  s.state.best_accuracy = 1.0 / 3, s.state.interval = {0.1, 5, 24};
  s.state.train_seconds = 0.7, s.state.flops = 1e15 / 3, s.state.activation_bytes = 1L << 40;
  s.state.seconds = 2.5, s.state.peak_bytes = 1L << 41, s.state.rss_bytes = 1L << 42;
  s.state.parts = {{"Fast One, 2 cores", 2, true, 10, 0.5, 0}, {"Fast One, 2 cores", 1, false, 7, 0.2, 3.25}};
  s.state.history = {{10, "train", "loss", 2.0 / 3},
                     {10, "valid", "loss", std::numeric_limits<double>::infinity()},
                     {10, "valid", "accuracy", 1.0 / 3}};
  s.parameters = {1.5f, -0.0f, std::numeric_limits<float>::denorm_min()};
  s.first = {0.1f, 0.2f, 0.3f};
  s.second = {0.4f, 0.5f, 0.6f};
  s.best = {7, 8, 9};
  return s;
}

State empty() {
  State s;
  s.parameters.resize(3), s.first.resize(3), s.second.resize(3);
  return s;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Checkpoint, GivesBackEveryBit) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "c.safetensors";
  State saved = sample(), loaded = empty();
  save_checkpoint(file, kExperiment, kHere, saved.state, saved.arrays());
  ASSERT_TRUE(load_checkpoint(file, kExperiment, kHere, loaded.state, loaded.arrays()));
  EXPECT_EQ(to_json(loaded.state), to_json(saved.state));
  EXPECT_EQ(encode(loaded.state.parts), encode(saved.state.parts));
  EXPECT_EQ(loaded.state.parts.size(), 2u);
  ASSERT_EQ(loaded.state.history.size(), saved.state.history.size());
  for (std::size_t i = 0; i < saved.state.history.size(); ++i) {
    EXPECT_EQ(loaded.state.history[i].step, saved.state.history[i].step);
    EXPECT_EQ(loaded.state.history[i].split, saved.state.history[i].split);
    EXPECT_EQ(loaded.state.history[i].name, saved.state.history[i].name);
    EXPECT_EQ(loaded.state.history[i].value, saved.state.history[i].value);
  }
  EXPECT_TRUE(same_bits(loaded.parameters, saved.parameters));
  EXPECT_TRUE(same_bits(loaded.first, saved.first));
  EXPECT_TRUE(same_bits(loaded.second, saved.second));
  EXPECT_TRUE(same_bits(loaded.best, saved.best));
}

TEST(Checkpoint, IsNotThereBeforeItIsWritten) {
  const TemporaryFolder folder;
  State loaded = empty();
  EXPECT_FALSE(load_checkpoint(folder.path() / "none", kExperiment, kHere, loaded.state, loaded.arrays()));
}

// Tests bytes of the header, the metadata and the arrays.
TEST(Checkpoint, RefusesAFileWithOneWrongByte) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "c.safetensors";
  State saved = sample();
  save_checkpoint(file, kExperiment, kHere, saved.state, saved.arrays());
  const std::string good = read_file(file);
  for (std::size_t at = 0; at < good.size(); at += 7) {
    std::string bad = good;
    bad[at] = char(bad[at] ^ 4);
    write_file(file, bad);
    State loaded = empty();
    EXPECT_THROW(load_checkpoint(file, kExperiment, kHere, loaded.state, loaded.arrays()), Error) << "byte " << at;
    EXPECT_TRUE(same_bits(loaded.parameters, empty().parameters)) << "byte " << at;
  }
  write_file(file, good.substr(0, good.size() / 2));
  State loaded = empty();
  EXPECT_THROW(load_checkpoint(file, kExperiment, kHere, loaded.state, loaded.arrays()), Error);
}

TEST(Checkpoint, RefusesAnotherExperimentAndAnotherModel) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "c.safetensors";
  State saved = sample(), loaded = empty();
  save_checkpoint(file, kExperiment, kHere, saved.state, saved.arrays());
  const auto other = [&] { load_checkpoint(file, {{"model", "other"}}, kHere, loaded.state, loaded.arrays()); };
  EXPECT_NE(sentence_of(other, Kind::data).find("another experiment"), std::string::npos);
  loaded.parameters.resize(4);
  const auto larger = [&] { load_checkpoint(file, kExperiment, kHere, loaded.state, loaded.arrays()); };
  EXPECT_NE(sentence_of(larger, Kind::data).find("3 values, the model has 4"), std::string::npos);
}

// At another level the same steps give other bits. The failed load must change nothing.
TEST(Checkpoint, RefusesAnotherLevelAndSaysHowToGetItBack) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "c.safetensors";
  State saved = sample();
  save_checkpoint(file, kExperiment, kHere, saved.state, saved.arrays());
  const auto refused = [&](Environment now) {
    State loaded = empty();
    std::string words =
        sentence_of([&] { load_checkpoint(file, kExperiment, now, loaded.state, loaded.arrays()); }, Kind::data);
    EXPECT_TRUE(same_bits(loaded.parameters, empty().parameters));
    EXPECT_NE(words.find("--force"), std::string::npos) << words;
    return words;
  };
  Environment other = kHere;
  other.onednn_isa = "AVX2";
  EXPECT_NE(refused(other).find("it was made with AVX3 and oneDNN 2.6.3 on AVX512_CORE, here are AVX3 and oneDNN 2.6.3 "
                                "on AVX2, which give other bits; set ONEDNN_MAX_CPU_ISA=AVX512_CORE on a processor"),
            std::string::npos)
      << refused(other);
  other = kHere, other.isa = "AVX2";
  EXPECT_NE(refused(other).find("set LRA_MAX_ISA=AVX3"), std::string::npos) << refused(other);
  other = kHere, other.onednn = "3.0";
  EXPECT_NE(refused(other).find("use oneDNN 2.6.3"), std::string::npos) << refused(other);
}

TEST(Checkpoint, PartsUnderOtherConditionsAreNotOneTiming) {
  const RunPart one{"A, 2 cores", 1, false, 10, 0.5, 0}, two{"A, 2 cores", 2, false, 10, 0.5, 0};
  RunPart elsewhere = one, stopped = one;
  elsewhere.machine = "B, 4 cores", stopped.paused_seconds = 3.25;
  EXPECT_EQ(timing_flaw({}), "");
  EXPECT_EQ(timing_flaw({one, one}), "") << "to go on changes nothing by itself";
  EXPECT_EQ(timing_flaw({one, two, one}), "1 and 2 threads");
  EXPECT_EQ(timing_flaw({one, elsewhere}), "several machines (A, 2 cores; B, 4 cores)");
  EXPECT_EQ(timing_flaw({stopped}), "stopped for 3.2 s");
}

TEST(Checkpoint, KeepsTheOldOneWhenTheNewOneCannotBeWritten) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "c.safetensors";
  State saved = sample();
  save_checkpoint(file, kExperiment, kHere, saved.state, saved.arrays());
  const std::string before = read_file(file);
  ++saved.state.steps;
  const FileSizeLimit limit(rlim_t(before.size() / 2));
  EXPECT_THROW(save_checkpoint(file, kExperiment, kHere, saved.state, saved.arrays()), Error);
  EXPECT_EQ(read_file(file), before);
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"c.safetensors"});
}

/// Everything of a run that must not depend on interruptions.
std::string bits(const TrainResult& run) {
  std::string text = run.parameter_digest + fmt::format(" {} {:a} ", run.test_correct, run.test_loss);
  for (const std::uint8_t hit : run.test_correctness) text += hit ? '1' : '0';
  for (const Metric& metric : run.history)
    text += fmt::format(" {} {} {} {:a}", metric.step, metric.split, metric.name, metric.value);
  return text;
}

// Source of the expected bits: the same experiment without interruptions.
TEST(Checkpoint, ARunThatIsCutOffAgainAndAgainEndsWithTheSameBits) {
  const TemporaryFolder folder;
  Overrides overrides;
  overrides.set = {{"steps", 60}, {"eval_every", 7}, {"dropout", 0.1}};
  const Experiment experiment = make_experiment("lookup", "smoke", "linformer", 1, 0, overrides);
  const auto data = open_data(experiment.plan, {"", folder.path() / "cache"});
  const auto nobody = [](const Progress&) {};
  const TrainResult whole = train(experiment, *data, {}, nobody);

  std::atomic<bool> stop{false};
  Execution execution;
  execution.stop = &stop;
  execution.checkpoints = {folder.path() / "c.safetensors", canonical(experiment, data->fingerprint())};
  int cuts = 0;
  for (std::int64_t wait = 0;; wait += 500 + wait / 8) {  // microseconds: each attempt runs a little longer
    stop = false;
    execution.threads = 1 + cuts % 3;
    std::thread clock([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(wait));
      stop = true;
    });
    try {
      const TrainResult run = train(experiment, *data, execution, nobody);
      clock.join();
      EXPECT_EQ(bits(run), bits(whole));
      break;
    } catch (const Interrupted&) {
      clock.join();
      ++cuts;
    }
  }
  EXPECT_GT(cuts, 3);
}

}  // namespace
}  // namespace lra
