/// Values that belong to a model and follow from its training, but not by a gradient: the centroids of a clustering,
/// the share of dropped tokens.
///
/// Problem: they change with every step, and yet must not depend on the number of threads or on how a batch is cut,
/// must survive a resume, and must be the same in a repeated run. So they are parameters with a rule instead of a
/// gradient: forward passes add to sums, which are combined over lanes as gradients are, and at the end of the step the
/// rule makes the new values from the old ones and the sums. A step sees the values that stood before it.
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

  /// No gradient passes to them.
  Tensor values() const;
  /// Adds to the sums of this step; of the state's shape. Nothing but in training with a tape.
  void add(Tensor sums) const;

 private:
  Parameter place_;
};

/// A number that says how training goes, reported beside the loss: the mean over a step's examples.
class Metric {
 public:
  Metric(const ParameterScope& scope, const std::string& name);
  /// `sum`: over the sequences of `layout`. Nothing but in training with a tape.
  void add(double sum, const SequenceLayout& layout) const;

 private:
  Parameter place_;
};

}  // namespace lra::inline LRA_ENGINE
