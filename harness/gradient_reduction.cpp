#include "harness/gradient_reduction.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "models/tensor/detail/kernels.h"

namespace lra {
namespace {

/// A pool of gradient buffers with a limit on the number in use.
///
/// A lane that gets none waits before it starts. The wait ends: lanes get buffers in order of their numbers, a lane
/// with a buffer needs nothing else, and when those lanes are done the tree holds fewer than
/// PlanShape::gradient_buffers.
class Buffers {
 public:
  explicit Buffers(std::size_t size) : size_(size) {}

  /// Starts a step with at most `limit` buffers in use. Buffers that a failed step lost no longer count.
  void start(long limit) {
    limit_ = limit, next_lane_ = live_ = 0, given_up_ = false;
    free_.reserve(std::size_t(limit));
  }

  /// Returns an empty vector after an allocation of this step failed, because the tree cannot complete.
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
    kernels::fill(buffer.data(), long(buffer.size()), 0);
    return buffer;
  }

  void give_back(std::vector<float> buffer) {
    std::lock_guard lock(mutex_);
    --live_;
    free_.push_back(std::move(buffer));
    changed_.notify_all();
  }

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
  long limit_ = 0, next_lane_ = 0;
  std::vector<std::vector<float>> free_;
  std::int64_t live_ = 0, peak_ = 0;
  bool given_up_ = false;
};

/// Sums one buffer per lane along a fixed binary tree: node n of a level is the sum of nodes 2n and 2n + 1 below,
/// whichever of the two finishes first.
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

  std::span<const float> root() const { return root_; }

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

}  // namespace

struct GradientReduction::Rep {
  std::map<std::size_t, Buffers> buffers;  // by size: one pool per model size
  Buffers* current = nullptr;              // of the last step
  std::optional<Tree> tree;                // of the last step
};

GradientReduction::GradientReduction() : rep_(std::make_unique<Rep>()) {}

GradientReduction::~GradientReduction() = default;

void GradientReduction::start(const PlanShape& plan, std::size_t gradients, long threads) {
  rep_->tree.reset();  // returns the last sum's buffer
  rep_->current = &rep_->buffers.try_emplace(gradients, gradients).first->second;
  rep_->current->start(plan.gradient_buffers(threads));
  rep_->tree.emplace(plan.lanes(), *rep_->current);
}

std::vector<float> GradientReduction::take(long lane) { return rep_->current->take(lane); }

void GradientReduction::finish(long lane, std::vector<float> sum) { rep_->tree->finish(lane, std::move(sum)); }

std::span<const float> GradientReduction::sum() const { return rep_->tree->root(); }

std::int64_t GradientReduction::peak_bytes() const { return rep_->current ? rep_->current->peak_bytes() : 0; }

}  // namespace lra
