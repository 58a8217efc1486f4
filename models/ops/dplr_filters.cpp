/// Filters of state spaces whose state matrix is diagonal plus low rank, by their recurrence.
///
/// In terms of the real and imaginary parts of one state per conjugate pair, with the inner product ⟨a,b⟩ =
/// Re Σ_k conj(a_k)·b_k, the low-rank term is −2·P·⟨P,x⟩: real and of rank one. By Sherman and Morrison's formula a
/// step is z ← d∘z + g·⟨h,z⟩, 14 operations per state. The authors evaluate the generating function at the roots of
/// unity instead, where the Cauchy products take about as many per tap; the recurrence needs no transform and no Ā^L.
/// The formula's denominator 1 + Δ·⟨P, (I − Δ/2·Λ)⁻¹P⟩ is at least 1 if Λ has negative real parts.
#include "models/ops/dplr_filters.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "core/error.h"
#include "models/autodiff/tape.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/state_kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

using Complex = std::complex<double>;
using ComplexVector = std::vector<Complex>;

double inner(const ComplexVector& a, const ComplexVector& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k].real() * b[k].real() + a[k].imag() * b[k].imag();
  return sum;
}

/// Row `row` of a tensor with M real parts, then M imaginary parts.
ComplexVector complex_row(const Tensor& x, long row) {
  const long m = x.dim(1) / 2;
  const Real* at = x.data() + row * 2 * m;
  ComplexVector values;
  for (long k = 0; k < m; ++k) values.emplace_back(double(at[k]), double(at[m + k]));
  return values;
}
void add_to_row(Tensor& x, long row, const ComplexVector& values) {
  const long m = long(values.size());
  Real* at = x.data() + row * 2 * m;
  for (long k = 0; k < m; ++k) {
    at[k] += Real(values[std::size_t(k)].real());
    at[m + k] += Real(values[std::size_t(k)].imag());
  }
}

/// The recurrence of one feature: z ← d∘z + g·⟨h,z⟩ from z = start. Gradients have the same form: ∂/∂Re + i·∂/∂Im.
struct Recurrence {
  ComplexVector d, g, h, start;
};

/// The state space of one feature in continuous time, and its discretisation.
class StateSpace {
 public:
  StateSpace(const Tensor& matrix, const Tensor& low_rank, const Tensor& input, const Tensor& log_steps, long row)
      : step_(std::exp(double(log_steps.data()[row]))),
        lambda_(complex_row(matrix, row)),
        p_(complex_row(low_rank, row)),
        b_(complex_row(input, row)) {
    double rho = 0;  // ⟨P, resolvent∘P⟩
    for (std::size_t k = 0; k < p_.size(); ++k) {
      resolvent_.push_back(1.0 / (1.0 - step_ / 2 * lambda_[k]));
      rho += std::norm(p_[k]) * resolvent_[k].real();
    }
    gain_ = 2 * step_ / (1 + step_ * rho);
    for (std::size_t k = 0; k < p_.size(); ++k) {
      recurrence_.d.push_back(2.0 * resolvent_[k] - 1.0);
      recurrence_.g.push_back(-gain_ * p_[k] * resolvent_[k]);
      recurrence_.h.push_back(p_[k] * std::conj(resolvent_[k]));
    }
    read_ = inner(recurrence_.h, b_);
    for (std::size_t k = 0; k < p_.size(); ++k)
      recurrence_.start.push_back(step_ * (resolvent_[k] * b_[k] + read_ / 2 * recurrence_.g[k]));
  }

  const Recurrence& recurrence() const { return recurrence_; }

  struct Gradients {
    ComplexVector lambda, p, b;
    double log_step;
  };
  /// Given the gradients of the recurrence.
  Gradients gradients(Recurrence by) const {
    const std::size_t m = p_.size();
    ComplexVector by_resolvent(m);
    Gradients to{ComplexVector(m), ComplexVector(m), ComplexVector(m), 0};
    double by_step = inner(by.start, recurrence_.start) / step_;
    const double by_read = step_ / 2 * inner(by.start, recurrence_.g);
    double by_gain = 0;
    for (std::size_t k = 0; k < m; ++k) {
      const Complex by_start = step_ * by.start[k];
      by.g[k] += read_ / 2 * by_start;
      by.h[k] += by_read * b_[k];
      to.b[k] = by_start * std::conj(resolvent_[k]) + by_read * recurrence_.h[k];
      to.p[k] = by.h[k] * resolvent_[k] - gain_ * by.g[k] * std::conj(resolvent_[k]);
      by_resolvent[k] =
          by_start * std::conj(b_[k]) + 2.0 * by.d[k] + std::conj(by.h[k]) * p_[k] - gain_ * by.g[k] * std::conj(p_[k]);
      by_gain -= (std::conj(by.g[k]) * p_[k] * resolvent_[k]).real();
    }
    by_step += gain_ * gain_ / (2 * step_ * step_) * by_gain;
    const double by_rho = -gain_ * gain_ / 2 * by_gain;
    for (std::size_t k = 0; k < m; ++k) {
      to.p[k] += 2 * by_rho * resolvent_[k].real() * p_[k];
      const Complex by_rate =
          (by_resolvent[k] + by_rho * std::norm(p_[k])) * std::conj(resolvent_[k] * resolvent_[k]) / 2.0;
      to.lambda[k] = step_ * by_rate;
      by_step += (std::conj(by_rate) * lambda_[k]).real();
    }
    to.log_step = by_step * step_;
    return to;
  }

 private:
  double step_;
  ComplexVector lambda_, p_, b_;
  ComplexVector resolvent_;  // 1/(1 − Δ/2·λ)
  double gain_;              // 2Δ/(1 + Δ·⟨P, resolvent∘P⟩)
  double read_;              // ⟨h,B⟩
  Recurrence recurrence_;
};

constexpr long kLanes = kernels::kStateLanes;

/// Numbers for the kernels of states, zero at first. They begin with a cache line: a vector register that crosses two
/// takes twice as long to load.
class Lanes {
 public:
  explicit Lanes(long size) : lines_(std::size_t((size + kPerLine - 1) / kPerLine)) {}
  double* data() { return lines_.data()->values; }
  const double* data() const { return lines_.data()->values; }

 private:
  static constexpr long kPerLine = 8;
  struct alignas(64) Line {
    double values[kPerLine];
  };
  std::vector<Line> lines_;
};

void put(const ComplexVector& values, long lane, double* to) {
  for (std::size_t k = 0; k < values.size(); ++k, to += 2 * kLanes)
    to[lane] = values[k].real(), to[kLanes + lane] = values[k].imag();
}
ComplexVector lane_of(const double* from, long m, long lane) {
  ComplexVector values;
  for (long k = 0; k < m; ++k, from += 2 * kLanes) values.emplace_back(from[lane], from[kLanes + lane]);
  return values;
}

/// Sets numbers to zero that would soon be denormal, which slows arithmetic down.
void drop_tiny(double* z, long size) {
  constexpr double kTiny = 1e-200;
  for (long i = 0; i < size; ++i)
    if (std::abs(z[i]) < kTiny) z[i] = 0;
}

/// The recurrences and filters of kLanes features from `first` on, or of as many as there are.
class FeatureGroup {
 public:
  FeatureGroup(const Tensor& matrix, const Tensor& low_rank, const Tensor& input, const Tensor& log_steps,
               const Tensor& weights, long first)
      : features_(matrix.dim(0)),
        m_(matrix.dim(1) / 2),
        size_(kernels::state_size(m_)),
        first_(first),
        lanes_(std::min(kLanes, features_ - first)),
        filters_(weights.dim(0) / features_),
        d_(size_),
        g_(d_),
        h_(d_),
        start_(d_),
        weights_(filters_ * size_),
        states_((kChunk + 1) * size_),
        reads_((kChunk + 1) * kLanes) {
    for (long lane = 0; lane < lanes_; ++lane) {
      spaces_.emplace_back(matrix, low_rank, input, log_steps, first + lane);
      const Recurrence& of = spaces_.back().recurrence();
      put(of.d, lane, d_.data()), put(of.g, lane, g_.data()), put(of.h, lane, h_.data());
      put(of.start, lane, start_.data());
      for (long f = 0; f < filters_; ++f) {
        ComplexVector functional = complex_row(weights, column(f, lane));  // 2·Re w·z = ⟨2·conj(w), z⟩
        for (Complex& w : functional) w = 2.0 * std::conj(w);
        put(functional, lane, weights_.data() + f * size_);
      }
    }
  }

  /// Writes the columns of these features.
  void forward(Tensor& y) {
    Lanes taps(kChunk * kLanes);
    begin(start_.data());
    for (long t = 0; t < y.dim(0); t += kChunk) {
      const long n = std::min(kChunk, y.dim(0) - t);
      run();
      for (long f = 0; f < filters_; ++f) {
        kernels::read_states(weights_.data() + f * size_, states_.data(), m_, n, taps.data());
        for (long i = 0; i < n; ++i)
          for (long lane = 0; lane < lanes_; ++lane)
            y.data()[(t + i) * y.dim(1) + column(f, lane)] = Real(taps.data()[i * kLanes + lane]);
      }
      begin(state(kChunk));
    }
  }

  struct Sinks {
    Tensor matrix, low_rank, input, log_steps, weights;
  };
  /// Adds these features' gradients, given that of the filters. The states are computed again, chunk by chunk from
  /// the last to the first.
  void backward(const Tensor& dy, Sinks& to) {
    const long chunks = (dy.dim(0) + kChunk - 1) / kChunk;
    Lanes starts(chunks * size_);
    begin(start_.data());
    for (long c = 0; c < chunks; ++c) {
      std::copy_n(state(0), size_, starts.data() + c * size_);
      run();
      begin(state(kChunk));
    }
    Adjoint by(size_, filters_);
    for (long c = chunks; c-- > 0;) {
      begin(starts.data() + c * size_);
      run();
      step_back(dy, c * kChunk, by);
    }
    for (long lane = 0; lane < lanes_; ++lane) add_gradients(by, lane, to);
  }

 private:
  static constexpr long kChunk = 16;  // steps whose states stay in the cache

  /// The gradients of a chunk's states, of which the first is carried on, with ⟨g,·⟩ of each; those of its taps; and
  /// the sums of the others.
  struct Adjoint {
    Lanes states, reads, taps;
    Lanes d, g, h, weights;
    Adjoint(long size, long filters)
        : states((kChunk + 1) * size),
          reads((kChunk + 1) * kLanes),
          taps(kChunk * filters * kLanes),
          d(size),
          g(d),
          h(d),
          weights(filters * size) {}
  };

  long column(long filter, long lane) const { return filter * features_ + first_ + lane; }
  double* state(long i) { return states_.data() + i * size_; }
  kernels::StateStep step() const { return {d_.data(), g_.data(), h_.data(), m_}; }

  /// Makes z, which may be a state of the chunk, its first one.
  void begin(const double* z) {
    std::copy(z, z + size_, state(0));
    drop_tiny(state(0), size_);
    kernels::read_states(h_.data(), state(0), m_, 1, reads_.data());
  }
  void run() { kernels::advance_states(step(), kChunk, states_.data(), reads_.data()); }

  /// From the gradient of the state after the chunk that begins at tap t to that of its first one.
  void step_back(const Tensor& dy, long t, Adjoint& by) {
    const long n = std::min(kChunk, dy.dim(0) - t);
    for (long i = 0; i < n; ++i)
      for (long f = 0; f < filters_; ++f)
        for (long lane = 0; lane < lanes_; ++lane)
          by.taps.data()[(i * filters_ + f) * kLanes + lane] = double(dy.data()[(t + i) * dy.dim(1) + column(f, lane)]);
    double *after = by.states.data() + size_, *reads_after = by.reads.data() + kLanes;
    std::copy_n(by.states.data(), size_, by.states.data() + n * size_);
    std::copy_n(by.reads.data(), kLanes, by.reads.data() + n * kLanes);
    kernels::retreat_states(step(), {by.taps.data(), weights_.data(), filters_}, n, by.states.data(), by.reads.data());
    kernels::add_state_products(states_.data(), after, m_, n, by.d.data());
    kernels::add_states(reads_.data(), 1, after, m_, n, by.g.data());
    kernels::add_states(reads_after, 1, states_.data(), m_, n, by.h.data());
    for (long f = 0; f < filters_; ++f)
      kernels::add_states(by.taps.data() + f * kLanes, filters_, states_.data(), m_, n, by.weights.data() + f * size_);
    drop_tiny(by.states.data(), size_);
  }

  void add_gradients(const Adjoint& by, long lane, Sinks& to) const {
    const auto values = [&](const Lanes& of) { return lane_of(of.data(), m_, lane); };
    const auto given =
        spaces_[std::size_t(lane)].gradients({values(by.d), values(by.g), values(by.h), values(by.states)});
    add_to_row(to.matrix, first_ + lane, given.lambda);
    add_to_row(to.low_rank, first_ + lane, given.p);
    add_to_row(to.input, first_ + lane, given.b);
    to.log_steps.data()[first_ + lane] += Real(given.log_step);
    for (long f = 0; f < filters_; ++f) {
      ComplexVector dweights = lane_of(by.weights.data() + f * size_, m_, lane);
      for (Complex& w : dweights) w = 2.0 * std::conj(w);
      add_to_row(to.weights, column(f, lane), dweights);
    }
  }

  long features_, m_, size_, first_, lanes_, filters_;
  Lanes d_, g_, h_, start_, weights_;
  Lanes states_, reads_;  // of a chunk, one after another, and ⟨h,z⟩ of each
  std::vector<StateSpace> spaces_;
};

void expect_spaces(const Tensor& matrix, const Tensor& low_rank, const Tensor& input, const Tensor& log_steps,
                   const Tensor& weights, long length) {
  constexpr const char* kOp = "dplr_filters";
  expect_matrix(matrix, kOp, "matrix");
  expect_matrix(weights, kOp, "weights");
  const long rows = matrix.dim(0), width = matrix.dim(1);
  expect_input(low_rank, matrix.shape(), kOp, "low_rank");
  expect_input(input, matrix.shape(), kOp, "input");
  expect_input(log_steps, {rows, 1}, kOp, "log_steps");
  if (rows < 1 || width < 2 || width % 2 != 0 || weights.dim(1) != width || weights.dim(0) % rows != 0 || length < 1)
    fail("[dplr_filters] a matrix {} does not fit weights {} and {} taps", matrix.shape().text(),
         weights.shape().text(), length);
}

/// Operations per tap and state: of a recurrence, and of each filter.
void count_flops(const Tensor& matrix, const Tensor& weights, long length, double recurrence, double filter) {
  const long states = matrix.dim(1) / 2;
  Context::current().work.flops +=
      double(length) * double(states) * (recurrence * double(matrix.dim(0)) + filter * double(weights.dim(0)));
}

/// Moves the states of a feature, a row of `carried`, on by the input u. Returns the output.
Real advance(const Recurrence& step, Real u, const ComplexVector& weights, long row, Tensor& carried) {
  ComplexVector z = complex_row(carried, row);
  const double read = inner(step.h, z);
  const long m = long(z.size());
  Real* to = carried.data() + row * 2 * m;
  double sum = 0;
  for (long k = 0; k < m; ++k) {
    const std::size_t i = std::size_t(k);
    const Complex next = step.d[i] * z[i] + read * step.g[i] + double(u) * step.start[i];
    to[k] = Real(next.real()), to[m + k] = Real(next.imag());
    sum += (weights[i] * next).real();
  }
  return Real(2 * sum);
}

}  // namespace

Tensor dplr_filters(const Tensor& matrix, const Tensor& low_rank, const Tensor& input, const Tensor& log_steps,
                    const Tensor& weights, long length) {
  expect_spaces(matrix, low_rank, input, log_steps, weights, length);
  Tensor y = Tensor::empty({length, weights.dim(0)});
  for (long c = 0; c < matrix.dim(0); c += kLanes)
    FeatureGroup(matrix, low_rank, input, log_steps, weights, c).forward(y);
  count_flops(matrix, weights, length, 14, 4);
  return record(std::move(y), [matrix, low_rank, input, log_steps, weights, length](const Tensor& dy) {
    FeatureGroup::Sinks to{zeroed_gradient_sink(matrix), zeroed_gradient_sink(low_rank), zeroed_gradient_sink(input),
                           zeroed_gradient_sink(log_steps), zeroed_gradient_sink(weights)};
    for (long c = 0; c < matrix.dim(0); c += kLanes)
      FeatureGroup(matrix, low_rank, input, log_steps, weights, c).backward(dy, to);
    count_flops(matrix, weights, length, 58, 8);
  });
}

Tensor dplr_state_space(const Tensor& x, const Tensor& matrix, const Tensor& low_rank, const Tensor& input,
                        const Tensor& log_steps, const Tensor& weights, const SequenceLayout& layout) {
  if (!stepping())
    return long_convolution(x, dplr_filters(matrix, low_rank, input, log_steps, weights, layout.longest()), layout);
  expect_packed(x, layout, "dplr_state_space");
  expect_spaces(matrix, low_rank, input, log_steps, weights, 1);
  const long c = matrix.dim(0);
  expect_steps(weights.dim(0) == c, "dplr_state_space", kSeesLaterTokens);
  const auto steps = computed_once([&] {
    std::vector<Recurrence> all;
    for (long i = 0; i < c; ++i) all.push_back(StateSpace(matrix, low_rank, input, log_steps, i).recurrence());
    return all;
  });
  Tensor y = Tensor::empty(x.shape());
  for (long s = 0; s < layout.count(); ++s) {
    Tensor carried = carried_state({c, matrix.dim(1)});
    for (long i = layout.begin(s) * c; i < layout.begin(s + 1) * c; ++i)
      y.data()[i] = advance((*steps)[std::size_t(i % c)], x.data()[i], complex_row(weights, i % c), i % c, carried);
  }
  return y;
}

}  // namespace lra::inline LRA_ENGINE
