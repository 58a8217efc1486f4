/// Cluster centroids that follow the mean of their members during training.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "models/layers/buffer.h"

namespace lra::inline LRA_ENGINE {

/// K centroids μ of D features. After a step, each centroid with members becomes λμ + (1−λ)·(mean of its members), λ =
/// `decay`: the exponential moving average of online k-means. Stored as a buffer (K,D+1); the last column counts the
/// members in the last step.
class Centroids {
 public:
  Centroids(const ParameterScope& scope, const std::string& name, long count, long width, double decay);

  /// (K,D): μ/‖μ‖, as a constant.
  Tensor directions() const;
  /// Makes row i of x (T,D) a member of centroid chosen[i] in this step. Does nothing outside of training.
  void follow(const Tensor& x, std::span<const std::int32_t> chosen) const;

 private:
  long count_, width_;
  Buffer buffer_;
};

}  // namespace lra::inline LRA_ENGINE
