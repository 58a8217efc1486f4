/// Prints a digest of short training runs of every model at the level of this process, for golden_bits_test.cpp:
///
///   golden_bits [MODEL...]                as JSON: {level: {"engine": {path: entry}, "models": {model: entry}}}
///   golden_bits --record FILE [MODEL...]  replaces this level's entries in FILE; fails if bits changed but their
///                                         revision did not
///
/// With names, of these models only. An entry is "revision 1.1, bits 0123456789abcdef". LRA_MAX_ISA and
/// ONEDNN_MAX_CPU_ISA set the level.
#include <array>
#include <cstdlib>
#include <iostream>
#include <map>
#include <vector>

#include "core/digest.h"
#include "core/error.h"
#include "core/file.h"
#include "core/random.h"
#include "harness/environment.h"
#include "harness/revision.h"
#include "harness/train.h"
#include "models/layers/mixer.h"
#include "models/tensor/detail/instruction_set.h"
#include "models/tensor/detail/kernels.h"
#include "results/store/numeric_level.h"

namespace lra {
namespace {

/// Lengths just below, at and just above the tiles of 16, 64 and 256 rows and the models' blocks.
constexpr std::array<long, 12> kLengths{300, 1, 17, 64, 65, 129, 257, 15, 256, 63, 31, 128};
constexpr long kLongest = 300, kTrain = 8, kEach = 2;

/// Random tokens from a vocabulary of 30, in 3 classes, with the lengths above; if the task's length is not kLongest,
/// all examples have the task's length.
class Examples final : public Dataset {
 public:
  explicit Examples(const TaskSpec& spec) : paired_(spec.paired) {
    const Random random(7, "golden", "tokens");
    for (std::size_t i = 0; i < kLengths.size(); ++i)
      for (auto* side : {&first_, &second_}) {
        const long usual = kLengths[side == &first_ ? i : kLengths.size() - 1 - i];
        const long length = spec.length == kLongest ? usual : spec.length;
        std::vector<std::uint16_t>& tokens = side->emplace_back();
        const std::uint32_t at = std::uint32_t(2 * i + (side == &second_)) * 10000;
        for (std::uint32_t t = 0; t < std::uint32_t(length); ++t)
          tokens.push_back(std::uint16_t(random.below(std::uint32_t(spec.vocab), at + t)));
      }
  }

  long size(Split split) const override { return split == Split::train ? kTrain : kEach; }
  Example at(Split split, long index) const override {
    const long from = split == Split::train ? 0 : split == Split::valid ? kTrain : kTrain + kEach;
    const auto i = std::size_t(from + index);
    Example example{first_[i], {}, int(i % 3)};
    if (paired_) example.second = second_[i];
    return example;
  }
  Extent extent(Split split) const override {
    Extent extent;
    for (long i = 0; i < size(split); ++i) extent.include(at(split, i), i == 0);
    return extent;
  }
  const std::string& fingerprint() const override { return fingerprint_; }

 private:
  bool paired_;
  std::vector<std::vector<std::uint16_t>> first_, second_;
  std::string fingerprint_ = "golden";
};

/// One kind of run: a task and its differences from the usual settings.
struct Case {
  TaskSpec spec{"golden", "golden", 30, kLongest, 3, false, 0, 0};
  Json encoder = Json::object(), recipe = Json::object(), model = Json::object();
};

/// Trains a model and adds the bits of its parameters and metrics to the digest.
void add_bits(Digest& digest, const std::string& model, const Case& one) {
  const Json shape{{"width", 16}, {"ff", 24}, {"heads", 2}, {"layers", 2}};
  Experiment experiment;
  experiment.plan.spec = one.spec;
  experiment.plan.encoder = shape;
  experiment.plan.encoder.update(one.encoder);
  Json recipe{{"steps", 2}, {"batch", 4}, {"eval_every", 2}, {"lr", 0.01}, {"token_budget", 400}};
  recipe.update(one.recipe);
  experiment.plan.recipe = parse<Recipe>(recipe, "recipe");
  experiment.model = model;
  experiment.model_settings = models().at(model).resolve(one.model);
  experiment.seed = 5;
  const auto run = train(experiment, Examples(one.spec), {}, [](const Progress&) {});
  digest.add(run.parameter_digest + fmt::format(" {} {:a}", run.test_correct, run.test_loss));
  for (const Metric& metric : run.history)
    digest.add(fmt::format(" {} {} {:a}", metric.step, metric.name, metric.value));
}

std::string entry(const std::string& model, Digest& digest) {
  return fmt::format("revision {}, bits {}", model_revision(model), digest.hex().substr(0, 16));
}

std::string entry_of(const std::string& model) {
  std::vector<Case> cases(4);
  // All tokens of a batch form one micro-batch, which has more tokens than a weight gradient sums at once (512,
  // onednn.cpp).
  cases[1].recipe = {{"steps", 1}, {"batch", 8}, {"eval_every", 1}, {"token_budget", 1024}};
  cases[1].encoder = {{"pool", "cls"}, {"positions", "sinusoid"}, {"dropout", 0.0}, {"qkv", 24}};
  cases[2].spec.paired = true;
  cases[2].recipe = {{"batch", 2}};
  cases[2].encoder = {{"heads", 4}, {"head_width", 40}};
  cases[3].spec.height = 13, cases[3].spec.width = 11, cases[3].spec.length = 143;
  cases[3].recipe = {{"batch", 2}};
  const ModelFacts& facts = models().at(model).facts;
  if (facts.causal) cases.emplace_back().model = {{"causal", true}};
  if (facts.exponent <= 1) {  // beyond the depth at which every product is summed in pieces (4 · 512, onednn.cpp)
    Case& longest = cases.emplace_back();
    longest.spec.length = 2100;
    longest.encoder = {{"layers", 1}};
    longest.recipe = {{"steps", 1}, {"batch", 1}, {"eval_every", 1}};
  }
  Digest digest;
  for (const Case& one : cases) add_bits(digest, model, one);
  return entry(model, digest);
}

constexpr const char* kCheapest = "identity";

/// Runs with the optimisers, schedules and heads that the runs above do not cover.
Json engine_entries() {
  const std::map<std::string, Json> recipes{
      {"clipping", {{"clip", 0.01}}},
      {"constant", {{"schedule", "constant"}, {"beta1", 0.8}, {"beta2", 0.99}, {"epsilon", 1e-6}}},
      {"cosine", {{"schedule", "cosine"}, {"warmup", 2}}},
      {"cosine cycles", {{"schedule", "cosine"}, {"cycle", 3}}},
      {"last selection", {{"selection", "last"}, {"eval_every", 2}}},
      {"rsqrt", {{"schedule", "rsqrt"}, {"warmup", 2}}},
      {"weight decay", {{"weight_decay", 0.1}, {"clip", 1.0}}}};
  Json entries = Json::object();
  const auto add = [&](const std::string& name, const Case& one) {
    Digest digest;
    add_bits(digest, kCheapest, one);
    entries[name] = entry(kCheapest, digest);
  };
  for (const auto& [name, recipe] : recipes) {
    Case one;
    one.recipe = recipe;
    one.recipe["steps"] = 7;
    add(name, one);
  }
  Case concatenated;
  concatenated.spec.paired = true;
  concatenated.encoder = {{"interaction", "concat"}, {"pool", "cls"}};
  add("concatenated pair", concatenated);
  return entries;
}

Json entries_of(const std::vector<std::string>& names) {
  Json all{{"engine", engine_entries()}, {"models", Json::object()}};
  for (const std::string& model : names) all["models"][model] = entry_of(model);
  return all;
}

/// Throws a usage error if bits changed but their revision did not: recording must not silence a failing test.
void check_recordable(const Json& before, const Json& now, const std::string& file) {
  const auto revision_of = [](const std::string& entry) { return entry.substr(0, entry.find(',')); };
  std::vector<std::string> changed;
  for (const auto& [part, entries] : now.items())
    for (const auto& [name, entry] : entries.items()) {
      const std::string old = before.value(part, Json::object()).value(name, "");
      if (old != entry && revision_of(old) == revision_of(entry)) changed.push_back(name);
    }
  if (!changed.empty())
    fail_usage(
        "{} holds other bits of the same revision for {}; raise the number first (CONTRIBUTING.md), or, when the "
        "number is new or the runs of golden_bits.cpp themselves changed, remove these entries from the file",
        file, fmt::join(changed, ", "));
}

int golden_bits(int argc, char** argv) {
  if (const char* highest = std::getenv("LRA_MAX_ISA"); highest && *highest) kernels::limit_instruction_set(highest);
  const std::string level = level_name(capture_environment());
  const bool record = argc >= 3 && argv[1] == std::string("--record");
  const std::vector<std::string> chosen(argv + (record ? 3 : 1), argv + argc);
  Json file = record && is_file(argv[2]) ? Json::parse(read_file(argv[2])) : Json::object();
  const Json entries = entries_of(chosen.empty() ? models().names() : chosen);
  if (record) check_recordable(file.value(level, Json::object()), entries, argv[2]);
  if (chosen.empty())
    file[level] = entries;
  else
    file[level].merge_patch(entries);
  if (record)
    write_file(argv[2], file.dump(1) + "\n");
  else
    std::cout << file.dump(1) << "\n";
  return 0;
}

}  // namespace
}  // namespace lra

int main(int argc, char** argv) {
  try {
    return lra::golden_bits(argc, argv);
  } catch (const lra::Error& error) {
    std::cerr << error.what() << "\n";
    return static_cast<int>(error.kind());
  }
}
