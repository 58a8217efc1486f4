/// DeltaNet and Gated DeltaNet evaluated in double by their definitions: for exactness tests.
#pragma once

#include <cmath>
#include <string>

#include "models/testing/dense.h"

namespace lra {

inline double swish_of(double x) { return x / (1 + std::exp(-x)); }

/// SiLU(conv(x·W)): a convolution over the tokens themselves and, unless causal, as many after as before them; or none.
inline Dense delta_features(const Trial& trial, const Dense& x, const std::string& name, bool causal) {
  const Dense in = project(x, trial.weights(name));
  Dense y = in;
  if (trial.run.parameters.contains(name + "_convolution")) {
    const Dense w = trial.weights(name + "_convolution");
    const long before = causal ? w.cols - 1 : (w.cols - 1) / 2;
    for (long i = 0; i < y.rows; ++i)
      for (long f = 0; f < y.cols; ++f) {
        y.at(i, f) = 0;
        for (long t = 0; t < w.cols; ++t)
          if (const long from = i + t - before; from >= 0 && from < x.rows) y.at(i, f) += w.at(f, t) * in.at(from, f);
      }
  }
  for (double& value : y.v) value = swish_of(value);
  return y;
}

/// x / √(‖x‖² + 1e-6), row by row.
inline Dense unit_rows(Dense x) {
  for (long i = 0; i < x.rows; ++i) {
    double square = 0;
    for (long c = 0; c < x.cols; ++c) square += x.at(i, c) * x.at(i, c);
    for (long c = 0; c < x.cols; ++c) x.at(i, c) /= std::sqrt(square + 1e-6);
  }
  return x;
}

/// One head: S ← (I − β·k·kᵀ)·α·S + β·k·vᵀ with the matrix as such, o = Sᵀ·q/√D, from one end.
inline Dense delta_pass(const Dense& q, const Dense& k, const Dense& v, const Numbers& beta, const Numbers& alpha,
                        bool reversed) {
  const long m = k.cols;
  Dense state(m, v.cols), o(v.rows, v.cols);
  for (long i = 0; i < v.rows; ++i) {
    const long t = reversed ? v.rows - 1 - i : i;
    const double b = beta[std::size_t(t)];
    Dense transition(m, m);
    for (long f = 0; f < m; ++f)
      for (long g = 0; g < m; ++g)
        transition.at(f, g) = alpha[std::size_t(t)] * ((f == g ? 1 : 0) - b * k.at(t, f) * k.at(t, g));
    state = product(transition, state);
    for (long f = 0; f < m; ++f)
      for (long c = 0; c < v.cols; ++c) {
        state.at(f, c) += b * k.at(t, f) * v.at(t, c);
        o.at(t, c) += state.at(f, c) * q.at(t, f) / std::sqrt(double(m));
      }
  }
  return o;
}

/// One head in one direction, or both with each token's own β·k·vᵀ once; q and k are normalised here.
inline Dense delta_memory(Dense q, Dense k, const Dense& v, const Numbers& beta, const Numbers& alpha, bool causal) {
  q = unit_rows(q), k = unit_rows(k);
  Dense o = delta_pass(q, k, v, beta, alpha, false);
  if (causal) return o;
  const Dense back = delta_pass(q, k, v, beta, alpha, true);
  for (long t = 0; t < o.rows; ++t)
    for (long c = 0; c < o.cols; ++c) {
      o.at(t, c) += back.at(t, c);
      for (long f = 0; f < k.cols; ++f)
        o.at(t, c) -= beta[std::size_t(t)] * q.at(t, f) * k.at(t, f) / std::sqrt(double(k.cols)) * v.at(t, c);
    }
  return o;
}

/// norm(o) of all heads, an RMS norm with one gamma for all, before the gate and the output projection. Row t of
/// `alpha` (N,H) has the decays of token t.
inline Dense delta_heads(const Trial& trial, const Dense& x, const Dense& alpha, bool causal) {
  const long heads = alpha.cols;
  const Dense q = delta_features(trial, x, "query", causal), k = delta_features(trial, x, "key", causal);
  const Dense v = delta_features(trial, x, "value", causal);
  Dense beta = project(x, trial.weights("beta"));
  for (double& value : beta.v) value = 1 / (1 + std::exp(-value));
  Dense o = by_heads(heads, [&](long h) {
    return delta_memory(of_head(q, h, heads), of_head(k, h, heads), of_head(v, h, heads), of_head(beta, h, heads).v,
                        of_head(alpha, h, heads).v, causal);
  });
  const Numbers& gamma = trial.run.parameters.at("norm.gamma");
  const long width = o.cols / heads;
  for (long i = 0; i < o.rows; ++i)
    for (long h = 0; h < heads; ++h) {
      double square = 0;
      for (long c = h * width; c < (h + 1) * width; ++c) square += o.at(i, c) * o.at(i, c) / double(width);
      for (long c = h * width; c < (h + 1) * width; ++c)
        o.at(i, c) *= gamma[std::size_t(c % width)] / std::sqrt(square + 1e-5);
    }
  return o;
}

}  // namespace lra
