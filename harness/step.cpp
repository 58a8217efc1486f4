#include "harness/step.h"

#include <algorithm>
#include <cmath>

#include "models/optim/schedule.h"
#include "tasks/batcher.h"

namespace lra {
namespace {

constexpr long kChunk = 65536;  // parameters that one worker updates at a time

double squared_norm(const Parameters& parameters, std::span<const float> gradients) {
  double sum = 0;
  for (const auto& [begin, end] : parameters.trained_ranges())
    sum += kernels::sum_of_squares(gradients.data() + begin, end - begin);
  return sum;
}

/// Takes step number `step` of Adam for every trained parameter, on all workers.
void update_trained(WorkerPool& workers, Adam& adam, const Recipe& recipe, long step, double gradient_scale,
                    std::span<const float> gradients, Parameters& parameters) {
  std::vector<TrainedRange> chunks;
  for (const auto& [first, last, options] : parameters.trained_ranges_by_options())
    for (long begin = first; begin < last; begin += kChunk)
      chunks.push_back({begin, std::min(last, begin + kChunk), options});
  workers.run(long(chunks.size()), [&](long i) {
    const auto& [begin, end, options] = chunks[std::size_t(i)];
    const double lr = learning_rate(recipe, step, options.most_lr);
    adam.apply(adam.at(step, lr, gradient_scale, options.weight_decay), gradients, parameters.values(), begin, end);
  });
}

/// Applies each buffer's update rule to its sums.
void update_buffers(std::span<const float> sums, Parameters& parameters) {
  for (const ParameterInfo& state : parameters.list())
    if (state.rule)
      state.rule(parameters.values().subspan(std::size_t(state.offset), std::size_t(state.shape.size())),
                 sums.subspan(std::size_t(state.offset), std::size_t(state.shape.size())));
}

}  // namespace

double Stepper::start(StepResult& result) {
  result.paused_seconds = -clock_.paused_seconds();
  return clock_.seconds();
}

void Stepper::end(double started, StepResult& result) {
  result.seconds = clock_.seconds() - started;
  result.paused_seconds += clock_.paused_seconds();
}

StepResult Stepper::train(long step, const Data& data, const PassOptions& options, const Inspect& inspect) {
  StepResult result;
  const double started = start(result);
  const Batch batch = data();
  result.data_seconds = clock_.seconds() - started;
  const MicroBatchPlan plan = plan_micro_batches(batch, recipe_.token_budget);
  static_cast<PassResult&>(result) = lanes_.train(model_, plan, std::uint32_t(step), options);
  const double has_gradients = clock_.seconds();
  result.squared_norm = squared_norm(model_.parameters(), result.gradients);
  if (inspect) inspect(plan, result);
  update(step, result);
  result.update_seconds = clock_.seconds() - has_gradients;
  end(started, result);
  return result;
}

void Stepper::update(long step, StepResult& result) {
  const double factor = clip_factor(std::sqrt(result.squared_norm), recipe_.clip);
  Parameters& parameters = model_.parameters();
  update_trained(lanes_.workers(), adam_, recipe_, step, factor, result.gradients, parameters);
  update_buffers(result.gradients, parameters);
  // Adam reads values, gradients and two moments, and writes all but the gradients.
  result.bytes_moved += 7.0 * sizeof(float) * double(parameters.trained());
}

StepResult Stepper::infer(const Data& data, const PassOptions& options) {
  StepResult result;
  const double started = start(result);
  const Batch batch = data();
  result.data_seconds = clock_.seconds() - started;
  static_cast<PassResult&>(result) = lanes_.evaluate(model_, plan_micro_batches(batch, recipe_.token_budget), options);
  end(started, result);
  return result;
}

PassResult evaluate(LaneExecutor& lanes, const Classifier& model, const Dataset& data, Split split,
                    std::span<const std::uint32_t> examples, long token_budget, const PassOptions& options) {
  PassResult all;
  for (std::size_t begin = 0; begin < examples.size(); begin += kEvaluationBatch) {
    const auto some = examples.subspan(begin, std::min(std::size_t(kEvaluationBatch), examples.size() - begin));
    const PassResult part =
        lanes.evaluate(model, plan_micro_batches(make_batch(data, split, some), token_budget), options);
    all.losses.insert(all.losses.end(), part.losses.begin(), part.losses.end());
    all.correct.insert(all.correct.end(), part.correct.begin(), part.correct.end());
    all.flops += part.flops;
    all.bytes_moved += part.bytes_moved;
    all.activation_bytes = std::max(all.activation_bytes, part.activation_bytes);
    add_rows(part.profile, all.profile);
  }
  return all;
}

}  // namespace lra
