#include "harness/worker_pool.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/machine.h"
#include "models/tensor/detail/onednn.h"

namespace lra {
namespace {

/// The interval at which a wait checks `stop`, and the number of checks before it abandons the workers.
constexpr std::chrono::milliseconds kLook{20};
constexpr int kLooks = 15;

}  // namespace

struct WorkerPool::Rep {
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake, done;
  long ready = 0;  // workers that have started or failed to start
  const std::function<void(long)>* work = nullptr;
  long count = 0, next = 0, running = 0;
  bool quit = false;
  std::exception_ptr error;
  long error_number = 0;
  std::function<void()> abandon;

  bool all_done() const { return next >= count && running == 0; }

  /// Waits until all work is done; calls `abandon` if the workers do not stop when they should.
  void wait(std::unique_lock<std::mutex>& lock, const std::atomic<bool>* stop) {
    if (!stop || !abandon) return done.wait(lock, [this] { return all_done(); });
    for (int looks = 0; !done.wait_for(lock, kLook, [this] { return all_done(); });)
      if (*stop && ++looks > kLooks) abandon();
  }

  /// The body of a worker thread. If it cannot start, it leaves the exception in `error`.
  void live() {
    std::optional<Worker> onednn;
    std::exception_ptr thrown;
    try {
      onednn.emplace();
    } catch (...) {
      thrown = std::current_exception();
    }
    std::unique_lock lock(mutex);
    if (thrown && !error) error = thrown;
    ++ready;
    done.notify_all();
    if (onednn) serve(lock);
  }

  void serve(std::unique_lock<std::mutex>& lock) {
    for (;;) {
      wake.wait(lock, [&] { return quit || (work && next < count); });
      if (quit) return;
      const long number = next++;
      ++running;
      const auto* job = work;
      lock.unlock();
      std::exception_ptr thrown;
      try {
        (*job)(number);
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      --running;
      if (thrown && (!error || number < error_number)) error = thrown, error_number = number;
      if (all_done()) done.notify_all();
    }
  }

  /// Starts the workers; throws if a thread cannot be started.
  void start(std::size_t threads) {
    workers.reserve(threads);
    try {
      for (std::size_t i = 0; i < threads; ++i) workers.emplace_back([this] { live(); });
    } catch (const std::system_error& refused) {
      explain(refused, threads);
    }
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return ready == long(threads); });
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
  }

  /// Throws the error for a refused thread. The system reports a lack of memory and a limit on threads in the same
  /// words.
  [[noreturn]] void explain(const std::system_error& refused, std::size_t threads) const {
    pthread_attr_t usual;
    std::size_t stack = 0;
    if (pthread_getattr_default_np(&usual) == 0)
      pthread_attr_getstacksize(&usual, &stack), pthread_attr_destroy(&usual);
    if (stack > 0 && !can_have(stack)) throw std::bad_alloc();
    fail("cannot start thread {} of {}: {}; lower --threads or raise the limit of processes (ulimit -u)",
         workers.size() + 1, threads, refused.code().message());
  }

  void end() {
    {
      std::lock_guard lock(mutex);
      quit = true;
    }
    wake.notify_all();
    for (std::thread& worker : workers) worker.join();
  }
};

WorkerPool::WorkerPool(long threads) : rep_(std::make_unique<Rep>()) {
  if (threads < 1) fail_usage("threads is {}; it must be at least 1", threads);
  threads = std::min(threads, kMostThreads);
  try {
    rep_->start(std::size_t(threads));
  } catch (...) {
    rep_->end();  // the started workers wait for work
    throw;
  }
}

WorkerPool::~WorkerPool() { rep_->end(); }

long WorkerPool::threads() const { return long(rep_->workers.size()); }

void WorkerPool::on_abandon(std::function<void()> leave) { rep_->abandon = std::move(leave); }

void WorkerPool::run(long count, const std::function<void(long)>& work, const std::atomic<bool>* stop) {
  if (count <= 0) return;
  std::unique_lock lock(rep_->mutex);
  rep_->work = &work;
  rep_->count = count;
  rep_->next = 0;
  rep_->error = nullptr;
  rep_->wake.notify_all();
  rep_->wait(lock, stop);
  rep_->work = nullptr;
  if (rep_->error) std::rethrow_exception(rep_->error);
}

}  // namespace lra
