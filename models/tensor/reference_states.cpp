// The kernels of state_kernels.h by plain loops, lane by lane.
#include <complex>

#include "models/tensor/detail/state_kernels.h"

namespace lra::inline LRA_ENGINE::kernels {
namespace {

/// Lane `lane` of number k.
std::complex<double> number(const double* x, long k, long lane) {
  const double* re = x + 2 * kStateLanes * k + lane;
  return {re[0], re[kStateLanes]};
}
void put(std::complex<double> value, double* x, long k, long lane) {
  double* re = x + 2 * kStateLanes * k + lane;
  re[0] = value.real(), re[kStateLanes] = value.imag();
}
void add(std::complex<double> value, double* x, long k, long lane) { put(number(x, k, lane) + value, x, k, lane); }

double inner(const double* a, const double* b, long m, long lane) {
  double sum = 0;
  for (long k = 0; k < m; ++k) sum += (std::conj(number(a, k, lane)) * number(b, k, lane)).real();
  return sum;
}

}  // namespace

void advance_states(const StateStep& step, long n, double* states, double* reads) {
  for (long i = 0; i < n; ++i) {
    const double* z = states + i * state_size(step.m);
    double* next = states + (i + 1) * state_size(step.m);
    for (long lane = 0; lane < kStateLanes; ++lane) {
      const double read = reads[i * kStateLanes + lane];
      for (long k = 0; k < step.m; ++k)
        put(number(step.d, k, lane) * number(z, k, lane) + number(step.g, k, lane) * read, next, k, lane);
      reads[(i + 1) * kStateLanes + lane] = inner(step.h, next, step.m, lane);
    }
  }
}

void retreat_states(const StateStep& step, const StateInput& input, long n, double* states, double* reads) {
  const long size = state_size(step.m);
  for (long i = n - 1; i >= 0; --i)
    for (long lane = 0; lane < kStateLanes; ++lane) {
      const double read = reads[(i + 1) * kStateLanes + lane];
      double* z = states + i * size;
      for (long k = 0; k < step.m; ++k) {
        put(std::conj(number(step.d, k, lane)) * number(z + size, k, lane) + number(step.h, k, lane) * read, z, k,
            lane);
        for (long f = 0; f < input.count; ++f)
          add(input.taps[(i * input.count + f) * kStateLanes + lane] * number(input.vectors + f * size, k, lane), z, k,
              lane);
      }
      reads[i * kStateLanes + lane] = inner(step.g, z, step.m, lane);
    }
}

void read_states(const double* a, const double* states, long m, long n, double* out) {
  for (long i = 0; i < n; ++i)
    for (long lane = 0; lane < kStateLanes; ++lane)
      out[i * kStateLanes + lane] = inner(a, states + i * state_size(m), m, lane);
}

void add_states(const double* factors, long stride, const double* states, long m, long n, double* y) {
  for (long i = 0; i < n; ++i)
    for (long lane = 0; lane < kStateLanes; ++lane)
      for (long k = 0; k < m; ++k)
        add(factors[i * stride * kStateLanes + lane] * number(states + i * state_size(m), k, lane), y, k, lane);
}

void add_state_products(const double* a, const double* b, long m, long n, double* y) {
  for (long at = 0; at < n * state_size(m); at += state_size(m))
    for (long lane = 0; lane < kStateLanes; ++lane)
      for (long k = 0; k < m; ++k) add(std::conj(number(a + at, k, lane)) * number(b + at, k, lane), y, k, lane);
}

}  // namespace lra::inline LRA_ENGINE::kernels
