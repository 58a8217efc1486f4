/// The execution model: a step's micro-batches run in lanes, lanes run on worker threads, and neither the number of
/// threads nor their timing changes a bit of the result.
///
/// Micro-batches are dealt to at most 64 lanes, consecutive ones to the same lane. A lane is single-threaded: it runs
/// forward and backward of its micro-batches in order and adds gradients into its own flat buffer. Buffers are combined
/// along a fixed binary tree over lane numbers; a finished lane merges with its finished sibling at once and hands its
/// buffer back, so at most threads + log2(lanes) buffers live. What threads share is written by one of them at a time,
/// and sums over examples are made in the order of examples.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "models/autodiff/profile.h"
#include "models/layers/classifier.h"
#include "tasks/batch.h"

namespace lra {

/// Micro-batches that can run at the same time: a step has no use for more threads.
inline constexpr long kMostThreads = 64;

/// How a pass runs. Nothing of it changes what the pass gives.
struct PassOptions {
  const std::atomic<bool>* stop = nullptr;  // once set, the pass ends early: it throws Interrupted
  bool check_finite = false;  // in training: throw at the first number that is not finite, and name the op
  bool profile = false;       // note where the workers' time goes
};

/// Thrown by a pass that ended early.
struct Interrupted {};

/// What one pass over a batch gave.
struct PassResult {
  std::vector<double> losses;         // an example, in the batch's order
  std::vector<std::uint8_t> correct;  // 1: the label had the largest logit
  double flops = 0;                   // model FLOPs: without recomputation
  double bytes_moved = 0;             // an estimate: see Work in models/tensor/memory.h
  std::int64_t activation_bytes = 0;  // the largest peak that a micro-batch had
  std::span<const float> gradients;  // of the mean loss, laid out as the parameters; valid until the next call of train
  /// Asked for: what all workers together noted, the ops in order of the forward pass, and without a layer what the
  /// lanes do beside them ("reduction": gradient buffers set to zero and added).
  std::vector<ProfileRow> profile;
};

class Lanes {
 public:
  /// Starts the workers, kMostThreads at most. Throws a usage error for fewer than one thread, and when the system
  /// gives no more threads (std::bad_alloc for lack of memory).
  explicit Lanes(long threads);
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  long threads() const;

  /// Forward and backward of a training batch, with the randomness of step `step`.
  PassResult train(const Classifier& model, const Batch& batch, long token_budget, std::uint32_t step,
                   const PassOptions& options = {});

  /// Forward only, without dropout.
  PassResult evaluate(const Classifier& model, const Batch& batch, long token_budget, const PassOptions& options = {});

  /// Runs work(0) … work(count − 1) on the workers, in any order; returns when all are done. An exception from any of
  /// them is thrown here (the one with the smallest number), after all have ended. `stop` is for work that heeds it.
  void run(long count, const std::function<void(long)>& work, const std::atomic<bool>* stop = nullptr);

  /// What to do when `stop` is set and the workers do not come to an end soon, because a micro-batch takes longer than
  /// anybody wants to wait: called in the thread that waits for them, while they still read the model. It must not
  /// return but end the process. Without it the wait goes on.
  void on_abandon(std::function<void()> leave);

  /// Bytes of gradient buffers at their peak, for models as large as the one trained last.
  std::int64_t gradient_bytes() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace lra
