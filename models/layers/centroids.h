/// The means of clusters, which follow their members as training goes on.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "models/layers/buffer.h"

namespace lra::inline LRA_ENGINE {

/// K centroids μ of D features. After a step, each that rows have followed becomes λμ + (1−λ)·their mean: the
/// exponential moving average of online k-means. As a state (K,D+1): in the last column, how many followed it in the
/// last step.
class Centroids {
 public:
  Centroids(const ParameterScope& scope, const std::string& name, long count, long width, double decay);

  /// (K,D): μ/‖μ‖, constants.
  Tensor directions() const;
  /// In training: row i of x (T,D) follows centroid chosen[i].
  void follow(const Tensor& x, std::span<const std::int32_t> chosen) const;

 private:
  long count_, width_;
  Buffer buffer_;
};

}  // namespace lra::inline LRA_ENGINE
