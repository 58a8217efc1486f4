/// Threads that wait for work.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "harness/micro_batch_plan.h"

namespace lra {

/// Threads of a pool at most: a step has no use for more.
inline constexpr long kMostThreads = kMostLanes;

class WorkerPool {
 public:
  /// Starts the workers, kMostThreads at most. Throws a usage error for fewer than one thread, and when the system
  /// gives no more threads (std::bad_alloc for lack of memory).
  explicit WorkerPool(long threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  long threads() const;

  /// Runs work(0) … work(count − 1) on the workers, in any order; returns when all are done. An exception from any of
  /// them is thrown here (the one with the smallest number), after all have ended. `stop` is for work that heeds it.
  void run(long count, const std::function<void(long)>& work, const std::atomic<bool>* stop = nullptr);

  /// What to do when `stop` is set and the workers do not come to an end soon, because a micro-batch takes longer than
  /// anybody wants to wait: called in the thread that waits for them, while they still read the model. It must not
  /// return but end the process. Without it the wait goes on.
  void on_abandon(std::function<void()> leave);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace lra
