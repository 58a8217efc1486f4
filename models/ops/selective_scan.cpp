/// Diagonal state spaces whose time steps, inputs and outputs the tokens choose.
///
/// A sequence is cut into chunks. Forward keeps the states before each chunk; backward computes those within a chunk
/// again, so that no more than a chunk's states are ever in memory.
#include <algorithm>
#include <vector>

#include "models/ops/detail/input_checks.h"
#include "models/ops/recurrences.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/selective_scan.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kTokens = 32;  // of a chunk: what backward computes again stays in the second cache

/// One pass over the n tokens of a sequence, which begins at token `begin`.
struct Scan {
  long begin, n;
  bool reversed, strict;  // from the last token to the first; without the token's own term

  long chunks() const { return (n + kTokens - 1) / kTokens; }
  /// The rows of a chunk in the order of the pass.
  View chunk(Tensor x, long i) const {
    const long at = i * kTokens, row = reversed ? begin + n - 1 - at : begin + at, width = x.dim(1);
    return {x.data() + row * width, std::min(kTokens, n - at), width, reversed ? -width : width};
  }
};

std::vector<Scan> scans_of(const SequenceLayout& layout, Direction direction) {
  std::vector<Scan> scans;
  for (long s = 0; s < layout.count(); ++s) {
    const long begin = layout.begin(s), n = layout.size(s);
    if (direction != Direction::backward) scans.push_back({begin, n, false, false});
    if (direction != Direction::forward) scans.push_back({begin, n, true, direction == Direction::both});
  }
  return scans;
}

/// rates (C,M) → (M,W), padded by zeros to the width of states.
Tensor rates_by_state(const Tensor& rates) {
  const long c = rates.dim(0), m = rates.dim(1), width = kernels::scan_width(c);
  Tensor y = Tensor::zeros({m, width});
  for (long i = 0; i < c; ++i)
    for (long j = 0; j < m; ++j) y.data()[j * width + i] = rates.data()[i * m + j];
  return y;
}

struct Inputs {
  Tensor u, step, rates, b, c;  // rates (M,W)
  kernels::ScanChunk chunk(const Scan& scan, long i) const {
    return {scan.chunk(u, i), scan.chunk(step, i), scan.chunk(b, i), scan.chunk(c, i), rates.data(), scan.strict};
  }
};

/// Adds the results to y. Returns the states before each chunk, a row each, if `keep`.
Tensor scan_forward(const Inputs& x, const Scan& scan, bool keep, const Tensor& y) {
  const long size = x.rates.size();
  Tensor states = keep ? Tensor::empty({scan.chunks(), size}) : Tensor(), state = carried_state({size});
  for (long i = 0; i < scan.chunks(); ++i) {
    if (keep) kernels::copy(state.data(), states.data() + i * size, size);
    kernels::selective_scan(x.chunk(scan, i), state.data(), scan.chunk(y, i));
  }
  return states;
}

/// Adds the gradients, that of the rates as (M,W).
void scan_backward(const Inputs& x, const Scan& scan, const Tensor& states, const Tensor& dy, Inputs& d) {
  const long size = x.rates.size();
  Tensor dstate = Tensor::zeros({size}), of_chunk = Tensor::empty({size});
  Tensor scratch = Tensor::empty({kernels::scan_scratch(std::min(kTokens, scan.n), x.b.dim(1))});
  for (long i = scan.chunks() - 1; i >= 0; --i) {
    kernels::fill(of_chunk.data(), size, 0);  // sums of few terms first: a long sequence has very many
    const kernels::ScanGradients gradients{scan.chunk(d.u, i), scan.chunk(d.step, i), scan.chunk(d.b, i),
                                           scan.chunk(d.c, i), of_chunk.data()};
    kernels::selective_scan_backward(x.chunk(scan, i), states.data() + i * size, scan.chunk(dy, i), dstate.data(),
                                     gradients, scratch.data());
    kernels::add(of_chunk.data(), d.rates.data(), size);
  }
}

/// For each token, feature and state, the recurrence takes 7 operations, an exponential among them, and its derivative
/// 14.
void count_operations(const Inputs& x, Direction direction, double each) {
  const double both = direction == Direction::both ? 2 : 1;
  Context::current().work.flops += both * each * double(x.u.size() * x.b.dim(1));
}

}  // namespace

Tensor selective_scan(const Tensor& u, const Tensor& step, const Tensor& rates, const Tensor& b, const Tensor& c,
                      const SequenceLayout& layout, Direction direction) {
  constexpr const char* kOp = "selective_scan";
  expect_packed(u, layout, kOp, "u");
  expect_input(step, u.shape(), kOp, "steps");
  expect_matrix(rates, kOp, "rates");
  expect_input(rates, {u.dim(1), rates.dim(1)}, kOp, "rates");
  expect_input(b, {u.dim(0), rates.dim(1)}, kOp, "b");
  expect_input(c, b.shape(), kOp, "c");
  expect_steps(direction == Direction::forward, kOp, kSeesLaterTokens);
  const Inputs x{u, step, rates_by_state(rates), b, c};
  const std::vector<Scan> scans = scans_of(layout, direction);
  Tensor y = Tensor::zeros(u.shape());
  std::vector<Tensor> states;
  states.reserve(scans.size());
  for (const Scan& scan : scans) states.push_back(scan_forward(x, scan, recording(), y));
  count_operations(x, direction, 7);
  return record(std::move(y), [=](const Tensor& dy) {
    Inputs d{zeroed_gradient_sink(u), zeroed_gradient_sink(step), Tensor::zeros(x.rates.shape()),
             zeroed_gradient_sink(b), zeroed_gradient_sink(c)};
    for (std::size_t i = 0; i < scans.size(); ++i) scan_backward(x, scans[i], states[i], dy, d);
    Tensor drates = zeroed_gradient_sink(rates);
    const long m = rates.dim(1), width = kernels::scan_width(rates.dim(0));
    for (long i = 0; i < drates.size(); ++i) drates.data()[i] += d.rates.data()[i % m * width + i / m];
    count_operations(x, direction, 14);
  });
}

}  // namespace lra::inline LRA_ENGINE
