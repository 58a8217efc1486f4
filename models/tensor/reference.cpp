// Every kernel implemented from its definition in kernels.h by plain loops, which share no code with the vector
// kernels. The tests compare the fast kernels with these, and the double build uses them.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/random.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE::kernels {
namespace {

bool kept(const DropoutStream& stream, std::uint64_t e) {
  const std::uint64_t i = e % 128, block = 16 * (e / 128) + i % 16;
  const auto words =
      philox({std::uint32_t(block), std::uint32_t(block >> 32), stream.step, stream.example}, stream.key);
  const std::uint32_t word = words[(i / 16) / 2];
  return ((i / 16) % 2 == 0 ? word & 0xffffu : word >> 16) >= stream.threshold;
}

/// The factor of element e in the dropout mask.
Real mask_value(const DropoutStream* stream, std::uint64_t e) {
  if (!stream) return 1;
  return kept(*stream, e) ? stream->keep_scale() : 0;
}

/// u(x) in the tanh form of gelu, and its derivative.
Real gelu_argument(Real x) { return std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x); }
Real gelu_argument_slope(Real x) { return std::sqrt(2 / std::numbers::pi) * (1 + 3 * 0.044715 * x * x); }

/// One row of scores for α-entmax. ‖(1 + ε w)₊‖ in the norm of exponent 1/ε ≥ 1 is convex and increases with the shift,
/// so Newton's method from shift 0 converges from above to the shift where it is 1, without overshooting, in a few
/// steps.
struct EntmaxRow {
  static constexpr double kExponential = 1e-7;

  const Real* z;
  long n;
  double epsilon, highest;

  EntmaxRow(const Real* scores, long count, double e)
      : z(scores), n(count), epsilon(e), highest(*std::max_element(scores, scores + count)) {}

  double base(long j, double shift) const { return 1 + epsilon * (z[j] - highest + shift); }
  /// log p_j. Requires base(j) > 0.
  double log_weight(long j, double shift) const {
    return epsilon < kExponential ? z[j] - highest + shift : std::log(base(j, shift)) / epsilon;
  }

  double solve() const {
    double shift = 0;
    for (int step = 0; step < 100; ++step) {
      double sum = 0, slope = 0;
      for (long j = 0; j < n; ++j) {
        const double u = base(j, shift);
        if (u <= 0) continue;
        const double p = std::exp(log_weight(j, shift));
        sum += p, slope += p / u;
      }
      if (sum <= 1 + 1e-12) break;
      shift -= sum / slope * (epsilon < kExponential ? std::log(sum) : -std::expm1(-epsilon * std::log(sum)) / epsilon);
    }
    return shift;
  }
};

/// (e^y − 1 − y·e^y) / ε² with y = ε·l: a term of ∂p/∂α.
double entmax_curvature(double l, double epsilon) {
  const double y = epsilon * l;
  if (std::abs(y) < 1e-3) return -l * l * (0.5 + y / 3 + y * y / 8);
  return (std::expm1(y) - y * std::exp(y)) / (epsilon * epsilon);
}

}  // namespace

void gemm(ConstView a, bool transpose_a, ConstView b, bool transpose_b, View c, bool accumulate, Real scale,
          const Real* bias) {
  const long inner = transpose_a ? a.rows : a.cols;
  const auto at = [](const ConstView& m, bool transposed, long r, long k) {
    return transposed ? m.data[k * m.stride + r] : m.data[r * m.stride + k];
  };
  for (long i = 0; i < c.rows; ++i)
    for (long j = 0; j < c.cols; ++j) {
      Real sum = 0;
      for (long k = 0; k < inner; ++k) sum += at(a, transpose_a, i, k) * at(b, transpose_b, k, j);
      Real& out = c.data[i * c.stride + j];
      out = scale * sum + (accumulate ? out : bias ? bias[j] : 0);
    }
}

void gemm_tile(ConstView a, bool transpose_a, ConstView b, bool transpose_b, View c, bool accumulate) {
  gemm(a, transpose_a, b, transpose_b, c, accumulate);
}

void fill(Real* y, long n, Real value) {
  for (long i = 0; i < n; ++i) y[i] = value;
}
void copy(const Real* x, Real* y, long n) {
  for (long i = 0; i < n; ++i) y[i] = x[i];
}
void add(const Real* x, Real* y, long n) {
  for (long i = 0; i < n; ++i) y[i] += x[i];
}
void add_scaled(const Real* x, Real scale, Real* y, long n) {
  for (long i = 0; i < n; ++i) y[i] += scale * x[i];
}
void scale(Real* y, long n, Real factor) {
  for (long i = 0; i < n; ++i) y[i] *= factor;
}
void multiply(const Real* x, Real* y, long n) {
  for (long i = 0; i < n; ++i) y[i] *= x[i];
}
void multiply_add(const Real* a, const Real* b, Real* y, long n) {
  for (long i = 0; i < n; ++i) y[i] += a[i] * b[i];
}
void exponential(const Real* x, Real* y, long n) {
  for (long i = 0; i < n; ++i) y[i] = std::exp(x[i]);
}

void gelu(const Real* x, Real* y, long n) {
  for (long i = 0; i < n; ++i) y[i] = 0.5 * x[i] * (1 + std::tanh(gelu_argument(x[i])));
}
void gelu_backward(const Real* x, Real* dy, long n) {
  for (long i = 0; i < n; ++i) {
    const Real t = std::tanh(gelu_argument(x[i]));
    dy[i] *= 0.5 * (1 + t) + 0.5 * x[i] * (1 - t * t) * gelu_argument_slope(x[i]);
  }
}
void relu(const Real* x, Real* y, long n) {
  for (long i = 0; i < n; ++i) y[i] = x[i] < 0 ? 0 : x[i];
}
void relu_backward(const Real* x, Real* dy, long n) {
  for (long i = 0; i < n; ++i) dy[i] = x[i] > 0 ? dy[i] : 0;
}
void elu_plus_one(const Real* x, Real* y, long n) {
  for (long i = 0; i < n; ++i) y[i] = x[i] > 0 ? x[i] + 1 : std::exp(x[i]);
}
void elu_plus_one_backward(const Real* y, Real* dy, long n) {
  for (long i = 0; i < n; ++i) dy[i] *= y[i] > 1 ? 1 : y[i];
}
void dropout(const DropoutStream& stream, std::uint64_t first, const Real* x, Real* y, long n) {
  for (long i = 0; i < n; ++i) y[i] = kept(stream, first + std::uint64_t(i)) ? stream.keep_scale() * x[i] : 0;
}
void gelu_dropout(const DropoutStream* stream, std::uint64_t first, const Real* x, Real* y, long n) {
  gelu(x, y, n);
  if (stream) dropout(*stream, first, y, y, n);
}
void gelu_dropout_backward(const DropoutStream* stream, std::uint64_t first, const Real* x, Real* y, Real* dy, long n) {
  gelu_dropout(stream, first, x, y, n);
  if (stream) dropout(*stream, first, dy, dy, n);
  gelu_backward(x, dy, n);
}

void layer_norm(const Real* x, const Real* gamma, const Real* beta, long rows, long cols, Real epsilon, Real* y,
                Real* mean, Real* rstd) {
  for (long r = 0; r < rows; ++r, x += cols, y += cols) {
    Real sum = 0, squares = 0;
    for (long c = 0; c < cols; ++c) sum += x[c];
    mean[r] = sum / Real(cols);
    for (long c = 0; c < cols; ++c) squares += (x[c] - mean[r]) * (x[c] - mean[r]);
    rstd[r] = 1 / std::sqrt(squares / Real(cols) + epsilon);
    for (long c = 0; c < cols; ++c) y[c] = gamma[c] * (x[c] - mean[r]) * rstd[r] + beta[c];
  }
}

void layer_norm_backward(const Real* x, const Real* gamma, const Real* mean, const Real* rstd, const Real* dy,
                         long rows, long cols, Real* dx, Real* dgamma, Real* dbeta) {
  for (long r = 0; r < rows; ++r, x += cols, dy += cols, dx += cols) {
    Real mean_g = 0, mean_gx = 0;
    for (long c = 0; c < cols; ++c) {
      const Real norm = (x[c] - mean[r]) * rstd[r];
      mean_g += gamma[c] * dy[c] / Real(cols);
      mean_gx += gamma[c] * dy[c] * norm / Real(cols);
      dgamma[c] += dy[c] * norm;
      dbeta[c] += dy[c];
    }
    for (long c = 0; c < cols; ++c)
      dx[c] = rstd[r] * (gamma[c] * dy[c] - mean_g - (x[c] - mean[r]) * rstd[r] * mean_gx);
  }
}

void add_column_sums(ConstView x, Real* out) {
  for (long r = 0; r < x.rows; ++r)
    for (long c = 0; c < x.cols; ++c) out[c] += x.data[r * x.stride + c];
}
void copy_rows(ConstView x, View y) {
  for (long r = 0; r < y.rows; ++r) copy(x.data + r * x.stride, y.data + r * y.stride, y.cols);
}
void add_rows(ConstView x, View y) {
  for (long r = 0; r < y.rows; ++r) add(x.data + r * x.stride, y.data + r * y.stride, y.cols);
}
void multiply_rows(ConstView x, View y, Real* sums) {
  row_dots(x, y, sums);
  for (long r = 0; r < y.rows; ++r) multiply(x.data + r * x.stride, y.data + r * y.stride, y.cols);
}
void add_row(const Real* x, View y) {
  for (long r = 0; r < y.rows; ++r)
    for (long c = 0; c < y.cols; ++c) y.data[r * y.stride + c] += x[c];
}
void scale_rows(const Real* factor, View y) {
  for (long r = 0; r < y.rows; ++r)
    for (long c = 0; c < y.cols; ++c) y.data[r * y.stride + c] *= factor[r];
}
void row_dots(ConstView a, ConstView b, Real* out) {
  for (long r = 0; r < a.rows; ++r) {
    out[r] = 0;
    for (long c = 0; c < a.cols; ++c) out[r] += a.data[r * a.stride + c] * b.data[r * b.stride + c];
  }
}

void softmax(View x) {
  for (long r = 0; r < x.rows; ++r) {
    Real* row = x.data + r * x.stride;
    const Real highest = *std::max_element(row, row + x.cols);
    Real sum = 0;
    for (long c = 0; c < x.cols; ++c) sum += row[c] = std::exp(row[c] - highest);
    for (long c = 0; c < x.cols; ++c) row[c] /= sum;
  }
}
void softmax_backward(ConstView y, View dy) {
  for (long r = 0; r < y.rows; ++r) {
    const Real* value = y.data + r * y.stride;
    Real* gradient = dy.data + r * dy.stride;
    Real mean = 0;
    for (long c = 0; c < y.cols; ++c) mean += value[c] * gradient[c];
    for (long c = 0; c < y.cols; ++c) gradient[c] = value[c] * (gradient[c] - mean);
  }
}

void column_maxima(const Real* row, ConstView x, Real* out) {
  for (long r = 0; r < x.rows; ++r)
    for (long c = 0; c < x.cols; ++c) out[c] = std::max(out[c], x.data[r * x.stride + c] - row[r]);
}
void exp_shifted(const Real* row, const Real* column, View x) {
  for (long r = 0; r < x.rows; ++r)
    for (long c = 0; c < x.cols; ++c) {
      Real& value = x.data[r * x.stride + c];
      value = std::exp(value - row[r] - column[c]);
    }
}
void exp_below_highest(const Real* column, View x) {
  for (long r = 0; r < x.rows; ++r) {
    Real* row = x.data + r * x.stride;
    Real highest = -std::numeric_limits<Real>::infinity();
    for (long c = 0; c < x.cols; ++c) highest = std::max(highest, row[c] + column[c]);
    for (long c = 0; c < x.cols; ++c) row[c] = std::exp(row[c] + column[c] - highest);
  }
}

void attention_forward_tile(View s, const long* begin, const long* end, Real scale, Real* max, Real* sum,
                            Real* correction, const DropoutStream* dropout, std::uint64_t first,
                            std::uint64_t row_step) {
  constexpr Real kNothing = -std::numeric_limits<Real>::infinity();
  for (long r = 0; r < s.rows; ++r) {
    Real* row = s.data + r * s.stride;
    Real highest = max[r];
    for (long c = begin[r]; c < end[r]; ++c) highest = std::max(highest, scale * row[c]);
    correction[r] = highest == max[r] ? 1 : std::exp(max[r] - highest);
    sum[r] *= correction[r];
    max[r] = highest;
    for (long c = 0; c < s.cols; ++c) {
      const bool visible = begin[r] <= c && c < end[r];
      // A visible score of −infinity has probability 0, even if it is the largest.
      const Real p = visible ? std::exp(scale * row[c] - (highest == kNothing ? 0 : highest)) : 0;
      sum[r] += p;
      row[c] = p * mask_value(dropout, first + std::uint64_t(r) * row_step + std::uint64_t(c));
    }
  }
}

void attention_backward_tile(View s, View dp, const long* begin, const long* end, Real scale, const Real* lse,
                             const Real* delta, const DropoutStream* dropout, std::uint64_t first,
                             std::uint64_t row_step) {
  constexpr Real kNothing = -std::numeric_limits<Real>::infinity();
  for (long r = 0; r < s.rows; ++r)
    for (long c = 0; c < s.cols; ++c) {
      Real& score = s.data[r * s.stride + c];
      Real& gradient = dp.data[r * dp.stride + c];
      if (c < begin[r] || c >= end[r]) {
        score = gradient = 0;
        continue;
      }
      const Real mask = mask_value(dropout, first + std::uint64_t(r) * row_step + std::uint64_t(c));
      const Real exponent = scale * score - (lse[r] == kNothing ? 0 : lse[r]);
      const Real p = exponent > 0 ? 1 : std::exp(exponent);
      gradient = scale * p * (mask * gradient - delta[r]);
      score = mask * p;
    }
}

double entmax(Real* z, long n, double epsilon, Real*) {
  if (!all_finite(z, n)) {
    std::fill(z, z + n, std::numeric_limits<Real>::quiet_NaN());
    return std::numeric_limits<double>::quiet_NaN();
  }
  const EntmaxRow row(z, n, epsilon);
  const double shift = row.solve();
  for (long j = 0; j < n; ++j) z[j] = row.base(j, shift) > 0 ? std::exp(row.log_weight(j, shift)) : 0;
  return shift;
}

// With g = p^(2−α) on the support: dz = g (dp − Σ g·dp / Σ g), and ∂p/∂α is g (m − Σ g·m / Σ g).
double entmax_backward(Real* z, Real* dp, long n, double epsilon, double shift, Real* g) {
  const EntmaxRow row(z, n, epsilon);
  double sum = 0, with_dp = 0, with_m = 0, with_both = 0;
  for (long j = 0; j < n; ++j) {
    g[j] = 0;
    if (row.base(j, shift) <= 0) {
      z[j] = 0;
      continue;
    }
    const double l = row.log_weight(j, shift);
    g[j] = std::exp((1 - epsilon) * l);
    const double m = g[j] > 0 ? g[j] * entmax_curvature(l, epsilon) : 0;
    z[j] = std::exp(l);
    sum += g[j], with_dp += g[j] * dp[j], with_m += m, with_both += m * dp[j];
  }
  for (long j = 0; j < n; ++j) dp[j] = g[j] * (dp[j] - with_dp / sum);
  return with_both - with_dp * with_m / sum;
}

// The filter of a column is its taps by lag: tap `lag` of column c is filter[(lag + n − 1) · cols + c].
void make_filter(ConstView after, ConstView before, Real* filter) {
  const long n = after.rows, cols = after.cols;
  std::fill_n(filter, (2 * n - 1) * cols, 0);
  for (long i = 0; i < n; ++i) copy(after.data + i * after.stride, filter + (n - 1 + i) * cols, cols);
  for (long i = 0; i < before.rows; ++i) copy(before.data + i * before.stride, filter + (n - 2 - i) * cols, cols);
}
void convolve(const Real* filter, ConstView x, View y, Real*) {
  const long n = x.rows, cols = x.cols;
  for (long t = 0; t < n; ++t) {
    Real* to = y.data + t * y.stride;
    fill(to, cols, 0);
    for (long s = 0; s < n; ++s) multiply_add(filter + (n - 1 + t - s) * cols, x.data + s * x.stride, to, cols);
  }
}
void convolve_backward(const Real* filter, ConstView x, ConstView dy, View dx, Real* dfilter, Real*) {
  const long n = x.rows, cols = x.cols;
  for (long t = 0; t < n; ++t)
    for (long s = 0; s < n; ++s) {
      const long tap = (n - 1 + t - s) * cols;
      multiply_add(filter + tap, dy.data + t * dy.stride, dx.data + s * dx.stride, cols);
      multiply_add(x.data + s * x.stride, dy.data + t * dy.stride, dfilter + tap, cols);
    }
}
void filter_gradient(Real* dfilter, View dafter, View dbefore) {
  const long n = dafter.rows, cols = dafter.cols;
  for (long i = 0; i < n; ++i) add(dfilter + (n - 1 + i) * cols, dafter.data + i * dafter.stride, cols);
  for (long i = 0; i < dbefore.rows; ++i) add(dfilter + (n - 2 - i) * cols, dbefore.data + i * dbefore.stride, cols);
}

double cross_entropy(const Real* x, long classes, long label, Real weight, Real* dx) {
  const double highest = *std::max_element(x, x + classes);
  double sum = 0;
  for (long c = 0; c < classes; ++c) sum += std::exp(x[c] - highest);
  for (long c = 0; dx && c < classes; ++c) dx[c] = weight * (std::exp(x[c] - highest) / sum - (c == label ? 1 : 0));
  return std::log(sum) - (x[label] - highest);
}

void adam(const AdamStep& step, const Real* gradient, Real* m, Real* v, Real* parameter, long n) {
  for (long i = 0; i < n; ++i) {
    const Real g = step.gradient_scale * gradient[i];
    m[i] = step.beta1 * m[i] + (1 - step.beta1) * g;
    v[i] = step.beta2 * v[i] + (1 - step.beta2) * g * g;
    const Real direction = m[i] / step.correction1 / (std::sqrt(v[i] / step.correction2) + step.epsilon);
    parameter[i] -= step.lr * (direction + step.weight_decay * parameter[i]);
  }
}

double sum_of_squares(const Real* x, long n) {
  double sum = 0;
  for (long i = 0; i < n; ++i) sum += x[i] * x[i];
  return sum;
}
bool all_finite(const Real* x, long n) {
  return std::all_of(x, x + n, [](Real v) { return std::isfinite(v); });
}
const char* instruction_set() { return "reference"; }

}  // namespace lra::inline LRA_ENGINE::kernels
