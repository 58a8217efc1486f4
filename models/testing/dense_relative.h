/// Attention with relative positions, evaluated distance by distance.
#pragma once

#include "models/testing/dense.h"

namespace lra {

/// Rows and their positions in tokens.
struct Placed {
  Dense x;
  Numbers places;
};

/// (Σ_j p_ij v_j)·outᵀ with p the softmax of ((q_i + u)·k_j + (q_i + v)·W r(place_i − place_j)) / √D, where r is
/// evaluated for every pair. Names of parameters begin with `prefix`.
inline Dense relative_attention(const Trial& trial, const std::string& prefix, long heads, const Placed& queries,
                                const Placed& context, const Visible& visible) {
  const auto vector = [&](const char* name) { return trial.run.parameters.at(prefix + name); };
  const auto weights = [&](const char* name) { return trial.weights(prefix + name); };
  const Numbers u = vector("content_bias"), v = vector("position_bias"), position = vector("position");
  const Dense q = project(queries.x, weights("query")), k = project(context.x, weights("key")),
              values = project(context.x, weights("value"));
  const long d = q.cols / heads, half = queries.x.cols / 2;
  const auto score = [&](long h, long i, long j) {
    const double distance = queries.places[std::size_t(i)] - context.places[std::size_t(j)];
    double s = 0;
    for (long e = 0; e < d; ++e) {
      const auto at = std::size_t(h * d + e);
      s += (q.at(i, long(at)) + u[at]) * k.at(j, long(at));
      double r = 0;  // this feature of W r
      for (long f = 0; f < half; ++f) {
        const double angle = distance * std::pow(10000.0, -double(f) / double(half));
        r += position[at * std::size_t(2 * half) + std::size_t(f)] * std::cos(angle) -
             position[at * std::size_t(2 * half) + std::size_t(half + f)] * std::sin(angle);
      }
      s += (q.at(i, long(at)) + v[at]) * r;
    }
    return s / std::sqrt(double(d));
  };
  Dense y(q.rows, q.cols);
  for (long h = 0; h < heads; ++h)
    for (long i = 0; i < q.rows; ++i) {
      double total = 0;
      for (long j = 0; j < k.rows; ++j) {
        if (!visible(i, j)) continue;
        const double w = std::exp(score(h, i, j));
        total += w;
        for (long e = 0; e < d; ++e) y.at(i, h * d + e) += w * values.at(j, h * d + e);
      }
      for (long e = 0; e < d; ++e) y.at(i, h * d + e) /= total;
    }
  return project(y, weights("out"));
}

/// Positions 0, 1, 2, ….
inline Placed in_places(const Dense& x) {
  Placed placed{x, {}};
  for (long i = 0; i < x.rows; ++i) placed.places.push_back(double(i));
  return placed;
}

}  // namespace lra
