#include "harness/bench_cell.h"

#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <numeric>
#include <optional>
#include <utility>

#include "core/clock.h"
#include "core/error.h"
#include "harness/estimate.h"
#include "harness/measure.h"
#include "harness/profile.h"
#include "harness/running_clock.h"
#include "harness/step.h"
#include "tasks/recipe.h"

namespace lra {
namespace {

constexpr long kVocabulary = 257;  // LRA's bytes and padding
constexpr long kFirstCounted = 64;
constexpr long kTelling = 1024;  // from this length on, extrapolated growth rejects what is far too large

TaskSpec spec_of(long length) { return {"bench", "bench", kVocabulary, length, 2, false, 0, 0}; }

std::string name_of_model(const BenchTask& task) { return task.model.substr(0, task.model.find(' ')); }

/// Merges the settings of all models with those in a row's name, "linformer k=64".
Json settings_of(const BenchTask& task) {
  Json settings = task.settings.is_null() ? Json::object() : task.settings;
  const std::string& row = task.model;
  for (std::size_t at = row.find(' '); at != std::string::npos; at = row.find(' ', at + 1)) {
    const std::size_t equals = row.find('=', at), end = row.find(' ', at + 1);
    if (equals == std::string::npos) fail_usage("bench: '{}' is not a model followed by settings key=value", row);
    settings[row.substr(at + 1, equals - at - 1)] = parse_scalar(row.substr(equals + 1, end - equals - 1));
  }
  return settings;
}

Classifier build(const BenchTask& task, long length, Classifier::Build how = Classifier::Build::all) {
  return {
      name_of_model(task), settings_of(task), parse<EncoderConfig>(task.encoder, "encoder"), spec_of(length), 0, how};
}

PlanShape plan_of(const BenchTask& task) { return plan_shape(task.batch, task.length, Recipe{}.token_budget); }

/// The number of parameter copies that a step keeps: values, and in training Adam's two moments.
std::int64_t copies(const BenchTask& task) { return task.training ? 3 : 1; }

Batch random_batch(const std::string& row, long length, long count) {
  const Random random(0, "bench", row);
  Batch batch;
  if (count > long(batch.ids.max_size()) / length) throw std::bad_alloc();
  batch.ids.reserve(std::size_t(length * count));  // too many are refused before the first is drawn
  batch.offsets.push_back(0);
  for (long b = 0; b < count; ++b) {
    for (long i = 0; i < length; ++i)
      batch.ids.push_back(std::int32_t(1 + random.below(kVocabulary - 1, std::uint64_t(b * length + i))));
    batch.offsets.push_back(batch.offsets.back() + length);
    batch.labels.push_back(std::int32_t(b % 2));
    batch.examples.push_back(std::uint32_t(b));
  }
  return batch;
}

/// A constant learning rate; no figure depends on it.
Recipe bench_recipe() {
  Recipe recipe;
  recipe.schedule = "constant", recipe.warmup = 0;
  return recipe;
}

/// A model at one length, with its data and optimiser.
class Subject {
 public:
  Subject(const BenchTask& task, LaneExecutor& lanes, RunningClock& clock)
      : training_(task.training),
        classifier_(build(task, task.length)),
        adam_(task.training ? classifier_.parameters().count() : 0, recipe_),
        batch_(random_batch(task.model, task.length, task.batch)),
        stepper_(lanes, classifier_, adam_, recipe_, clock) {}

  long parameters() const { return classifier_.parameters().trained(); }

  StepResult step(const PassOptions& options = {}) {
    const auto data = [this] { return batch_; };
    return training_ ? stepper_.train(steps_++, data, options) : stepper_.infer(data, options);
  }

 private:
  bool training_;
  Recipe recipe_ = bench_recipe();
  Classifier classifier_;
  Adam adam_;
  Batch batch_;
  Stepper stepper_;
  long steps_ = 0;
};

/// Seconds per example of n tokens when every thread computes one.
double seconds_of_example(const BenchTask& task, long n) {
  const Classifier classifier = build(task, n);
  const Batch batch = random_batch(task.model, n, task.threads);
  LaneExecutor lanes(task.threads);
  double seconds = 0;
  for (int again = 0; again < 2; ++again) {  // the first pass creates the primitives
    const auto start = Clock::now();
    if (task.training)
      lanes.train(classifier, plan_micro_batches(batch, n), 0);
    else
      lanes.evaluate(classifier, plan_micro_batches(batch, n));
    seconds = seconds_since(start);
  }
  return seconds;
}

Json encode_task(const BenchTask& task) {
  Json json = to_json(task);
  json["encoder"] = task.encoder, json["settings"] = task.settings;
  return json;
}

BenchTask decode_task(Json json) {
  BenchTask task;
  task.encoder = json.at("encoder"), task.settings = json.at("settings");
  json.erase("encoder"), json.erase("settings");
  return parse<BenchTask>(json, "bench", task);
}

void serve_cell(const BenchTask& task, const std::function<void(const Json&)>& answer,
                const std::function<bool()>& wait) {
  BenchMeter meter(task);
  answer({{"fits", meter.fits()}});
  if (!wait()) return;
  if (!meter.fits()) return answer({{"metrics", meter.metrics()}});
  for (long turn = 1;; ++turn) {
    meter.turn();
    if (turn == task.turns) break;
    answer({{"turn", turn}});
    if (!wait()) return;
  }
  Json last{{"metrics", meter.metrics()}};
  if (task.profile) last["profile"] = meter.profile();
  answer(last);
}

}  // namespace

std::int64_t estimated_bytes(const BenchTask& task, std::int64_t available, long longest) {
  const PlanShape plan = plan_of(task);
  const long buffers = task.training ? plan.gradient_buffers(task.threads) : 0;
  const long at_once = plan.running(task.threads) * plan.examples_at_once;
  const long parameters = build(task, task.length, Classifier::Build::shapes).parameters().count();
  const double known = double((copies(task) + buffers) * parameters) * sizeof(float);
  const auto counted = [&](long n) {
    const ExampleCost cost = cost_of_example(build(task, n), spec_of(n));
    return double(at_once * (task.training ? cost.training_bytes : cost.inference_bytes));
  };
  long n = std::min(task.length, kFirstCounted);
  for (double before = 0, last = counted(n); true;) {
    const double exponent = before > 0 ? std::log2(last / before) : 2;
    const auto at = [&](long longer) { return known + last * std::pow(double(longer) / double(n), exponent); };
    const bool is_hopeless = n >= kTelling && at(task.length) > 4 * double(available);
    const bool is_too_large = before > 0 && at(2 * n) > double(available);  // one count alone has no growth
    if (2 * n >= task.length || 2 * n > longest || is_hopeless || is_too_large) return std::llround(at(task.length));
    n *= 2;
    before = std::exchange(last, counted(n));
  }
}

std::vector<BenchForecast> forecast(const BenchTask& task, const std::vector<long>& lengths) {
  constexpr long kLongest = 256;        // tokens of the longest trial
  constexpr double kAroundSteps = 0.1;  // seconds to start a process
  const long longest = std::clamp(*std::max_element(lengths.begin(), lengths.end()), 2L, kLongest);
  const long half = longest / 2;
  const Growth example(double(half), seconds_of_example(task, half), double(longest), seconds_of_example(task, longest),
                       models().at(name_of_model(task)).exponents(settings_of(task)).operations);
  std::vector<BenchForecast> all;
  for (const long length : lengths) {
    BenchTask cell = task;
    cell.length = length;
    const double one = example(double(length));
    const double step = one * std::ceil(double(task.batch) / double(task.threads));
    const double untimed = double(task.alone ? 1 : task.turns);
    all.push_back({kAroundSteps + one + untimed * step + std::max(double(task.turns) * step, task.seconds),
                   estimated_bytes(cell, available_bytes(task.max_memory), kLongest)});
  }
  return all;
}

struct BenchMeter::Rep {
  explicit Rep(const BenchTask& the_task) : task(the_task) {
    const std::int64_t available = available_bytes(task.max_memory);
    estimate = estimated_bytes(task, available, task.length);
    if (estimate > available) return;
    malloc_trim(0);  // of what the estimate took
    reset_peak_resident_bytes();
    const std::int64_t before = peak_resident_bytes();
    clock.emplace();
    lanes.emplace(task.threads);
    subject.emplace(task, *lanes, *clock);
    last = subject->step();
    activations = last.activation_bytes;
    gradients = task.training ? lanes->gradient_bytes() : 0;
    resident = std::max<std::int64_t>(0, peak_resident_bytes() - before);  // Linux counts pages with a delay
    give_way();
  }

  /// Releases the memory kept for the next step, which other cells may need.
  void give_way() {
    if (task.alone) return;
    trim_memory(lanes->workers());
    trimmed = true;
  }

  /// Takes released memory back before anything is timed.
  void take_back() {
    if (std::exchange(trimmed, false)) subject->step();
  }

  void turn() {
    take_back();
    for (double spent = 0, enough = task.seconds / double(task.turns); spent == 0 || spent < enough;) {
      last = whole_step();
      seconds.push_back(last.seconds);
      spent += last.seconds;
    }
    give_way();
  }

  /// Repeats a step that contains a pause of the process, once.
  StepResult whole_step(const PassOptions& options = {}) {
    constexpr int kMostTries = 20;
    for (int tries = 0; tries < kMostTries; ++tries)
      if (StepResult step = subject->step(options); step.paused_seconds == 0) return step;
    fail("the process was stopped in each of {} steps, so none could be timed; measure when it may run", kMostTries);
  }

  BenchTask task;
  std::int64_t estimate = 0;
  std::optional<RunningClock> clock;
  std::optional<LaneExecutor> lanes;
  std::optional<Subject> subject;  // empty if the cell does not fit in memory
  StepResult last;
  std::int64_t activations = 0;  // of a micro-batch
  std::int64_t gradients = 0, resident = 0;
  bool trimmed = false;
  std::vector<double> seconds;
};

BenchMeter::BenchMeter(const BenchTask& task) : rep_(std::make_unique<Rep>(task)) {}
BenchMeter::~BenchMeter() = default;

bool BenchMeter::fits() const { return rep_->subject.has_value(); }

void BenchMeter::turn() { rep_->turn(); }

Json BenchMeter::metrics() const {
  const BenchTask& task = rep_->task;
  if (!fits()) return {{"estimated_bytes", rep_->estimate}};
  const PlanShape plan = plan_of(task);
  const double median = quantile(rep_->seconds, 0.5);
  const double activations = double(rep_->activations * plan.running(task.threads));
  const double parameters = double(rep_->subject->parameters()), gradients = double(rep_->gradients);
  return {{"median_ms", 1e3 * median},
          {"p10_ms", 1e3 * quantile(rep_->seconds, 0.1)},
          {"p90_ms", 1e3 * quantile(rep_->seconds, 0.9)},
          {"steps_per_second", 1 / median},
          {"examples_per_second", double(task.batch) / median},
          {"gflops", 1e-9 * rep_->last.flops / median},
          {"bytes_moved", rep_->last.bytes_moved},
          {"peak_bytes", activations + gradients + double(copies(task)) * sizeof(float) * parameters},
          {"gradient_bytes", gradients},
          {"activation_bytes", activations},
          {"bytes_per_example", double(rep_->activations) / double(plan.examples_at_once)},
          {"rss_bytes", double(rep_->resident)},
          {"parameters", parameters},
          {"estimated_bytes", double(rep_->estimate)}};
}

Json BenchMeter::profile() {
  rep_->take_back();
  StepProfile profile{.threads = rep_->task.threads};
  do profile.add(rep_->whole_step({.profile = true}));
  while (profile.seconds < rep_->task.seconds);
  return encode(profile);
}

Json forecast_request(const BenchTask& task, const std::vector<long>& lengths) {
  return {{"forecast", encode_task(task)}, {"lengths", lengths}};
}

Json measure_request(const BenchTask& task) { return {{"measure", encode_task(task)}}; }

Json machine_request(long threads, long max_memory) { return {{"machine", threads}, {"max_memory", max_memory}}; }

void serve_bench(const Json& request, const std::function<void(const Json&)>& answer,
                 const std::function<bool()>& wait) {
  if (request.contains("machine")) {
    WorkerPool workers(request.at("machine").get<long>());
    const double gflops = gemm_peak_gflops(workers);
    answer(
        {{"gflops", gflops}, {"bandwidth", memory_bandwidth(workers, request.at("max_memory").get<std::int64_t>())}});
  } else if (request.contains("forecast")) {
    Json all = Json::array();
    for (const BenchForecast& one : forecast(decode_task(request.at("forecast")), request.at("lengths")))
      all.push_back({one.seconds, one.bytes});
    answer({{"forecast", all}});
  } else {
    serve_cell(decode_task(request.at("measure")), answer, wait);
  }
}

}  // namespace lra
