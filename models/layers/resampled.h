/// Random constants that a model uses but does not train, such as random features or hash rotations.
///
/// They may change during training, yet must be the same in every thread, after a resume and when a cell is run again,
/// without being stored in the checkpoint. A sample is therefore a pure function of the seed, the place in the model
/// and the number of the sample, which depends on the step:
///
///   features_(scope.random("features", "projection"), {features, width}, config.redraw, sample_orthogonal)   // built
///   const Tensor w = features_.at(pack);                                                                   // used
///
/// Training uses sample ⌊step / redraw⌋, or always sample 0 if `redraw` is 0. Evaluation always uses sample 0, so it
/// does not depend on the step at which it happens.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "models/layers/parameters.h"

namespace lra::inline LRA_ENGINE {

class ResampledConstants {
 public:
  /// Fills `values` (of `shape`, row-major) from `stream` alone.
  using Sampler = std::function<void(const Random& stream, const Shape& shape, std::span<double> values)>;

  /// `redraw`: training steps between samples, 0 for never. Throws a usage error if it is negative or `shape` too
  /// large.
  ResampledConstants(const Random& site, const Shape& shape, long redraw, Sampler sampler);

  /// The sample for this pass, rounded to float32 in every engine. Thread-safe; the latest sample is cached.
  Tensor at(const SequenceLayout& layout) const;

 private:
  struct Latest;
  Random site_;
  Shape shape_;
  long redraw_;
  Sampler sampler_;
  std::shared_ptr<Latest> latest_;
};

/// Fills with independent numbers from N(0,1).
void sample_normal(const Random& stream, const Shape& shape, std::span<double> values);

/// Fills rows of (M,D) that are orthogonal within each block of D rows, each distributed as N(0,I): directions from
/// Gram-Schmidt, which are uniform over rotations, and lengths from independent Gaussian rows. Choromanski et al.
/// arXiv:2009.14794, §2.4.
void sample_orthogonal(const Random& stream, const Shape& shape, std::span<double> values);

}  // namespace lra::inline LRA_ENGINE
