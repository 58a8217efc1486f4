#include "harness/bench.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "harness/core/error.h"
#include "harness/measure.h"
#include "harness/update.h"
#include "tasks/recipe.h"

namespace lra {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

constexpr long kVocabulary = 257;  // LRA's bytes and padding
constexpr long kLeastSteps = 3;

TaskSpec spec_of(long length) { return {"bench", "bench", kVocabulary, length, 2, false, 0, 0}; }

/// The settings of all models and those that a row's own name gives, "linformer k=64".
Json settings_of(const BenchRequest& request, const std::string& row) {
  Json settings = request.settings.is_null() ? Json::object() : request.settings;
  for (std::size_t at = row.find(' '); at != std::string::npos; at = row.find(' ', at + 1)) {
    const std::size_t equals = row.find('=', at), end = row.find(' ', at + 1);
    if (equals == std::string::npos) fail_usage("bench: '{}' is not a model followed by settings key=value", row);
    settings[row.substr(at + 1, equals - at - 1)] = parse_scalar(row.substr(equals + 1, end - equals - 1));
  }
  return settings;
}

Classifier build(const BenchRequest& request, const std::string& row, long length) {
  return {row.substr(0, row.find(' ')), settings_of(request, row), parse<EncoderConfig>(request.encoder, "encoder"),
          spec_of(length), 0};
}

/// How a step is cut: see lanes.h.
struct Cut {
  Cut(const BenchRequest& request, long length)
      : packed(std::clamp(Recipe{}.token_budget / length, 1L, request.batch)),
        lanes(std::min(64L, (request.batch + packed - 1) / packed)),
        concurrent(std::min(request.threads, lanes)) {}
  long packed;      // examples of a micro-batch
  long lanes;       // at most
  long concurrent;  // micro-batches alive at a time
};

/// Copies of the parameters that a step keeps: values, and in training Adam's two moments.
std::int64_t copies(const BenchRequest& request) { return request.training ? 3 : 1; }

Batch random_batch(const BenchRequest& request, const std::string& row, long length) {
  const Random random(0, "bench", row);
  Batch batch;
  batch.offsets.push_back(0);
  for (long b = 0; b < request.batch; ++b) {
    for (long i = 0; i < length; ++i)
      batch.ids.push_back(std::int32_t(1 + random.below(kVocabulary - 1, std::uint64_t(b * length + i))));
    batch.offsets.push_back(batch.offsets.back() + length);
    batch.labels.push_back(std::int32_t(b % 2));
    batch.examples.push_back(std::uint32_t(b));
  }
  return batch;
}

/// A model at one length with everything that a step needs.
class Stepper {
 public:
  Stepper(const BenchRequest& request, const std::string& row, long length)
      : training_(request.training),
        classifier_(build(request, row, length)),
        adam_(request.training ? classifier_.parameters().count() : 0, recipe_),
        batch_(random_batch(request, row, length)) {}

  long parameters() const { return classifier_.parameters().trained(); }
  /// Of all steps so far, what updates of the parameters took.
  double optimiser_seconds() const { return optimiser_seconds_; }

  Pass step(Lanes& lanes) {
    if (!training_) return lanes.evaluate(classifier_, batch_, recipe_.token_budget);
    Pass pass = lanes.train(classifier_, batch_, recipe_.token_budget, std::uint32_t(steps_));
    const auto start = Clock::now();
    const double norm = std::sqrt(squared_norm(classifier_.parameters(), pass.gradients));
    update(lanes, adam_, adam_.at(steps_++, recipe_.lr, clip_factor(norm, recipe_.clip)), pass.gradients,
           classifier_.parameters());
    optimiser_seconds_ += seconds_since(start);
    // Adam reads values, gradients and moments, and writes all but the gradients.
    pass.bytes_moved += 7.0 * sizeof(float) * double(parameters());
    return pass;
  }

 private:
  bool training_;
  Recipe recipe_;
  Classifier classifier_;
  Adam adam_;
  Batch batch_;
  long steps_ = 0;
  double optimiser_seconds_ = 0;
};

struct StepMemory {
  std::int64_t activations = 0;  // of a micro-batch
  std::int64_t gradients = 0, resident = 0;
};

/// With workers of its own, so that nothing is there already.
StepMemory memory_of_step(const BenchRequest& request, const std::string& row, long length) {
  reset_peak_resident_bytes();
  const std::int64_t before = peak_resident_bytes();
  Lanes lanes(request.threads);
  Stepper stepper(request, row, length);
  const Pass pass = stepper.step(lanes);
  return {pass.activation_bytes, request.training ? lanes.gradient_bytes() : 0, peak_resident_bytes() - before};
}

/// One row of the table.
struct Cell {
  std::string model;
  long length = 0;
  std::int64_t estimate = 0;
  std::unique_ptr<Stepper> stepper;  // none: it does not fit
  StepMemory memory;
  Pass last;
  std::vector<double> seconds;

  bool wants_more(double least) const {
    return stepper &&
           (long(seconds.size()) < kLeastSteps || std::accumulate(seconds.begin(), seconds.end(), 0.0) < least);
  }
};

Cell start(const BenchRequest& request, const std::string& model, long length, Lanes& lanes) {
  Cell cell;
  cell.model = model, cell.length = length;
  trim_memory(lanes);
  const std::int64_t available = available_bytes(request.max_memory);
  cell.estimate = estimated_bytes(request, model, length, available);
  if (cell.estimate > available) return cell;
  trim_memory(lanes);  // once more, of what the estimate took
  cell.memory = memory_of_step(request, model, length);
  cell.stepper = std::make_unique<Stepper>(request, model, length);
  return cell;
}

void timed_step(const BenchRequest& request, Cell& cell, Lanes& lanes) {
  // What the others keep for their next turn may be what this one needs.
  if (available_bytes(request.max_memory) < cell.estimate) trim_memory(lanes);
  const auto start = Clock::now();
  cell.last = cell.stepper->step(lanes);
  cell.seconds.push_back(seconds_since(start));
}

void take_turns(const BenchRequest& request, std::vector<Cell>& cells, Lanes& lanes) {
  for (Cell& cell : cells) {
    if (!cell.stepper) continue;
    timed_step(request, cell, lanes);  // warm-up
    cell.seconds.clear();
  }
  for (bool more = true; more;) {
    more = false;
    for (Cell& cell : cells) {
      if (!cell.wants_more(request.seconds)) continue;
      timed_step(request, cell, lanes);
      more = true;
    }
  }
}

struct Machine {
  double gflops, bandwidth;
};

Machine measure_machine(Lanes& lanes) { return {gemm_peak_gflops(lanes), memory_bandwidth(lanes)}; }

Machine mean(const Machine& a, const Machine& b) {
  return {0.5 * (a.gflops + b.gflops), 0.5 * (a.bandwidth + b.bandwidth)};
}

using Metrics = std::vector<std::pair<const char*, double>>;

Metrics metrics_of(const BenchRequest& request, const Cell& cell, const Machine& machine) {
  const double estimate = double(cell.estimate);
  if (!cell.stepper) return {{"estimated_bytes", estimate}};
  const Cut cut(request, cell.length);
  const double median = quantile(cell.seconds, 0.5), gflops = 1e-9 * cell.last.flops / median;
  const double activations = double(cell.memory.activations * cut.concurrent);
  const double parameters = double(cell.stepper->parameters()), gradients = double(cell.memory.gradients);
  return {{"median_ms", 1e3 * median},
          {"p10_ms", 1e3 * quantile(cell.seconds, 0.1)},
          {"p90_ms", 1e3 * quantile(cell.seconds, 0.9)},
          {"steps_per_second", 1 / median},
          {"examples_per_second", double(request.batch) / median},
          {"gflops", gflops},
          {"peak_gflops", machine.gflops},
          {"peak_share", gflops / machine.gflops},
          {"bytes_moved", cell.last.bytes_moved},
          {"bandwidth", machine.bandwidth},
          {"bandwidth_share", cell.last.bytes_moved / machine.bandwidth / median},
          {"peak_bytes", activations + gradients + double(copies(request)) * sizeof(float) * parameters},
          {"gradient_bytes", gradients},
          {"activation_bytes", activations},
          {"bytes_per_example", double(cell.memory.activations) / double(cut.packed)},
          {"rss_bytes", double(cell.memory.resident)},
          {"parameters", parameters},
          {"estimated_bytes", estimate}};
}

void record(const BenchRequest& request, const Cell& cell, const Machine& machine, std::vector<Measurement>& all) {
  Measurement m;
  m.model = cell.model, m.mode = request.training ? "train" : "infer";
  m.length = cell.length, m.batch = request.batch, m.threads = request.threads;
  m.settings = {{"encoder", to_json(parse<EncoderConfig>(request.encoder, "encoder"))}, {"model", request.settings}};
  for (const auto& [metric, value] : metrics_of(request, cell, machine)) {
    m.metric = metric, m.value = value;
    all.push_back(m);
  }
}

StepProfile profile_of(const BenchRequest& request, const std::string& model, long length) {
  Lanes lanes(request.threads);
  Stepper stepper(request, model, length);
  stepper.step(lanes);  // warm-up
  const double before = stepper.optimiser_seconds();
  lanes.set_profiling(true);
  StepProfile profile{.threads = request.threads};
  for (const auto start = Clock::now(); profile.seconds < request.seconds; profile.seconds = seconds_since(start)) {
    stepper.step(lanes);
    ++profile.steps;
  }
  profile.optimiser_seconds = stepper.optimiser_seconds() - before;
  profile.rows = lanes.profile();
  return profile;
}

std::string line_of(const Cell& cell) {
  if (!cell.stepper)
    return fmt::format("{} N {}: does not fit, a step needs about {} MB", cell.model, cell.length,
                       cell.estimate / 1'000'000);
  return fmt::format("{} N {}: {:.1f} ms a step", cell.model, cell.length, 1e3 * quantile(cell.seconds, 0.5));
}

}  // namespace

std::int64_t estimated_bytes(const BenchRequest& request, const std::string& model, long length,
                             std::int64_t available) {
  constexpr long kFirst = 64;
  const Cut cut(request, length);
  const std::int64_t buffers =
      request.training ? std::min(cut.lanes, request.threads + long(std::bit_width(std::uint64_t(cut.lanes)))) : 0;
  const auto counted = [&](long n) {
    const Classifier classifier = build(request, model, n);
    const ExampleCost cost = cost_of_example(classifier, spec_of(n));
    return double(cut.concurrent * cut.packed * (request.training ? cost.training_bytes : cost.inference_bytes)) +
           double((copies(request) + buffers) * classifier.parameters().count()) * sizeof(float);
  };
  long n = std::min(length, kFirst);
  for (double before = 0, last = counted(n); true;) {
    const double exponent = before > 0 ? std::log2(last / before) : 2;
    const auto at = [&](long longer) { return last * std::pow(double(longer) / double(n), exponent); };
    if (2 * n >= length || at(2 * n) > double(available)) return std::llround(at(length));
    n *= 2;
    before = std::exchange(last, counted(n));
  }
}

std::vector<Measurement> bench(const BenchRequest& request, const std::function<void(const std::string&)>& report) {
  if (request.batch < 1) fail_usage("bench: batch is {}; it must be at least 1", request.batch);
  for (const long length : request.lengths)
    if (length < 1) fail_usage("bench: length is {}; it must be at least 1", length);
  Lanes lanes(request.threads);
  std::vector<Measurement> all;
  for (const long length : request.lengths) {
    const Machine before = measure_machine(lanes);
    std::vector<Cell> cells;
    for (const std::string& model : request.models) cells.push_back(start(request, model, length, lanes));
    take_turns(request, cells, lanes);
    const Machine machine = mean(before, measure_machine(lanes));
    for (const Cell& cell : cells) {
      record(request, cell, machine, all);
      report(line_of(cell));
    }
  }
  return all;
}

std::vector<BenchProfile> profile_bench(const BenchRequest& request) {
  std::vector<BenchProfile> all;
  for (const long length : request.lengths)
    for (const std::string& model : request.models) {
      const std::int64_t available = available_bytes(request.max_memory);
      if (estimated_bytes(request, model, length, available) <= available)
        all.push_back({model, length, profile_of(request, model, length)});
    }
  return all;
}

}  // namespace lra
