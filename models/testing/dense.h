/// Dense evaluations of the papers' equations in double, with which models are compared. They share no code with
/// models/.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "models/testing/bridge.h"
#include "models/testing/compare.h"

namespace lra {

/// A row-major matrix with the operations that dense evaluations need.
struct Dense {
  long rows = 0, cols = 0;
  Numbers v;
  Dense(long r, long c) : rows(r), cols(c), v(std::size_t(r * c)) {}
  Dense(long r, long c, Numbers values) : rows(r), cols(c), v(std::move(values)) {}
  double& at(long r, long c) { return v[std::size_t(r * cols + c)]; }
  double at(long r, long c) const { return v[std::size_t(r * cols + c)]; }
};

/// x · wᵀ.
inline Dense project(const Dense& x, const Dense& w) {
  Dense y(x.rows, w.rows);
  for (long i = 0; i < x.rows; ++i)
    for (long o = 0; o < w.rows; ++o)
      for (long c = 0; c < x.cols; ++c) y.at(i, o) += x.at(i, c) * w.at(o, c);
  return y;
}

/// (x − mean) / √(variance + 1e-6) · gamma + beta, row by row.
inline Dense layer_norm(Dense x, const Numbers& gamma, const Numbers& beta) {
  for (long i = 0; i < x.rows; ++i) {
    double mean = 0, variance = 0;
    for (long c = 0; c < x.cols; ++c) mean += x.at(i, c) / double(x.cols);
    for (long c = 0; c < x.cols; ++c) variance += (x.at(i, c) - mean) * (x.at(i, c) - mean) / double(x.cols);
    for (long c = 0; c < x.cols; ++c)
      x.at(i, c) = (x.at(i, c) - mean) / std::sqrt(variance + 1e-6) * gamma[std::size_t(c)] + beta[std::size_t(c)];
  }
  return x;
}

/// Concatenates two matrices along the rows.
inline Dense below(const Dense& a, const Dense& b) {
  Dense y = a;
  y.rows += b.rows;
  y.v.insert(y.v.end(), b.v.begin(), b.v.end());
  return y;
}

/// a · b.
inline Dense product(const Dense& a, const Dense& b) {
  Dense y(a.rows, b.cols);
  for (long i = 0; i < a.rows; ++i)
    for (long k = 0; k < a.cols; ++k)
      for (long j = 0; j < b.cols; ++j) y.at(i, j) += a.at(i, k) * b.at(k, j);
  return y;
}

/// softmax(q·kᵀ/√width), row by row.
inline Dense probabilities(const Dense& q, const Dense& k) {
  Dense p = project(q, k);
  for (long i = 0; i < p.rows; ++i) {
    double total = 0;
    for (long j = 0; j < p.cols; ++j) total += p.at(i, j) = std::exp(p.at(i, j) / std::sqrt(double(q.cols)));
    for (long j = 0; j < p.cols; ++j) p.at(i, j) /= total;
  }
  return p;
}

/// The columns of head `head`.
inline Dense of_head(const Dense& x, long head, long heads) {
  const long width = x.cols / heads;
  Dense y(x.rows, width);
  for (long i = 0; i < x.rows; ++i)
    for (long d = 0; d < width; ++d) y.at(i, d) = x.at(i, head * width + d);
  return y;
}

/// Concatenates the results of f(head) along the columns.
inline Dense by_heads(long heads, const std::function<Dense(long head)>& f) {
  std::vector<Dense> parts;
  for (long h = 0; h < heads; ++h) parts.push_back(f(h));
  const long width = parts[0].cols;
  Dense y(parts[0].rows, heads * width);
  for (long i = 0; i < y.rows; ++i)
    for (long c = 0; c < y.cols; ++c) y.at(i, c) = parts[std::size_t(c / width)].at(i, c % width);
  return y;
}

using Visible = std::function<bool(long query, long key)>;
using VisibleToHead = std::function<bool(long head, long query, long key)>;
/// Unnormalised weight in one head: a function of the features of the query and the key.
using Weight = std::function<double(const double* q, const double* k, long width)>;

inline double softmax_weight(const double* q, const double* k, long width) {
  double s = 0;
  for (long d = 0; d < width; ++d) s += q[d] * k[d];
  return std::exp(s / std::sqrt(double(width)));
}

/// Σ_j w_ij v_j / (Σ_j w_ij + epsilon) over visible keys, head by head; 0 where nothing is visible.
inline Dense attend(const Dense& q, const Dense& k, const Dense& v, long heads, const Weight& weight,
                    const VisibleToHead& visible, double epsilon = 0) {
  Dense out(q.rows, v.cols);
  const long width = q.cols / heads, value_width = v.cols / heads;
  for (long h = 0; h < heads; ++h)
    for (long i = 0; i < q.rows; ++i) {
      double total = epsilon;
      for (long j = 0; j < k.rows; ++j) {
        if (!visible(h, i, j)) continue;
        const double w =
            weight(&q.v[std::size_t(i * q.cols + h * width)], &k.v[std::size_t(j * k.cols + h * width)], width);
        total += w;
        for (long d = 0; d < value_width; ++d) out.at(i, h * value_width + d) += w * v.at(j, h * value_width + d);
      }
      for (long d = 0; total > 0 && d < value_width; ++d) out.at(i, h * value_width + d) /= total;
    }
  return out;
}

inline Dense attend(const Dense& q, const Dense& k, const Dense& v, long heads, const Weight& weight,
                    const Visible& visible, double epsilon = 0) {
  return attend(
      q, k, v, heads, weight, [&](long, long i, long j) { return visible(i, j); }, epsilon);
}

/// All keys, or if `causal` those up to the query.
inline Visible visible_if(bool causal) {
  return [causal](long i, long j) { return !causal || j <= i; };
}

struct Trial {
  MixerCase c;
  MixerRun run;
  Numbers x;

  Trial(const std::string& model, Json settings, std::vector<long> lengths, long width = 12, long heads = 3) {
    c.model = model, c.settings = std::move(settings), c.lengths = std::move(lengths);
    c.width = width, c.qkv = width, c.heads = heads;
    long tokens = 0;
    for (const long n : c.lengths) tokens += n;
    x = random_numbers(std::size_t(tokens * width), model);
    run = f64::run_mixer(c, x, random_numbers(x.size(), "dy"));
  }

  Dense weights(const std::string& name) const {
    return {run.shapes.at(name)[0], run.shapes.at(name)[1], run.parameters.at(name)};
  }

  /// Replaces parameters that start at zero, which would hide mistakes, by random numbers.
  void fill_zeros() {
    Named values = run.parameters;
    for (auto& [name, numbers] : values)
      if (dot(numbers, numbers) == 0) numbers = random_numbers(numbers.size(), name);
    set(values);
  }

  /// Runs again with the given values of some parameters.
  void set(const Named& values) { run = f64::run_mixer(c, x, random_numbers(x.size(), "dy"), values); }

  /// Compares the result with `mixer`, applied to each sequence's dense tokens.
  void expect_rows(const std::function<Dense(const Dense& tokens)>& mixer) const {
    Numbers expected;
    std::size_t at = 0;
    for (const long n : c.lengths) {
      const Dense y = mixer(Dense(n, c.width, Numbers(x.begin() + long(at), x.begin() + long(at) + n * c.width)));
      expected.insert(expected.end(), y.v.begin(), y.v.end());
      at += std::size_t(n * c.width);
    }
    EXPECT_LT(relative_error(run.result, expected), 1e-10) << c.model << " " << c.settings.dump();
  }

  /// Compares the result with `core`, applied to each sequence's dense q, k, v, and the output projection.
  void expect(const std::function<Dense(const Dense& q, const Dense& k, const Dense& v)>& core) const {
    expect_rows([&](const Dense& tokens) {
      return project(
          core(project(tokens, weights("query")), project(tokens, weights("key")), project(tokens, weights("value"))),
          weights("out"));
    });
  }
};

inline const std::vector<std::vector<long>> kLengths = {{1}, {2}, {5, 1, 9}, {64}, {130, 3}, {300}};

}  // namespace lra
