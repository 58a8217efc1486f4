/// Values that training updates without a gradient: the centroids of a clustering, the share of dropped tokens.
///
/// They change at every step, yet must not depend on the number of threads or on how a batch is divided, must survive a
/// resume, and must be the same in a repeated run. They are therefore parameters with an update rule instead of a
/// gradient: forward passes add to sums, which are combined over lanes as gradients are, and at the end of the step the
/// rule computes new values from the old values and the sums. Forward passes of a step see the values from before that
/// step.
///
///   centroids_(scope, "centroids", {clusters, width}, Init::normal(1), moving_average)   // built
///   const Tensor c = centroids_.values();                                               // used, a constant
///   centroids_.add(sums);                                                               // in training
#pragma once

#include <string>

#include "models/layers/parameters.h"

namespace lra::inline LRA_ENGINE {

class Buffer {
 public:
  Buffer(const ParameterScope& scope, const std::string& name, const Shape& shape, const Init& init, UpdateRule rule)
      : place_(scope.add_buffer(name, shape, init, std::move(rule), false)) {}

  /// The current values, as a constant.
  Tensor values() const;
  /// Adds `sums`, of the buffer's shape, to the sums of this step. Does nothing outside of training or without a tape.
  void add(Tensor sums) const;

 private:
  Parameter place_;
};

/// A number that describes the progress of training, reported beside the loss: the mean over a step's examples.
class Metric {
 public:
  Metric(const ParameterScope& scope, const std::string& name);
  /// `sum`: the sum over the sequences of `layout`. Does nothing outside of training or without a tape.
  void add(double sum, const SequenceLayout& layout) const;

 private:
  Parameter place_;
};

}  // namespace lra::inline LRA_ENGINE
