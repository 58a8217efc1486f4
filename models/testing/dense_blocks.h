/// The parts of a Transformer block in double, written from their definitions, with which encoders are compared. They
/// share no code with models/.
#pragma once

#include "models/testing/dense.h"

namespace lra {

/// A trial's parameters below the path of a layer.
struct DenseLayers {
  const Trial& trial;

  const Numbers& vector(const std::string& name) const { return trial.run.parameters.at(name); }

  Dense norm(Dense x, const std::string& path) const {
    return layer_norm(std::move(x), vector(path + ".gamma"), vector(path + ".beta"));
  }

  Dense affine(const Dense& x, const std::string& path) const {
    Dense y = project(x, trial.weights(path + ".weight"));
    for (long i = 0; i < y.rows; ++i)
      for (long c = 0; c < y.cols; ++c) y.at(i, c) += vector(path + ".bias")[std::size_t(c)];
    return y;
  }

  /// Linear, GELU in its tanh form, linear.
  Dense feed(const Dense& x, const std::string& path) const {
    Dense hidden = affine(x, path + ".in");
    for (double& value : hidden.v)
      value = 0.5 * value * (1 + std::tanh(std::sqrt(2 / M_PI) * (value + 0.044715 * value * value * value)));
    return affine(hidden, path + ".out");
  }

  /// Full multi-head attention from the rows of x to those of `context`.
  Dense attention(const Dense& x, const Dense& context, const std::string& path, long heads,
                  const Visible& visible = visible_if(false)) const {
    return project(attend(project(x, trial.weights(path + ".query")), project(context, trial.weights(path + ".key")),
                          project(context, trial.weights(path + ".value")), heads, softmax_weight, visible),
                   trial.weights(path + ".out"));
  }

  /// A pre-norm block with attention to the visible tokens.
  Dense block(const Dense& x, const std::string& path, long heads, const Visible& visible = visible_if(false)) const {
    const Dense normed = norm(x, path + ".mixer_norm");
    const Dense mixed = sum(x, attention(normed, normed, path + ".mixer", heads, visible));
    return sum(mixed, feed(norm(mixed, path + ".feed_norm"), path + ".feed"));
  }

  static Dense sum(Dense a, const Dense& b) {
    for (std::size_t i = 0; i < a.v.size(); ++i) a.v[i] += b.v[i];
    return a;
  }
};

/// The mean of the rows of x, repeated `count` times: the result of a run if the encoder changes lengths.
inline Dense mean_everywhere(const Dense& x, long count) {
  Dense y(count, x.cols);
  for (long r = 0; r < count; ++r)
    for (long i = 0; i < x.rows; ++i)
      for (long c = 0; c < x.cols; ++c) y.at(r, c) += x.at(i, c) / double(x.rows);
  return y;
}

}  // namespace lra
