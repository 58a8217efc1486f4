/// Numbers that a model uses and does not train: random features, the rotations of a hash.
///
/// Problem: they may change while training goes on, and yet must be the same in every thread, after a resume and when a
/// cell is run again, without a place in the checkpoint. So a draw is a pure function of the seed, the place in the
/// model and the draw's number, and the number follows from the step:
///
///   features_(scope.random("features", "projection"), {features, width}, config.redraw, sample_orthogonal)   // built
///   const Tensor w = features_.at(pack);                                                                   // used
///
/// In training, draw ⌊step / redraw⌋ is used, or draw 0 for ever when `redraw` is 0; outside of training always draw 0,
/// so that evaluation does not depend on when it happens.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "models/layers/parameters.h"

namespace lra::inline LRA_ENGINE {

class ResampledConstants {
 public:
  /// Fills `values` (of `shape`, last dimension fastest) from `stream`, and from nothing else.
  using Sampler = std::function<void(const Random& stream, const Shape& shape, std::span<double> values)>;

  /// `redraw`: training steps between draws, 0 for never.
  ResampledConstants(const Random& site, const Shape& shape, long redraw, Sampler sampler);

  /// The draw of this pass, rounded to float32 in every engine. Called by several threads at once; the latest draw is
  /// remembered.
  Tensor at(const SequenceLayout& layout) const;

 private:
  struct Latest;
  Random site_;
  Shape shape_;
  long redraw_;
  Sampler sampler_;
  std::shared_ptr<Latest> latest_;
};

/// Each number from N(0,1).
void sample_normal(const Random& stream, const Shape& shape, std::span<double> values);

/// Rows of (M,D), D at a time orthogonal to each other, each distributed as a row of N(0,I): directions from
/// Gram-Schmidt, which is uniform over rotations, lengths of Gaussian rows of their own. Choromanski et al.
/// arXiv:2009.14794, §2.4.
void sample_orthogonal(const Random& stream, const Shape& shape, std::span<double> values);

}  // namespace lra::inline LRA_ENGINE
