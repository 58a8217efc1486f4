/// A pool of threads.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "harness/micro_batch_plan.h"

namespace lra {

/// The maximum number of threads of a pool: a step has at most that many lanes.
inline constexpr long kMostThreads = kMostLanes;

class WorkerPool {
 public:
  /// Starts min(threads, kMostThreads) workers. Throws a usage error for fewer than one thread, an Error if the system
  /// refuses a thread, and std::bad_alloc for lack of memory.
  explicit WorkerPool(long threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  long threads() const;

  /// Runs work(0) … work(count − 1) on the workers, in any order, and returns when all are done. Rethrows the exception
  /// of the call with the smallest number after all calls have ended. Pass the `stop` that the work itself checks.
  void run(long count, const std::function<void(long)>& work, const std::atomic<bool>* stop = nullptr);

  /// Sets a function to call when `stop` is set and the workers do not end soon, because a micro-batch takes long. It
  /// runs in the waiting thread while the workers still read the model, and must end the process. Without it the wait
  /// continues.
  void on_abandon(std::function<void()> leave);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace lra
