/// Mixtures of experts: a router chooses one or two of many feed-forward networks for each token.
#pragma once

#include <memory>
#include <vector>

#include "models/layers/blocks.h"
#include "models/layers/buffer.h"

namespace lra::inline LRA_ENGINE {

/// Settings that all mixtures of experts share.
struct ExpertSettings {
  long experts = 8;
  double capacity = 1.25;
  double eval_capacity = 2;
  double balance = 0.01;
  bool causal = false;
  void fields(auto&& f) {
    f("experts", experts, "feed-forward networks in a block that has them", between(1, 4096));
    f("capacity", capacity,
      "tokens of a sequence that an expert takes, as a multiple of its even share; at least 4 tokens. It ignores later "
      "ones",
      positive());
    f("eval_capacity", eval_capacity, "the same in evaluation", positive());
    f("balance", balance, "weight of the loss that balances how often experts are chosen", at_least(0));
    f("causal", causal, "no token sees a later one, nor loses its place in an expert to a later one");
  }
};

/// How a token's experts are chosen and weighted.
struct Routing {
  long choices = 1;           // experts per token
  bool renormalised = false;  // gates are a softmax over the token's experts, not over all
  double jitter = 0;          // in training the router's input is multiplied by U(1 − jitter, 1 + jitter)
  bool drops_second = false;  // in training the second expert is used with probability min(1, 2 · its gate)
};

/// Token t becomes Σ gate · expert(x_t) over its experts, chosen and weighted by p = softmax(W x_t). Only chosen
/// experts are computed. An expert takes the tokens of a sequence in order up to its capacity, first choices before
/// second choices unless `causal`; an expert that is full contributes nothing. Adds balance · E · Σ_e f_e P_e to the
/// loss of each sequence, where f_e is the share of tokens whose first choice is e and P_e the mean of p_e.
class Experts final : public PositionWise {
 public:
  /// Throws a usage error for invalid settings.
  Experts(const ExpertSettings& settings, const Routing& routing, const LayerDims& dims, const ParameterScope& scope,
          const MakePositionWise& expert);
  Tensor forward(Tensor x, const SequenceLayout& layout) const override;

 private:
  Tensor router_input(const Tensor& x, const SequenceLayout& layout) const;
  void add_balance(const Tensor& probabilities, const std::vector<long>& choices, const SequenceLayout& layout) const;
  void drop_second(std::vector<long>& choices, const Tensor& gates, const SequenceLayout& layout) const;
  void drop_beyond_capacity(std::vector<long>& choices, const SequenceLayout& layout) const;
  Tensor combine(const Tensor& x, const Tensor& gates, const std::vector<long>& choices,
                 const SequenceLayout& layout) const;

  ExpertSettings settings_;
  Routing routing_;
  long choices_;  // experts per token, at most the number of experts
  Parameter router_;
  std::vector<std::unique_ptr<PositionWise>> experts_;
  Random jitter_, second_;
  Metric dropped_, balance_;
};

/// Makes `first` in blocks 0, 2, 4, … and `second` in the others.
MakePositionWise alternating(MakePositionWise first, MakePositionWise second);

}  // namespace lra::inline LRA_ENGINE
