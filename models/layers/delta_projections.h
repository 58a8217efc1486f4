/// What tokens give the memory of DeltaNet and Gated DeltaNet.
#pragma once

#include "core/config.h"
#include "models/layers/parameters.h"
#include "models/layers/registry.h"
#include "models/ops/recurrences.h"

namespace lra::inline LRA_ENGINE {

struct DeltaSettings {
  bool convolution = true;
  long taps = 4;
  bool causal = false;
  void fields(auto&& f) {
    f("convolution", convolution, "short convolutions of queries, keys and values");
    f("taps", taps, "of a convolution: the token itself and those on one side", between(1, 64));
    f("causal", causal, "no token sees a later one");
  }
  Direction direction() const { return causal ? Direction::forward : Direction::both; }
};

/// Queries, keys and values SiLU(conv(x·W)) and β = σ(x·w), the inputs of delta_attention (models/ops/recurrences.h).
/// Yang et al. arXiv:2406.06484, §3.3. Queries and keys have length 1 in each head, queries 1/√D after that; their
/// lengths are √(‖·‖² + 1e-6) first, as in the authors' code.
class DeltaProjections {
 public:
  struct Inputs {
    Tensor q, k, v, beta;
  };

  /// Adds "query", "key" (H·D,C), "value" (V,C) and "beta" (H,C), V features of the values of all heads, and for the
  /// first three convolutions with a filter per feature.
  DeltaProjections(const DeltaSettings& settings, const LayerDims& dims, const ParameterScope& scope, long values);
  Inputs operator()(const Tensor& x, const SequenceLayout& layout) const;

 private:
  struct Features {
    Parameter weights, taps;
  };
  Features add_features(const DeltaSettings& settings, const ParameterScope& scope, const std::string& name, long width,
                        long features) const;
  Tensor features_of(const Tensor& x, const Features& features, const SequenceLayout& layout) const;
  Tensor with_length(double length, const Tensor& x) const;

  long heads_;
  bool causal_;
  Features query_, key_, value_;
  Parameter beta_;
};

}  // namespace lra::inline LRA_ENGINE
