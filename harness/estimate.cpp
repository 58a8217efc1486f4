#include "harness/estimate.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/clock.h"
#include "harness/measure.h"
#include "harness/step.h"
#include "harness/trial_data.h"
#include "tasks/batcher.h"

namespace lra {
namespace {

/// Seconds from the start of a cell's process to its first step and from its test to its end: two measurements of the
/// machine's peak, the workers' first primitives, the store.
constexpr double kAroundSteps = 0.4;
constexpr long kFirstLength = 32;  // tokens of the first trial
constexpr long kLookedAt = 512;    // examples whose lengths are read

/// The cost of sequences of one length, with one micro-batch of them per thread at the same time.
struct Trial {
  double length = 0;
  double seconds = 0, flops = 0;  // per thread and sequence
  double bytes = 0;               // activations per example
};

/// The cost of a training step and of an evaluated example.
struct Unit {
  double step_seconds = 0, step_flops = 0;
  double evaluation_seconds = 0, evaluation_flops = 0;  // per example
  double activation_bytes = 0, gradient_bytes = 0;
};

/// A recipe of the same cost that stays finite whatever the user's recipe says.
Recipe harmless(Recipe recipe) {
  recipe.lr = 0;
  return recipe;
}

class Calibration {
 public:
  Calibration(const Experiment& e, const DataPaths& paths, long threads, double budget)
      : e_(e),
        recipe_(harmless(e.plan.recipe)),
        budget_(budget),
        trial_(trial_data(e.plan, paths)),
        model_(e.model, e.model_settings, parse<EncoderConfig>(e.plan.encoder, "encoder"), e.plan.spec, e.seed),
        built_seconds_(seconds_since(have_data_)),
        adam_(model_.parameters().count(), recipe_),
        order_(trial_.examples->size(Split::train), recipe_.batch, e.seed),
        lanes_(threads) {}

  Estimate run() {
    try_lengths();
    const double step = from_lengths().step_seconds;
    constexpr double kNeeded = 5;  // one to warm up, some to time, and evaluation
    return total(kNeeded * step < left() ? timed() : from_lengths());
  }

 private:
  double left() const { return budget_ - seconds_since(start_); }

  /// Runs trials of doubling length while time remains. Growth needs two of them, so the second may exceed the budget,
  /// which even the first does on a busy machine.
  void try_lengths() {
    const long longest = e_.plan.spec.length;
    for (long n = std::min(kFirstLength, longest);; n = std::min(2 * n, longest)) {
      const auto start = Clock::now();
      trials_.push_back(trial_of(n));
      const double next = seconds_since(start) * std::pow(2, std::max(1.0, exponents().operations));
      if (n == longest || next > (trials_.size() < 2 ? 4 * budget_ : 0.5 * left())) return;
    }
  }

  /// The number of examples of n tokens that fill a micro-batch, or that the remaining time allows.
  long packed(long n) const {
    if (trials_.empty()) return 1;
    const Trial& last = trials_.back();
    const double each =
        sides() * last.seconds * std::pow(double(n) / last.length, std::max(1.0, exponents().operations));
    return long(std::clamp(0.1 * left() / each, 1.0, double(plan_of(double(n)).examples_at_once)));
  }

  /// The plan of a step whose sequences all have n tokens.
  PlanShape plan_of(double length) const {
    return plan_shape(recipe_.batch, std::lround(sides() * length), recipe_.token_budget);
  }

  /// Sequences per example.
  double sides() const { return e_.plan.spec.paired ? 2 : 1; }

  Exponents exponents() const { return models().at(e_.model).exponents(e_.model_settings); }

  /// Training examples, cut or repeated to n tokens per sequence.
  Batch examples_of(long n, long count) const {
    Batch batch;
    batch.paired = e_.plan.spec.paired;
    batch.offsets.push_back(0);
    for (long i = 0; i < count; ++i) {
      const Example example = trial_.examples->at(Split::train, i % trial_.examples->size(Split::train));
      for (const auto tokens : {example.tokens, example.second}) {
        if (tokens.empty()) continue;
        for (long t = 0; t < n; ++t) batch.ids.push_back(tokens[std::size_t(t) % tokens.size()]);
        batch.offsets.push_back(std::int64_t(batch.ids.size()));
      }
      batch.labels.push_back(example.label);
      batch.examples.push_back(std::uint32_t(i));
    }
    return batch;
  }

  Trial trial_of(long n) {
    const long each = packed(n);
    const Batch batch = examples_of(n, each * lanes_.threads());
    Trial trial;
    trial.length = double(n);
    for (int again = 0; again < 2; ++again) {  // the first pass creates the primitives
      const auto start = Clock::now();
      const PassResult pass = lanes_.train(model_, plan_micro_batches(batch, batch.tokens() / lanes_.threads()), 0);
      trial.seconds = seconds_since(start) / (double(each) * sides());
      trial.flops = pass.flops / double(batch.sequences());
      trial.bytes = double(pass.activation_bytes) / double(each);
    }
    return trial;
  }

  Growth growth(double Trial::*cost, double power) const {
    const Trial& last = trials_.back();
    const Trial& before = trials_.size() > 1 ? trials_[trials_.size() - 2] : last;
    return {before.length, before.*cost, last.length, last.*cost, trials_.size() > 1 ? power : 1};
  }

  /// The lengths of the sequences of some training examples.
  std::vector<double> lengths() const {
    std::vector<double> all;
    const long size = trial_.examples->size(Split::train), count = std::min(size, kLookedAt);
    for (long i = 0; i < count; ++i) {
      const Example example = trial_.examples->at(Split::train, i * size / count);
      all.push_back(double(example.tokens.size()));
      if (!example.second.empty()) all.push_back(double(example.second.size()));
    }
    return all;
  }

  Unit from_lengths() {
    const std::vector<double> all = lengths();
    const double threads = double(lanes_.threads()), batch = double(recipe_.batch);
    const auto example = [&](const Growth& cost) {
      double sum = 0;
      for (const double n : all) sum += cost(n);
      return sides() * sum / double(all.size());
    };
    const double longest = *std::max_element(all.begin(), all.end());
    const Exponents powers = exponents();
    const Growth seconds = growth(&Trial::seconds, powers.operations), flops = growth(&Trial::flops, powers.operations);
    const Growth bytes = growth(&Trial::bytes, powers.bytes);
    const PlanShape plan = plan_of(longest);
    Unit unit;
    unit.step_seconds = std::max(batch * example(seconds) / threads, sides() * seconds(longest));
    unit.step_flops = batch * example(flops);
    unit.evaluation_seconds = example(seconds) / threads / 3;  // forward is a third of forward and backward
    unit.evaluation_flops = example(flops) / 3;
    unit.activation_bytes = double(plan.examples_at_once) * bytes(longest);
    unit.gradient_bytes =
        double(sizeof(float)) * double(model_.parameters().count()) * double(plan.gradient_buffers(lanes_.threads()));
    return unit;
  }

  /// Times the cell's own first steps and part of its validation.
  Unit timed() {
    Unit unit;
    train_step(0, unit);  // creates the primitives
    unit.step_seconds = unit.step_flops = 0;
    const double enough = 0.6 * left();
    long steps = 0;
    do train_step(++steps, unit);
    while (steps < recipe_.steps && unit.step_seconds < enough);
    unit.step_seconds /= double(steps);
    unit.step_flops /= double(steps);
    unit.gradient_bytes = double(lanes_.gradient_bytes());
    time_evaluation(unit);
    return unit;
  }

  void train_step(long step, Unit& unit) {
    const StepResult result =
        stepper_.train(step, [&] { return make_batch(*trial_.examples, Split::train, order_.indices(step)); });
    unit.step_seconds += result.seconds;
    unit.step_flops += result.flops;
    unit.activation_bytes = std::max(unit.activation_bytes, double(result.activation_bytes));
  }

  void time_evaluation(Unit& unit) {
    const double example = unit.step_seconds / double(recipe_.batch) / 3;
    const long count =
        std::clamp(long(0.4 * left() / example), std::min(lanes_.threads(), kEvaluationBatch), kEvaluationBatch);
    std::vector<std::uint32_t> indices;
    const long size = trial_.examples->size(Split::valid);
    for (long i = 0; i < count; ++i) indices.push_back(std::uint32_t(i % size));
    for (int again = 0; again < 2; ++again) {  // the first pass creates the primitives
      const auto start = Clock::now();
      const PassResult pass = evaluate(lanes_, model_, *trial_.examples, Split::valid, indices, recipe_.token_budget);
      unit.evaluation_seconds = seconds_since(start) / double(count);
      unit.evaluation_flops = pass.flops / double(count);
    }
  }

  /// The total number of evaluated examples.
  double evaluated() const {
    const auto size = [this](Split split) {
      const long all = trial_.sizes[std::size_t(split)];
      return double(e_.limit > 0 ? std::min(all, e_.limit) : all);
    };
    return double(recipe_.validations()) * size(Split::valid) + size(Split::test);
  }

  Estimate total(const Unit& unit) const {
    const double steps = double(recipe_.steps);
    const double flat = double(sizeof(float)) * double(model_.parameters().count());
    const double copies = recipe_.selection == "best_val" ? 4 : 3;  // values, Adam's moments, the best values
    Estimate result;
    result.parameters = model_.parameters().trained();
    result.flops = steps * unit.step_flops + evaluated() * unit.evaluation_flops;
    result.seconds = kAroundSteps + built_seconds_ + steps * unit.step_seconds + evaluated() * unit.evaluation_seconds;
    result.peak_bytes =
        std::llround(copies * flat + unit.gradient_bytes + unit.activation_bytes * double(lanes_.threads()));
    result.basis = trial_.basis;
    if (evaluated() == 0) result.basis += "; without evaluation, because its examples are not counted yet";
    return result;
  }

  const Clock::time_point start_ = Clock::now();
  const Experiment& e_;
  Recipe recipe_;
  double budget_;
  TrialData trial_;
  const Clock::time_point have_data_ = Clock::now();
  Classifier model_;
  double built_seconds_;
  Adam adam_;
  EpochSampler order_;
  LaneExecutor lanes_;
  RunningClock clock_;
  Stepper stepper_{lanes_, model_, adam_, recipe_, clock_};
  std::vector<Trial> trials_;
};

}  // namespace

Growth::Growth(double n1, double cost1, double n2, double cost2, double exponent)
    : a_(cost2 / n2), b_(0), exponent_(exponent) {
  if (exponent <= 1) return;
  // cost / n = a + b · n^(exponent − 1), a line through two points.
  const double x1 = std::pow(n1, exponent - 1), x2 = std::pow(n2, exponent - 1);
  b_ = std::max(0.0, (cost2 / n2 - cost1 / n1) / (x2 - x1));
  a_ = cost2 / n2 - b_ * x2;
  if (a_ < 0) a_ = 0, b_ = cost2 / n2 / x2;
}

double Growth::operator()(double n) const { return a_ * n + b_ * std::pow(n, exponent_); }

Estimate estimate(const Experiment& experiment, const DataPaths& paths, long threads, double budget) {
  return Calibration(experiment, paths, threads, budget).run();
}

namespace {

/// The plan of a step whose examples all have full length.
PlanShape longest_plan(const Experiment& e) {
  const long tokens = e.plan.spec.length * (e.plan.spec.paired ? 2 : 1);
  return plan_shape(e.plan.recipe.batch, tokens, e.plan.recipe.token_budget);
}

/// Extrapolates the activation bytes of a full-length training example from two short ones.
double bytes_of_example(const Classifier& model, const Experiment& e) {
  constexpr long kShort = 64;  // tokens of a sequence
  const auto activations = [&](long n) {
    TaskSpec shorter = e.plan.spec;
    shorter.length = n;
    return double(cost_of_example(model, shorter).training_bytes);
  };
  const long length = e.plan.spec.length, first = std::min(kShort, length), second = std::min(2 * kShort, length);
  const double power = second > first ? models().at(e.model).exponents(e.model_settings).bytes : 1;
  return Growth(double(first), activations(first), double(second), activations(second), power)(double(length));
}

}  // namespace

std::int64_t bytes_of_parameters(const Experiment& e, long threads) {
  const Classifier shapes(e.model, e.model_settings, parse<EncoderConfig>(e.plan.encoder, "encoder"), e.plan.spec,
                          e.seed, Classifier::Build::shapes);
  const double copies = e.plan.recipe.selection == "best_val" ? 4 : 3;
  const double buffers = double(longest_plan(e).gradient_buffers(threads));
  return std::llround((copies + buffers) * sizeof(float) * double(shapes.parameters().count()));
}

std::int64_t needed_bytes(const Experiment& e, long threads, std::int64_t limit) {
  // Bytes: a thread's stack and primitives, with what must be free while it creates one; the operands of
  // gemm_peak_gflops. Threads often create their first primitives at the same time.
  constexpr double kOfThread = 29e6, kOfLook = 10e6;
  constexpr double kOfLibraries = 68e6;  // what oneDNN allocates once, and needs free (see Making in onednn.cpp)
  double training = double(bytes_of_parameters(e, threads));
  if (training <= double(limit)) {
    const Classifier model(e.model, e.model_settings, parse<EncoderConfig>(e.plan.encoder, "encoder"), e.plan.spec,
                           e.seed);
    const PlanShape plan = longest_plan(e);
    training += double(plan.examples_at_once * plan.running(threads)) * bytes_of_example(model, e);
  }
  const double at_once = double(threads);
  return std::llround(kOfThread * at_once + kOfLibraries + std::max(training, kOfLook * at_once));
}

}  // namespace lra
