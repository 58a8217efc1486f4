/// Attention with relative positions, evaluated distance by distance.
#pragma once

#include "models/testing/dense_blocks.h"

namespace lra {

/// Rows and their positions in tokens.
struct Placed {
  Dense x;
  Numbers places;
};

/// (Σ_j p_ij v_j)·outᵀ with p the softmax of ((q_i + u)·k_j + (q_i + v)·W r(place_i − place_j)) / √D, where r is
/// evaluated for every pair. Names of parameters begin with `prefix`, those of u and v with `biases`.
inline Dense relative_attention(const Trial& trial, const std::string& prefix, const std::string& biases, long heads,
                                const Placed& queries, const Placed& context, const Visible& visible) {
  const auto vector = [&](const std::string& name) { return trial.run.parameters.at(name); };
  const auto weights = [&](const char* name) { return trial.weights(prefix + name); };
  const Numbers u = vector(biases + "content_bias"), v = vector(biases + "position_bias"),
                position = vector(prefix + "position");
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

/// A pre-norm block: `rows` attend to `context`, both normalised, and then pass the feed-forward part.
inline Placed relative_block(const DenseLayers& layers, const std::string& path, const std::string& biases, long heads,
                             const Placed& rows, const Placed& context, const Visible& visible) {
  const Placed seeking{layers.norm(rows.x, path + ".mixer_norm"), rows.places},
      seen{layers.norm(context.x, path + ".mixer_norm"), context.places};
  Placed out = rows;
  out.x = DenseLayers::sum(rows.x,
                           relative_attention(layers.trial, path + ".mixer.", biases, heads, seeking, seen, visible));
  out.x = DenseLayers::sum(out.x, layers.feed(layers.norm(out.x, path + ".feed_norm"), path + ".feed"));
  return out;
}

/// Rows begin … begin + count − 1.
inline Dense some_rows(const Dense& x, long begin, long count) {
  return {count, x.cols, Numbers(x.v.begin() + begin * x.cols, x.v.begin() + (begin + count) * x.cols)};
}

/// A stack of such blocks that processes a sequence as the papers do, one segment after the other, and only carries
/// the inputs of each layer along. `memory(layer, states)` is what a segment sees of all earlier inputs of a layer; its
/// rows are counted backwards from the segment.
inline Dense recurrent(const Trial& trial, long heads, long segment, bool causal, const Dense& tokens,
                       const std::function<Dense(long layer, const Dense& states)>& memory) {
  const DenseLayers layers{trial};
  std::vector<Dense> states(std::size_t(trial.c.layers), Dense(0, tokens.cols));
  Dense y(0, tokens.cols);
  for (long begin = 0; begin < tokens.rows; begin += segment) {
    Placed own{some_rows(tokens, begin, std::min(segment, tokens.rows - begin)), {}};
    for (long i = 0; i < own.x.rows; ++i) own.places.push_back(double(i));
    for (long l = 0; l < trial.c.layers; ++l) {
      Dense& earlier = states[std::size_t(l)];
      Placed context{memory(l, earlier), {}};
      const long before = context.x.rows;
      context.x = below(context.x, own.x);
      for (long j = 0; j < context.x.rows; ++j) context.places.push_back(double(j - before));
      earlier = below(earlier, own.x);
      own = relative_block(layers, std::to_string(l), "", heads, own, context,
                           [&](long i, long j) { return !causal || j - before <= i; });
    }
    y = below(y, own.x);
  }
  return layers.norm(y, "norm");
}

/// Positions 0, 1, 2, ….
inline Placed in_places(const Dense& x) {
  Placed placed{x, {}};
  for (long i = 0; i < x.rows; ++i) placed.places.push_back(double(i));
  return placed;
}

}  // namespace lra
