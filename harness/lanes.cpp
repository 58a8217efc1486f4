#include "harness/lanes.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>

#include "core/error.h"
#include "core/machine.h"
#include "models/autodiff/tape.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/onednn.h"
#include "tasks/batcher.h"

namespace lra {
namespace {

constexpr long kMostLanes = kMostThreads;
constexpr long kTreeDepth = 6;  // log2 of it

/// How often a wait looks whether it should stop, and how often it looks before it abandons the workers.
constexpr std::chrono::milliseconds kLook{20};
constexpr int kLooks = 15;

/// Gradient buffers that are handed out and back, at most `limit` at once.
///
/// A lane that finds none waits before it starts. That ends: lanes get theirs in order of number, those that have one
/// need nothing more, and when the first k lanes are done the tree holds one buffer for each set bit of k, at most
/// log2(64) = 6.
class Buffers {
 public:
  Buffers(std::size_t size, std::int64_t limit) : size_(size), limit_(limit) { free_.reserve(std::size_t(limit)); }

  /// Before the lanes of a step, when none has a buffer. Those that a failed step lost are forgotten.
  void start() { next_lane_ = live_ = 0, given_up_ = false; }

  /// Empty once a lane of this step could not have its buffer: the tree will never be whole, so nobody waits for it.
  std::vector<float> take(long lane) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return given_up_ || (lane == next_lane_ && live_ < limit_); });
    if (given_up_) return {};
    ++next_lane_;
    changed_.notify_all();
    if (free_.empty()) return fresh();
    peak_ = std::max(peak_, ++live_);
    std::vector<float> buffer = std::move(free_.back());
    free_.pop_back();
    std::fill(buffer.begin(), buffer.end(), 0.0f);
    return buffer;
  }

  void give_back(std::vector<float> buffer) {
    std::lock_guard lock(mutex_);
    --live_;
    free_.push_back(std::move(buffer));
    changed_.notify_all();
  }

  std::size_t size() const { return size_; }
  std::int64_t peak_bytes() const { return peak_ * std::int64_t(size_ * sizeof(float)); }

 private:
  std::vector<float> fresh() {
    try {
      std::vector<float> buffer(size_);
      peak_ = std::max(peak_, ++live_);
      return buffer;
    } catch (...) {
      given_up_ = true;
      throw;
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t size_;
  std::int64_t limit_;
  long next_lane_ = 0;
  std::vector<std::vector<float>> free_;
  std::int64_t live_ = 0, peak_ = 0;
  bool given_up_ = false;
};

/// Sums one buffer a lane along a fixed binary tree: node n of a level is the sum of nodes 2n and 2n + 1 below,
/// whichever of the two is finished first.
class Tree {
 public:
  Tree(long lanes, Buffers& buffers) : lanes_(lanes), buffers_(buffers) { waiting_.reserve(std::size_t(lanes)); }
  ~Tree() {
    if (!root_.empty()) buffers_.give_back(std::move(root_));
  }

  void finish(long lane, std::vector<float> sum) {
    long width = lanes_;
    for (long level = 0, node = lane; width > 1; ++level, node /= 2, width = (width + 1) / 2) {
      const long sibling = node ^ 1;
      if (sibling >= width) continue;
      std::vector<float> other;
      {
        std::lock_guard lock(mutex_);
        auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const Waiting& w) { return w.level == level && w.node == sibling; });
        if (found == waiting_.end()) {
          waiting_.push_back({level, node, std::move(sum)});
          return;
        }
        other = std::move(found->sum);
        waiting_.erase(found);
      }
      kernels::add(other.data(), sum.data(), long(sum.size()));  // commutative to the bit
      buffers_.give_back(std::move(other));
    }
    root_ = std::move(sum);
  }

  std::vector<float>& root() { return root_; }

 private:
  struct Waiting {
    long level, node;
    std::vector<float> sum;
  };
  std::mutex mutex_;
  long lanes_;
  Buffers& buffers_;
  std::vector<Waiting> waiting_;
  std::vector<float> root_;
};

/// Micro-batches of the lane: consecutive ones, as even as can be.
std::pair<long, long> share(long lane, long lanes, long micro_batches) {
  return {lane * micro_batches / lanes, (lane + 1) * micro_batches / lanes};
}

}  // namespace

struct Lanes::Rep {
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake, done;
  long ready = 0;  // workers that have begun, or failed to
  const std::function<void(long)>* work = nullptr;
  long count = 0, next = 0, running = 0;
  bool quit = false;
  std::exception_ptr error;
  long error_number = 0;
  std::map<std::size_t, Buffers> buffers;  // by size: one set a model size
  Buffers* current = nullptr;              // of the last training batch
  std::vector<float> gradients;            // of the last training batch
  std::function<void()> abandon;

  bool all_done() const { return next >= count && running == 0; }

  /// Until the workers have done all, or should stop and do not.
  void wait(std::unique_lock<std::mutex>& lock, const std::atomic<bool>* stop) {
    if (!stop || !abandon) return done.wait(lock, [this] { return all_done(); });
    for (int looks = 0; !done.wait_for(lock, kLook, [this] { return all_done(); });)
      if (*stop && ++looks > kLooks) abandon();
  }

  /// A worker's life. What keeps it from beginning is left in `error`.
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

  /// Starts the workers; throws when one cannot be had.
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

  /// A thread is refused for lack of memory with the same words as for a limit of their number.
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

  Buffers& gradient_buffers(std::size_t size) {
    if (!gradients.empty()) current->give_back(std::exchange(gradients, {}));
    current = &buffers.try_emplace(size, size, std::int64_t(workers.size()) + kTreeDepth).first->second;
    current->start();
    return *current;
  }
};

Lanes::Lanes(long threads) : rep_(std::make_unique<Rep>()) {
  if (threads < 1) fail_usage("threads is {}; it must be at least 1", threads);
  threads = std::min(threads, kMostThreads);
  try {
    rep_->start(std::size_t(threads));
  } catch (...) {
    rep_->end();  // those that have begun wait for work
    throw;
  }
}

Lanes::~Lanes() { rep_->end(); }

long Lanes::threads() const { return long(rep_->workers.size()); }

void Lanes::on_abandon(std::function<void()> leave) { rep_->abandon = std::move(leave); }

void Lanes::run(long count, const std::function<void(long)>& work, const std::atomic<bool>* stop) {
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

std::int64_t Lanes::gradient_bytes() const { return rep_->current ? rep_->current->peak_bytes() : 0; }

namespace {

/// What the micro-batches of one lane gave, beside gradients.
struct LaneResult {
  Work work;
  std::int64_t peak = 0;
  Profile profile;
};

/// Has this thread's ops noted in a lane's profile while it lives, where that is asked for.
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

/// What passed in this thread went into gradient buffers.
void note_reduction() {
  enter_layer("");
  if (Profile* profile = Context::current().profile) profile->forward("reduction");
}

/// Runs micro-batches first … last − 1 and writes each example's loss and hit to its place in `pass`.
template <typename Step>
void run_lane(const std::vector<MicroBatch>& micro, std::pair<long, long> range, const std::atomic<bool>* stop,
              PassResult& pass, LaneResult& result, Step step) {
  Context::current().work = {};
  if (Profile* profile = Context::current().profile) profile->start();
  for (long m = range.first; m < range.second && !(stop && *stop); ++m) {
    Memory& memory = Context::current().memory;
    memory.reset_peak();
    const auto& [part, positions] = micro[std::size_t(m)];
    const Loss loss = step(part);
    result.peak = std::max(result.peak, memory.peak());
    for (std::size_t i = 0; i < loss.losses.size(); ++i) {
      pass.losses[positions[i]] = loss.losses[i];
      pass.correct[positions[i]] = loss.correct[i];
    }
  }
  result.work = Context::current().work;
}

PassResult empty_pass(const Batch& batch) {
  PassResult pass;
  pass.losses.resize(std::size_t(batch.size()));
  pass.correct.resize(std::size_t(batch.size()));
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

PassResult Lanes::train(const Classifier& model, const Batch& batch, long token_budget, std::uint32_t step,
                        const PassOptions& options) {
  const std::vector<MicroBatch> micro = cut(batch, token_budget);
  const long lanes = std::min(kMostLanes, long(micro.size()));
  Buffers& buffers = rep_->gradient_buffers(std::size_t(model.parameters().count()));
  Tree tree(lanes, buffers);
  PassResult pass = empty_pass(batch);
  std::vector<LaneResult> results(static_cast<std::size_t>(lanes));
  const double weight = 1.0 / double(batch.size());
  const auto work = [&](long lane) {
    LaneResult& result = results[std::size_t(lane)];
    const Profiled profiled(result.profile, options.profile);
    std::vector<float> sum = buffers.take(lane);
    if (sum.empty()) return;  // another lane throws
    note_reduction();
    try {
      run_lane(micro, share(lane, lanes, long(micro.size())), options.stop, pass, result, [&](const Batch& part) {
        const Training training;
        Tape tape(sum, options.check_finite);
        Loss loss = cross_entropy(model.forward(part, step, weight), part.labels, weight);
        tape.backward();
        return loss;
      });
    } catch (...) {
      tree.finish(lane, std::move(sum));  // or lanes that wait for a buffer would wait for ever
      throw;
    }
    tree.finish(lane, std::move(sum));
    note_reduction();
  };
  run(lanes, work, options.stop);
  if (options.stop && *options.stop) throw Interrupted{};
  rep_->gradients = std::move(tree.root());
  pass.gradients = rep_->gradients;
  collect(results, pass);
  return pass;
}

PassResult Lanes::evaluate(const Classifier& model, const Batch& batch, long token_budget, const PassOptions& options) {
  const std::vector<MicroBatch> micro = cut(batch, token_budget);
  const long lanes = std::min(kMostLanes, long(micro.size()));
  PassResult pass = empty_pass(batch);
  std::vector<LaneResult> results(static_cast<std::size_t>(lanes));
  const auto work = [&](long lane) {
    LaneResult& result = results[std::size_t(lane)];
    const Profiled profiled(result.profile, options.profile);
    run_lane(micro, share(lane, lanes, long(micro.size())), options.stop, pass, result,
             [&](const Batch& part) { return cross_entropy(model.forward(part, 0), part.labels, 0); });
  };
  run(lanes, work, options.stop);
  if (options.stop && *options.stop) throw Interrupted{};
  collect(results, pass);
  return pass;
}

}  // namespace lra
