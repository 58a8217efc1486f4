#include "harness/step_bench.h"

#include <algorithm>
#include <utility>

#include "core/clock.h"
#include "core/error.h"
#include "harness/measure.h"
#include "harness/worker_pool.h"
#include "models/layers/classifier.h"
#include "models/ops/step_states.h"

namespace lra {
namespace {

constexpr long kStepVocabulary = 257;  // LRA's bytes and padding

/// `count` random tokens for each sequence.
Batch random_tokens(long sequences, long count, std::uint64_t first) {
  const Random random(0, "bench", "steps");
  Batch batch;
  batch.offsets.push_back(0);
  for (long s = 0; s < sequences; ++s) {
    for (long i = 0; i < count; ++i)
      batch.ids.push_back(std::int32_t(1 + random.below(kStepVocabulary - 1, first + std::uint64_t(s * count + i))));
    batch.offsets.push_back(batch.offsets.back() + count);
    batch.examples.push_back(std::uint32_t(s));
    batch.labels.push_back(0);
  }
  return batch;
}

Settings causal_settings(const std::string& model) {
  const ModelEntry& entry = models().at(model);
  if (!entry.facts.causal && entry.facts.mixes)
    fail_usage("{} has no step form: it has no setting causal, with which no token sees a later one", model);
  Settings settings;
  if (entry.facts.causal) settings["causal"] = true;
  return settings;
}

StepCost cost_at(const StepBenchTask& task, long length) {
  const long most = length / 16 + 16;
  EncoderConfig shape = parse<EncoderConfig>(task.encoder, "encoder");
  shape.pool = "mean";
  const Classifier model(task.model, causal_settings(task.model), shape,
                         {"bench", "bench", kStepVocabulary, length + most, 2, false, 0, 0}, 0);
  StepStates states(task.batch);
  if (length > 1) (void)model.step(random_tokens(task.batch, length - 1, 0), states);
  StepCost cost{.length = length, .parameters = model.parameters().trained()};
  std::vector<double> seconds;
  double spent = 0;
  for (long i = 0; i < most && (seconds.size() < 3 || spent < task.seconds); ++i) {
    const Batch batch = random_tokens(task.batch, 1, std::uint64_t((length + i) * task.batch));
    const auto start = Clock::now();
    (void)model.step(batch, states);
    const double own = seconds_since(start);
    if (i == 0) {  // it creates what later ones find ready
      cost.state_bytes = states.bytes() / task.batch;
      continue;
    }
    seconds.push_back(own);
    spent += own;
  }
  cost.median_ms = 1e3 * quantile(seconds, 0.5);
  cost.p10_ms = 1e3 * quantile(seconds, 0.1), cost.p90_ms = 1e3 * quantile(seconds, 0.9);
  return cost;
}

}  // namespace

std::vector<StepCost> bench_steps(const StepBenchTask& task) {
  if (task.batch < 1) fail_usage("bench: batch is {}; it must be at least 1", task.batch);
  std::vector<StepCost> costs;
  WorkerPool one(1);
  one.run(1, [&](long) {
    for (const long length : task.lengths) costs.push_back(cost_at(task, length));
  });
  return costs;
}

}  // namespace lra
