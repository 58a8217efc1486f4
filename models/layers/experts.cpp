#include "models/layers/experts.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "models/ops/largest.h"
#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kNone = -1;  // index of an unused choice
constexpr double kLeastCapacity = 4;

}  // namespace

Experts::Experts(const ExpertSettings& settings, const Routing& routing, const LayerDims& dims,
                 const ParameterScope& scope, const MakePositionWise& expert)
    : settings_(settings),
      routing_(routing),
      choices_(std::min(routing.choices, settings.experts)),
      jitter_(scope.random("jitter", "router")),
      second_(scope.random("second", "router")),
      dropped_(scope, "dropped"),
      balance_(scope, "balance") {
  if (!(routing.jitter >= 0 && routing.jitter < 1)) fail_usage("jitter is {}; it must be in [0, 1)", routing.jitter);
  router_ = scope.add("router", {settings.experts, dims.width}, Init::normal(std::sqrt(0.1 / double(dims.width))));
  for (long e = 0; e < settings.experts; ++e) experts_.push_back(expert(dims, scope / std::to_string(e)));
}

Tensor Experts::forward(Tensor x, const SequenceLayout& layout) const {
  const Tensor logits = linear(router_input(x, layout), router_);
  const Tensor probabilities = softmax(logits);
  std::vector<long> choices = largest_columns(logits, choices_);
  const Tensor gates =
      routing_.renormalised ? softmax(take_along_axis(logits, choices)) : take_along_axis(probabilities, choices);
  if (recording()) add_balance(probabilities, choices, layout);
  if (training() && routing_.drops_second && choices_ > 1) drop_second(choices, gates, layout);
  drop_beyond_capacity(choices, layout);
  return combine(x, gates, choices, layout);
}

Tensor Experts::router_input(const Tensor& x, const SequenceLayout& layout) const {
  if (!training() || routing_.jitter == 0) return x;
  Tensor factors = Tensor::empty(x.shape());
  for (long s = 0; s < layout.count(); ++s) {
    const Random random = jitter_.at(layout.step, layout.sequences[std::size_t(s)]);
    Real* row = factors.data() + layout.begin(s) * x.dim(1);
    const long count = layout.size(s) * x.dim(1);
    for (long i = 0; i < count; i += 4) {
      const auto words = random.block(std::uint64_t(i / 4));
      for (long w = 0; w < std::min(4L, count - i); ++w) {
        const double even = (double(words[std::size_t(w)]) + 0.5) / 0x1p32;
        row[i + w] = Real(float(1 + routing_.jitter * (2 * even - 1)));
      }
    }
  }
  return multiply(std::move(factors), x);
}

void Experts::add_balance(const Tensor& probabilities, const std::vector<long>& choices,
                          const SequenceLayout& layout) const {
  Tensor shares = Tensor::zeros({layout.count(), settings_.experts});
  for (long s = 0; s < layout.count(); ++s)
    for (long t = layout.begin(s); t < layout.begin(s) + layout.size(s); ++t)
      shares.data()[s * settings_.experts + choices[std::size_t(t * choices_)]] += Real(1) / Real(layout.size(s));
  const Tensor terms = multiply(std::move(shares), mean_rows(probabilities, layout));
  auxiliary_loss(terms, settings_.balance * double(settings_.experts), layout);
  double sum = 0;
  for (long i = 0; i < terms.size(); ++i) sum += double(terms.data()[i]);
  balance_.add(double(settings_.experts) * sum, layout);
}

void Experts::drop_second(std::vector<long>& choices, const Tensor& gates, const SequenceLayout& layout) const {
  for (long s = 0; s < layout.count(); ++s) {
    const Random random = second_.at(layout.step, layout.sequences[std::size_t(s)]);
    for (long i = 0; i < layout.size(s); ++i) {
      const long entry = (layout.begin(s) + i) * choices_ + 1;
      if (!(random.uniform(std::uint64_t(i)) < 2 * double(gates.data()[entry]))) choices[std::size_t(entry)] = kNone;
    }
  }
}

void Experts::drop_beyond_capacity(std::vector<long>& choices, const SequenceLayout& layout) const {
  const double factor = training() ? settings_.capacity : settings_.eval_capacity;
  double dropped = 0;
  for (long s = 0; s < layout.count(); ++s) {
    const long n = layout.size(s);
    const double share = double(routing_.choices * n) / double(settings_.experts);
    const long capacity = long(std::min(double(n), std::max(kLeastCapacity, std::floor(factor * share))));
    std::vector<long> taken(std::size_t(settings_.experts));
    for (long i = 0; i < n * choices_; ++i) {
      const long entry = settings_.causal ? i : i % n * choices_ + i / n;  // token by token, or choice by choice
      long& expert = choices[std::size_t(layout.begin(s) * choices_ + entry)];
      if (expert == kNone || taken[std::size_t(expert)]++ < capacity) continue;
      expert = kNone;
      dropped += 1 / double(n * choices_);
    }
  }
  dropped_.add(dropped, layout);
}

Tensor Experts::combine(const Tensor& x, const Tensor& gates, const std::vector<long>& choices,
                        const SequenceLayout& layout) const {
  std::vector<long> places(choices.size(), kNone);  // index of each choice's result among all results
  std::vector<Tensor> results;
  long at = 0;
  for (long e = 0; e < settings_.experts; ++e) {
    std::vector<long> tokens;
    SequenceLayout own = layout;
    for (long s = 0; s < layout.count(); ++s) {
      for (long entry = layout.begin(s) * choices_; entry < (layout.begin(s) + layout.size(s)) * choices_; ++entry) {
        if (choices[std::size_t(entry)] != e) continue;
        places[std::size_t(entry)] = at + long(tokens.size());
        tokens.push_back(entry / choices_);
      }
      own.offsets[std::size_t(s) + 1] = long(tokens.size());
    }
    if (tokens.empty()) continue;
    at += long(tokens.size());
    results.push_back(experts_[std::size_t(e)]->forward(gather_rows(x, std::move(tokens)), own));
  }
  return weighted_rows(gates, concat_rows(results), std::move(places));
}

MakePositionWise alternating(MakePositionWise first, MakePositionWise second) {
  return [first = std::move(first), second = std::move(second)](const LayerDims& dims, const ParameterScope& scope) {
    return dims.layer % 2 == 0 ? first(dims, scope) : second(dims, scope);
  };
}

}  // namespace lra::inline LRA_ENGINE
