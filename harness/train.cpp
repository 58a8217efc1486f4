#include "harness/train.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/clock.h"
#include "core/error.h"
#include "harness/checkpoint.h"
#include "harness/measure.h"
#include "harness/running_clock.h"
#include "harness/step.h"
#include "models/optim/schedule.h"
#include "results/tables/labels.h"
#include "tasks/batcher.h"

namespace lra {
namespace {

constexpr long kHistoryPoints = 500;  // approximate maximum of stored training losses per run

/// The examples of a split that a run may use.
long size_of(const Experiment& e, const Dataset& data, Split split) {
  const long n = data.size(split);
  if (n == 0) fail_data("{} has no {} examples", e.plan.spec.variant, name_of(split));
  return e.limit > 0 ? std::min(n, e.limit) : n;
}

/// The loss of a predictor that outputs the label frequencies of the split for every example.
double loss_of_guessing(const Dataset& data, Split split, long classes) {
  std::vector<double> counts(static_cast<std::size_t>(classes));
  const long n = data.size(split);
  for (long i = 0; i < n; ++i) ++counts.at(std::size_t(data.at(split, i).label));
  double entropy = 0;
  for (const double count : counts)
    if (count > 0) entropy -= count / double(n) * std::log(count / double(n));
  return entropy;
}

Tally tally_of(const PassResult& pass) {
  Tally tally;
  tally.add(pass.losses, pass.correct);
  return tally;
}

/// One cell's state while it trains.
class Trainer {
 public:
  Trainer(const Experiment& e, const Dataset& data, const Execution& x,
          const std::function<void(const Progress&)>& report)
      : e_(e),
        recipe_(e.plan.recipe),
        data_(data),
        x_(x),
        report_(report),
        lanes_(x.threads),
        model_(e.model, e.model_settings, parse<EncoderConfig>(e.plan.encoder, "encoder"), e.plan.spec, e.seed),
        adam_(model_.parameters().count(), recipe_),
        order_(size_of(e, data, Split::train), recipe_.batch, e.seed) {}

  TrainResult run() {
    if (keeps_state())
      load_checkpoint(x_.checkpoints.file, x_.checkpoints.experiment, x_.environment, state_, arrays());
    result_.seconds = state_.seconds;
    for (const RunPart& earlier : state_.parts) result_.shared = result_.shared || earlier.shared;
    if (x_.leave) lanes_.workers().on_abandon([this] { save(), x_.leave(); });
    try {
      measured_run();
    } catch (const Interrupted&) {
      save();
      throw;
    }
    finish();
    return std::move(result_);
  }

 private:
  void measured_run() {
    reset_peak_resident_bytes();
    resident_ = peak_resident_bytes();
    train_all();
    check_parameters();
    if (recipe_.selection == "best_val") std::copy(best_.begin(), best_.end(), model_.parameters().values().begin());
    test();
    note_process();
  }

  /// A run may be interrupted and resumed between two steps and between a step and its validation.
  void train_all() {
    while (true) {
      if (recipe_.validates_after(state_.steps) && state_.validated != state_.steps) validate(state_.steps);
      if (state_.steps == recipe_.steps) return;
      train_step(state_.steps);
      ++state_.steps;
      if (keeps_state() && seconds_since(last_save_) >= x_.checkpoint_seconds) save();
    }
  }

  void train_step(long step) {
    const StepResult result = stepper_.train(
        step, [&] { return make_batch(data_, Split::train, order_.indices(step)); },
        {.stop = x_.stop, .check_finite = x_.check_finite, .profile = x_.profile},
        [&](const MicroBatchPlan& plan, const StepResult& taken) { check_finite(step, plan, taken); });
    profile_.add(result);
    RunPart& part = this_part();
    ++part.steps, part.train_seconds += result.seconds;
    state_.data_seconds += result.data_seconds;
    state_.train_seconds += result.seconds;
    state_.flops += result.flops;
    state_.activation_bytes = std::max(state_.activation_bytes, result.activation_bytes);
    state_.peak_bytes = std::max(state_.peak_bytes, live_bytes());
    recent_.add(result.losses, result.correct);
    state_.interval.add(result.losses, result.correct);
    if ((step + 1) % std::max(1L, recipe_.steps / kHistoryPoints) == 0) note_interval(step + 1);
    if (seconds_since(last_report_) > 0.5) tell(step + 1, "train");
  }

  void note_interval(long step) {
    note(step, "train", "loss", state_.interval.mean_loss());
    for (const ParameterInfo& state : model_.parameters().list())
      if (state.is_metric)
        note(step, "train", state.name.c_str(), double(model_.parameters().values()[std::size_t(state.offset)]));
    state_.interval = {};
  }

  /// Repeats a step whose loss or gradient is not finite, to find the op that it came from.
  void check_finite(long step, const MicroBatchPlan& plan, const StepResult& result) {
    const auto finite = [](double loss) { return std::isfinite(loss); };
    const bool loss_is = std::all_of(result.losses.begin(), result.losses.end(), finite);
    if (loss_is && std::isfinite(result.squared_norm)) return;
    std::string where = first_bad_parameter();
    if (!where.empty())
      where += " before it";
    else
      where = first_bad_op(step, plan);
    diverged(fmt::format("{} is not finite at step {}", loss_is ? "gradient" : "loss", step), where);
  }

  [[noreturn]] void diverged(const std::string& what, const std::string& where) const {
    fail("{} on {} (seed {}): the {}{}; try a smaller lr or a clip", e_.model, e_.plan.spec.variant, e_.seed, what,
         where);
  }

  /// Checks the parameters after the last update, which no later step would do.
  void check_parameters() const {
    const std::string where = first_bad_parameter();
    if (!where.empty()) diverged(fmt::format("last of {} steps diverged", recipe_.steps), where);
  }

  std::string first_bad_parameter() const {
    const auto values = model_.parameters().values();
    for (const ParameterInfo& info : model_.parameters().list()) {
      const auto part = values.subspan(std::size_t(info.offset), std::size_t(info.shape.size()));
      if (!std::all_of(part.begin(), part.end(), [](float value) { return std::isfinite(value); }))
        return fmt::format(": the parameter '{}' was not finite", info.name);
    }
    return "";
  }

  std::string first_bad_op(long step, const MicroBatchPlan& plan) {
    try {
      (void)lanes_.train(model_, plan, std::uint32_t(step), {.check_finite = true});
    } catch (const Error& error) {  // its sentence names the op
      return fmt::format(": {}", error.what());
    }
    return "";
  }

  /// Every example of the split once, in order.
  PassResult evaluate(Split split) {
    std::vector<std::uint32_t> examples(std::size_t(size_of(e_, data_, split)));
    std::iota(examples.begin(), examples.end(), 0u);
    return lra::evaluate(lanes_, model_, data_, split, examples, recipe_.token_budget, {.stop = x_.stop});
  }

  void validate(long step) {
    const Tally valid = tally_of(evaluate(Split::valid));
    note(step, "valid", "loss", valid.mean_loss());
    note(step, "valid", "accuracy", valid.accuracy());
    state_.validated = step;
    if (valid.accuracy() > state_.best_accuracy) {
      state_.best_accuracy = valid.accuracy();
      const auto values = model_.parameters().values();
      if (recipe_.selection == "best_val") best_.assign(values.begin(), values.end());
      state_.best_step = step;
    }
    valid_accuracy_ = valid.accuracy();
    tell(step, "valid");
    valid_accuracy_ = -1;
  }

  void test() {
    tell(recipe_.steps, "test");
    PassResult pass = evaluate(Split::test);
    const Tally score = tally_of(pass);
    result_.test_correctness = std::move(pass.correct);
    result_.test_correct = score.correct;
    result_.test_examples = score.examples;
    result_.test_loss = score.mean_loss();
    const long step = recipe_.selection == "best_val" ? state_.best_step : recipe_.steps;
    require_finite(step, "test", "loss", result_.test_loss);
    note(step, "test", "accuracy", score.accuracy());
  }

  void finish() {
    if (x_.profile && x_.profiled) {
      profile_.threads = lanes_.threads();
      x_.profiled(profile_);
    }
    const Parameters& parameters = model_.parameters();
    result_.parameters = parameters.trained();
    result_.parameter_digest = parameters.digest();
    result_.train_seconds = std::max(state_.train_seconds, 1e-9);
    result_.data_seconds = state_.data_seconds;
    result_.activation_bytes = state_.activation_bytes;
    result_.peak_bytes = std::max(state_.peak_bytes, live_bytes());
    result_.rss_bytes = state_.rss_bytes;
    result_.parts = encode(state_.parts);
    result_.timing_flaw = timing_flaw(state_.parts);
    result_.history = std::move(state_.history);
    if (stuck_at_chance())
      result_.reason = "the training loss never left that of guessing; try another seed, lr or more steps";
    result_.examples_per_second = double(recipe_.steps * recipe_.batch) / result_.train_seconds;
    result_.gflops = state_.flops / result_.train_seconds * 1e-9;
  }

  /// The part of the run that this process computes; empty before its first step.
  RunPart& this_part() {
    if (!std::exchange(has_part_, true)) state_.parts.push_back({machine_name(x_.environment), x_.threads, x_.shared});
    return state_.parts.back();
  }

  /// Records the state of this process, for the result or for the process that resumes the run.
  void note_process() {
    state_.seconds = result_.seconds + seconds_since(begun_);
    state_.rss_bytes = std::max(state_.rss_bytes, peak_resident_bytes() - resident_);
    if (has_part_) this_part().paused_seconds = clock_.paused_seconds();
  }

  /// Bytes of values, Adam's two moments, the best values, gradient buffers, and each worker's activations.
  std::int64_t live_bytes() const {
    const std::int64_t flat = std::int64_t(sizeof(float)) * model_.parameters().count();
    return flat * (best_.empty() ? 3 : 4) + lanes_.gradient_bytes() + state_.activation_bytes * lanes_.threads();
  }

  void tell(long step, const char* phase) {
    last_report_ = Clock::now();
    if (recent_.examples > 0) shown_ = std::exchange(recent_, {});
    if (report_)
      report_({.step = step,
               .steps = recipe_.steps,
               .loss = shown_.mean_loss(),
               .accuracy = shown_.accuracy(),
               .valid_accuracy = valid_accuracy_,
               .examples_per_second = double(step * recipe_.batch) / std::max(1e-9, state_.train_seconds),
               .data_share = state_.data_seconds / std::max(1e-9, state_.train_seconds),
               .peak_bytes = live_bytes(),
               .phase = phase});
  }

  void note(long step, const char* split, const char* name, double value) {
    require_finite(step, split, name, value);
    state_.history.push_back({step, split, name, value});
  }

  void require_finite(long step, std::string_view split, const char* name, double value) const {
    if (std::isfinite(value)) return;
    const std::string_view word = split == "train" ? "training" : split == "valid" ? "validation" : split;
    diverged(fmt::format("{} {} is not finite after step {}", word, name, step), first_bad_parameter());
  }

  /// Whether the training loss stayed within 2 % of guessing over the last quarter: the model learned nothing from its
  /// input.
  bool stuck_at_chance() const {
    constexpr long kTooShortToTell = 100;
    if (recipe_.steps < kTooShortToTell) return false;
    double sum = 0;
    long noted = 0;
    for (const Metric& metric : result_.history)
      if (metric.split == "train" && metric.name == "loss" && metric.step > recipe_.steps * 3 / 4)
        sum += metric.value, ++noted;
    return noted > 0 && sum / double(noted) > 0.98 * loss_of_guessing(data_, Split::train, e_.plan.spec.classes);
  }

  bool keeps_state() const { return !x_.checkpoints.file.empty(); }
  TrainArrays arrays() { return {model_.parameters().values(), adam_.first_moment(), adam_.second_moment(), best_}; }
  void save() {
    if (!keeps_state()) return;
    note_process();
    save_checkpoint(x_.checkpoints.file, x_.checkpoints.experiment, x_.environment, state_, arrays());
    last_save_ = Clock::now();
  }

  const Experiment& e_;
  const Recipe& recipe_;
  const Dataset& data_;
  const Execution& x_;
  const std::function<void(const Progress&)>& report_;
  LaneExecutor lanes_;
  Classifier model_;
  Adam adam_;
  EpochSampler order_;
  TrainResult result_;
  TrainState state_;
  StepProfile profile_;  // of this process: after a resume, only the later steps
  Tally recent_, shown_;
  std::vector<float> best_;
  double valid_accuracy_ = -1;
  Clock::time_point begun_ = Clock::now(), last_report_ = begun_, last_save_ = begun_;
  std::int64_t resident_ = 0;  // before the first step
  bool has_part_ = false;
  RunningClock clock_;
  Stepper stepper_{lanes_, model_, adam_, recipe_, clock_};
};

}  // namespace

Json stored_encoder(const Json& encoder) {
  Json all = to_json(parse<EncoderConfig>(encoder, "encoder"));
  const Json usual = to_json(EncoderConfig{});
  for (const char* later : {"head_layers", "norm", "feed", "final_norm"})
    if (all.at(later) == usual.at(later)) all.erase(later);
  return all;
}

Json resolve_settings(const Experiment& e) {
  check(e.plan.recipe);
  return {{"model", models().at(e.model).resolve(e.model_settings)}, {"encoder", stored_encoder(e.plan.encoder)}};
}

TrainResult train(const Experiment& e, const Dataset& data, const Execution& execution,
                  const std::function<void(const Progress&)>& report) {
  (void)resolve_settings(e);
  return Trainer(e, data, execution, report).run();
}

}  // namespace lra
