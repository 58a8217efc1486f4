#include "harness/lane_executor.h"

#include <algorithm>
#include <utility>

#include "models/autodiff/tape.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

/// The results of one lane, except gradients.
struct LaneResult {
  Work work;
  std::int64_t peak = 0;
  Profile profile;
};

/// Records this thread's ops in a lane's profile while it exists, if `wanted`.
class Profiled {
 public:
  Profiled(Profile& profile, bool wanted) {
    if (!wanted) return;
    profile.start();
    Context::current().profile = &profile;
  }
  ~Profiled() { Context::current().profile = nullptr; }
  Profiled(const Profiled&) = delete;
  Profiled& operator=(const Profiled&) = delete;
};

/// Attributes this thread's time since the last op to gradient buffers.
void note_reduction() {
  enter_layer("");
  if (Profile* profile = Context::current().profile) profile->forward("reduction");
}

/// Runs a lane's micro-batches and writes each example's loss and correctness to its position in `pass`.
template <typename Step>
void run_lane(const MicroBatchPlan& plan, long lane, const std::atomic<bool>* stop, PassResult& pass,
              LaneResult& result, Step step) {
  Context::current().work = {};
  if (Profile* profile = Context::current().profile) profile->start();
  const auto [first, last] = plan.of_lane(lane);
  for (long m = first; m < last && !(stop && *stop); ++m) {
    Memory& memory = Context::current().memory;
    memory.reset_peak();
    const auto& [part, positions] = plan.micro_batches[std::size_t(m)];
    const Loss loss = step(part);
    result.peak = std::max(result.peak, memory.peak());
    for (std::size_t i = 0; i < loss.losses.size(); ++i) {
      pass.losses[positions[i]] = loss.losses[i];
      pass.correct[positions[i]] = loss.correct[i];
    }
  }
  result.work = Context::current().work;
}

PassResult empty_pass(const MicroBatchPlan& plan) {
  PassResult pass;
  pass.losses.resize(std::size_t(plan.examples));
  pass.correct.resize(std::size_t(plan.examples));
  return pass;
}

void collect(const std::vector<LaneResult>& lanes, PassResult& pass) {
  for (const LaneResult& lane : lanes) {
    pass.flops += lane.work.flops;
    pass.bytes_moved += lane.work.bytes;
    pass.activation_bytes = std::max(pass.activation_bytes, lane.peak);
    add_rows(lane.profile.rows(), pass.profile);
  }
}

}  // namespace

PassResult LaneExecutor::train(const Classifier& model, const MicroBatchPlan& plan, std::uint32_t step,
                               const PassOptions& options) {
  const PlanShape shape = plan.shape();
  reduction_.start(shape, std::size_t(model.parameters().count()), threads());
  PassResult pass = empty_pass(plan);
  std::vector<LaneResult> results(static_cast<std::size_t>(shape.lanes()));
  const double weight = 1.0 / double(plan.examples);
  const auto work = [&](long lane) {
    LaneResult& result = results[std::size_t(lane)];
    const Profiled profiled(result.profile, options.profile);
    std::vector<float> sum = reduction_.take(lane);
    if (sum.empty()) return;  // another lane throws
    note_reduction();
    try {
      run_lane(plan, lane, options.stop, pass, result, [&](const Batch& part) {
        const Training training;
        Tape tape(sum, options.check_finite);
        Loss loss = cross_entropy(model.forward(part, step, weight), part.labels, weight);
        tape.backward();
        return loss;
      });
    } catch (...) {
      reduction_.finish(lane, std::move(sum));  // otherwise lanes that wait for a buffer would never end
      throw;
    }
    reduction_.finish(lane, std::move(sum));
    note_reduction();
  };
  workers_.run(shape.lanes(), work, options.stop);
  if (options.stop && *options.stop) throw Interrupted{};
  pass.gradients = reduction_.sum();
  collect(results, pass);
  return pass;
}

PassResult LaneExecutor::evaluate(const Classifier& model, const MicroBatchPlan& plan, const PassOptions& options) {
  const long lanes = plan.shape().lanes();
  PassResult pass = empty_pass(plan);
  std::vector<LaneResult> results(static_cast<std::size_t>(lanes));
  const auto work = [&](long lane) {
    LaneResult& result = results[std::size_t(lane)];
    const Profiled profiled(result.profile, options.profile);
    run_lane(plan, lane, options.stop, pass, result,
             [&](const Batch& part) { return cross_entropy(model.forward(part, 0), part.labels, 0); });
  };
  workers_.run(lanes, work, options.stop);
  if (options.stop && *options.stop) throw Interrupted{};
  collect(results, pass);
  return pass;
}

}  // namespace lra
