#include <cmath>
#include <vector>

#include "models/tensor/detail/selective_scan.h"

namespace lra::inline LRA_ENGINE {

namespace kernels {

void selective_scan(const ScanChunk& x, Real* state, View y) {
  const long width = scan_width(x.u.cols);
  for (long t = 0; t < x.u.rows; ++t)
    for (long f = 0; f < x.u.cols; ++f)
      for (long m = 0; m < x.b.cols; ++m) {
        Real& h = state[m * width + f];
        const Real step = x.step.data[t * x.step.stride + f];
        const Real kept = std::exp(step * x.rates[m * width + f]) * h;
        h = kept + x.b.data[t * x.b.stride + m] * step * x.u.data[t * x.u.stride + f];
        y.data[t * y.stride + f] += x.c.data[t * x.c.stride + m] * (x.strict ? kept : h);
      }
}

// With g the gradient of h_t through later tokens and r = c·dy what y_t adds, the gradient of a·h_{t−1} is g + r, and
// that of b·step·u is g + r, or g if strict.
void selective_scan_backward(const ScanChunk& x, const Real* state, ConstView dy, Real* dstate, const ScanGradients& d,
                             Real*) {
  const long n = x.u.rows, width = scan_width(x.u.cols);
  std::vector<Real> before(std::size_t(n), 0);
  for (long f = 0; f < x.u.cols; ++f)
    for (long m = 0; m < x.b.cols; ++m) {
      const Real rate = x.rates[m * width + f];
      const auto at = [&](const ConstView& rows, long t, long column) { return rows.data[t * rows.stride + column]; };
      Real h = state[m * width + f];
      for (long t = 0; t < n; ++t) {
        before[std::size_t(t)] = h;
        h = std::exp(at(x.step, t, f) * rate) * h + at(x.b, t, m) * at(x.step, t, f) * at(x.u, t, f);
      }
      Real& g = dstate[m * width + f];
      for (long t = n - 1; t >= 0; --t) {
        const Real u = at(x.u, t, f), step = at(x.step, t, f), b = at(x.b, t, m), c = at(x.c, t, m);
        const Real a = std::exp(step * rate), kept = a * before[std::size_t(t)];
        const Real whole = g + c * at(dy, t, f), own = x.strict ? g : whole;
        d.c.data[t * d.c.stride + m] += at(dy, t, f) * (x.strict ? kept : kept + b * step * u);
        d.b.data[t * d.b.stride + m] += own * step * u;
        d.u.data[t * d.u.stride + f] += own * b * step;
        d.step.data[t * d.step.stride + f] += own * b * u + whole * kept * rate;
        d.rates[m * width + f] += whole * kept * step;
        g = a * whole;
      }
    }
}

}  // namespace kernels
}  // namespace lra::inline LRA_ENGINE
