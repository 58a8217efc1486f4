#include "models/tensor/detail/kernel_cases.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <limits>

#include "core/random.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/selective_scan.h"

namespace lra::inline LRA_ENGINE {
namespace {

using Values = std::vector<Real>;

constexpr double kElementwise = 1e-6, kAttention = 3e-6, kGradient = 1e-5, kEqual = 0;
constexpr long kRows = 37;
constexpr Real kInfinity = std::numeric_limits<Real>::infinity();

/// Values from N(0,1) that both engines represent exactly.
Values normal(long n, std::string_view name, double spread = 1) {
  const Random random(17, "kernels", name);
  Values x(std::size_t(n), 0);
  for (long i = 0; i < n; ++i) x[std::size_t(i)] = Real(float(spread * random.normal(std::uint64_t(i))));
  return x;
}

class Table {
 public:
  void keep(const std::string& name, const Values& values, double tolerance = kElementwise) {
    outputs_.push_back({name, {values.begin(), values.end()}, tolerance});
  }
  /// A kernel from x to y.
  void map(const std::string& name, const Values& x, void (*kernel)(const Real*, Real*, long)) {
    Values y(x.size(), 5);
    kernel(x.data(), y.data(), long(x.size()));
    keep(name, y);
  }
  /// A kernel that changes y in place, given x.
  void change(const std::string& name, const Values& x, Values y, void (*kernel)(const Real*, Real*, long)) {
    kernel(x.data(), y.data(), long(x.size()));
    keep(name, y);
  }
  std::vector<KernelOutput> take() { return std::move(outputs_); }

 private:
  std::vector<KernelOutput> outputs_;
};

DropoutStream stream(std::uint32_t threshold) { return {Random(3, "dropout", "site").key(), 41, 7, threshold}; }

void elementwise(Table& table, long n) {
  const Values x = normal(n, "x", 3), y = normal(n, "y");
  table.change("fill", x, y, [](const Real*, Real* v, long m) { kernels::fill(v, m, Real(0.375)); });
  table.map("copy", x, kernels::copy);
  table.change("add", x, y, kernels::add);
  table.change("add_scaled", x, y, [](const Real* u, Real* v, long m) { kernels::add_scaled(u, Real(0.6875), v, m); });
  table.change("scale", x, y, [](const Real*, Real* v, long m) { kernels::scale(v, m, Real(0.6875)); });
  table.change("multiply", x, y, kernels::multiply);
  table.change("multiply_add", x, y, [](const Real* u, Real* v, long m) { kernels::multiply_add(u, u, v, m); });
  table.map("exponential", x, kernels::exponential);
  table.map("gelu", x, kernels::gelu);
  table.change("gelu_backward", x, y, kernels::gelu_backward);
  table.map("relu", x, kernels::relu);
  table.change("relu_backward", x, y, kernels::relu_backward);
  table.map("elu_plus_one", x, kernels::elu_plus_one);
  Values elu(x.size());
  kernels::elu_plus_one(x.data(), elu.data(), n);
  table.change("elu_plus_one_backward", elu, y, kernels::elu_plus_one_backward);
}

void dropout(Table& table, long n) {
  const Values ones(std::size_t(n), 1), x = normal(n, "x");
  const std::uint64_t far = (std::uint64_t{5} << 36) + 77;  // past 2^32 counter blocks
  for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{128}, std::uint64_t{16}, std::uint64_t{37}, far})
    for (const std::uint32_t threshold : {0u, 6554u, 32768u, 65535u}) {
      const DropoutStream drop = stream(threshold);
      const std::string name = "dropout from " + std::to_string(first) + " at " + std::to_string(threshold);
      Values y(ones.size(), 5);
      kernels::dropout(drop, first, ones.data(), y.data(), n);
      for (Real& v : y) v = v != 0;
      table.keep(name + ": mask", y, kEqual);
      y = x;
      kernels::dropout(drop, first, y.data(), y.data(), n);
      table.keep(name, y);
    }
}

void gelu_dropout(Table& table, long n) {
  const Values x = normal(n, "x", 4), ones(x.size(), 1);
  const DropoutStream drop = stream(6554);
  for (const DropoutStream* given : {&drop, static_cast<const DropoutStream*>(nullptr)}) {
    const std::string name = given ? "gelu_dropout" : "gelu_dropout, nothing dropped";
    Values y(x.size()), again(x.size()), dx = ones;
    kernels::gelu_dropout(given, 37, x.data(), y.data(), n);
    kernels::gelu_dropout_backward(given, 37, x.data(), again.data(), dx.data(), n);
    table.keep(name, y);
    table.keep(name + ", again", again);
    table.keep(name + ", backward", dx);
  }
}

void norms(Table& table, long n) {
  Values x = normal(kRows * n, "x", 2);
  for (long i = 2 * n; i < 3 * n; ++i) x[std::size_t(i)] = Real(float(x[std::size_t(i)] + 50));  // one row far from 0
  const Values gamma = normal(n, "gamma"), beta = normal(n, "beta"), dy = normal(kRows * n, "dy");
  Values y(x.size()), mean(kRows), rstd(kRows);
  kernels::layer_norm(x.data(), gamma.data(), beta.data(), kRows, n, Real(0x1p-10), y.data(), mean.data(), rstd.data());
  table.keep("layer_norm", y);
  table.keep("layer_norm: mean", mean);
  table.keep("layer_norm: rstd", rstd);
  // Both engines continue from the same statistics.
  for (long r = 0; r < kRows; ++r) {
    mean[std::size_t(r)] = Real(0.25) * Real(r);
    rstd[std::size_t(r)] = Real(0.5) + Real(0.125) * Real(r);
  }
  Values dx = dy, dgamma = normal(n, "dgamma"), dbeta = normal(n, "dbeta");
  kernels::layer_norm_backward(x.data(), gamma.data(), mean.data(), rstd.data(), dx.data(), kRows, n, dx.data(),
                               dgamma.data(), dbeta.data());
  table.keep("layer_norm_backward", dx);
  table.keep("layer_norm_backward: gamma", dgamma);
  table.keep("layer_norm_backward: beta", dbeta);
}

/// Rows have a stride of n + 3; the comparison also checks that values between rows stay unchanged.
void rows(Table& table, long n) {
  const long stride = n + 3, tall = 300;
  const Values x = normal(kRows * stride, "x"), factor = normal(kRows, "factor");
  const ConstView from(x.data(), kRows, n, stride);
  const auto changed = [&](const std::string& name, const std::function<void(View)>& kernel) {
    Values y = normal(kRows * stride, "y", 2);
    kernel({y.data(), kRows, n, stride});
    table.keep(name, y);
  };
  changed("copy_rows", [&](View y) { kernels::copy_rows(from, y); });
  changed("add_rows", [&](View y) { kernels::add_rows(from, y); });
  Values sums(kRows);
  changed("multiply_rows", [&](View y) { kernels::multiply_rows(from, y, sums.data()); });
  table.keep("multiply_rows: sums", sums);
  changed("add_row", [&](View y) { kernels::add_row(x.data(), y); });
  changed("scale_rows", [&](View y) { kernels::scale_rows(factor.data(), y); });
  changed("softmax", [](View y) { kernels::softmax(y); });
  Values positive = x;
  for (Real& v : positive) v = std::abs(v);
  changed("softmax_backward", [&](View y) { kernels::softmax_backward({positive.data(), kRows, n, stride}, y); });

  changed("exp_shifted", [&](View y) { kernels::exp_shifted(factor.data(), x.data(), y); });
  changed("exp_below_highest", [&](View y) { kernels::exp_below_highest(x.data(), y); });
  Values maxima = x;
  kernels::column_maxima(factor.data(), from, maxima.data());
  table.keep("column_maxima", maxima);

  Values dots(kRows);
  kernels::row_dots(from, {positive.data(), kRows, n, stride}, dots.data());
  table.keep("row_dots", dots);
  const Values many = normal(tall * stride, "many");
  Values column_sums = normal(n, "sums");
  kernels::add_column_sums({many.data(), tall, n, stride}, column_sums.data());
  table.keep("add_column_sums", column_sums);
}

/// The visible columns of a tile's rows, seven kinds in turn: all, none, the start, the end, the middle, all with some
/// scores of −infinity, one.
constexpr long kKinds = 7, kSeesNothing = 1, kHasInfinities = 5;
struct Window {
  std::vector<long> begin, end;
  explicit Window(long n) {
    const long begins[kKinds] = {0, n, 0, n / 2, n / 3, 0, n - 1};
    const long ends[kKinds] = {n, 0, (n + 1) / 2, n, n - n / 3, n, n};
    for (long row = 0; row < kRows; ++row) begin.push_back(begins[row % kKinds]), end.push_back(ends[row % kKinds]);
  }
};

Values scores(long stride, std::string_view name) {
  Values s = normal(kRows * stride, name, 4);
  for (long row = kHasInfinities; row < kRows; row += kKinds)
    for (long i = row * stride; i < (row + 1) * stride; i += 3) s[std::size_t(i)] = -kInfinity;
  return s;
}

void attention(Table& table, long n, const DropoutStream* drop, const std::string& label) {
  const long stride = n + 3;
  const Window window(n);
  const std::uint64_t first = 1000, step = 2 * std::uint64_t(n) + 5;
  const Real scale = Real(0.625);
  Values max(kRows, -kInfinity), sum(kRows, 0), correction(kRows, 9);
  for (const char* tile : {"first tile", "second tile"}) {
    Values s = scores(stride, tile);
    kernels::attention_forward_tile({s.data(), kRows, n, stride}, window.begin.data(), window.end.data(), scale,
                                    max.data(), sum.data(), correction.data(), drop, first, step);
    const std::string name = "attention_forward_tile, " + label + ", " + tile;
    for (Real& v : s) v = std::isinf(v) ? 0 : v;  // between the rows
    table.keep(name, s, kAttention);
    table.keep(name + ": sum", sum, kAttention);
    table.keep(name + ": correction", correction, kAttention);
    Values finite = max;
    for (Real& v : finite) v = std::isinf(v) ? 1234 : v;
    table.keep(name + ": max", finite);
  }
  Values s = scores(stride, "first tile"), dp = normal(kRows * stride, "dp");
  Values lse = normal(kRows, "lse"), delta = normal(kRows, "delta");
  for (Real& v : lse) v += 8;
  for (long row = kSeesNothing; row < kRows; row += kKinds) lse[std::size_t(row)] = -kInfinity;
  kernels::attention_backward_tile({s.data(), kRows, n, stride}, {dp.data(), kRows, n, stride}, window.begin.data(),
                                   window.end.data(), scale, lse.data(), delta.data(), drop, first, step);
  for (Real& v : s) v = std::isinf(v) ? 0 : v;
  table.keep("attention_backward_tile, " + label + ": d", s, kAttention);
  table.keep("attention_backward_tile, " + label + ": ds", dp, kAttention);
}

void entmax(Table& table, long n) {
  Values scratch(std::size_t(kernels::entmax_scratch(n)));
  for (const double epsilon : {0.0, 1e-5, 0.01, 0.3, 0.5, 1.0}) {
    const std::string label = fmt::format(", epsilon {}", epsilon);
    for (const double spread : {0.01, 3.0}) {
      const Values scores = normal(n, "scores", spread);
      Values z = scores, dp = normal(n, "dp");
      const double shift = kernels::entmax(z.data(), n, epsilon, scratch.data());
      table.keep("entmax" + label, z, kAttention);
      table.keep("entmax: shift" + label, {Real(shift - 1)}, kAttention);  // the shift may be 0
      z = scores;
      const double slope = kernels::entmax_backward(z.data(), dp.data(), n, epsilon, shift, scratch.data());
      table.keep("entmax_backward: p" + label, z, kAttention);
      table.keep("entmax_backward: dz" + label, dp, kGradient);
      table.keep("entmax_backward: slope" + label, {Real(slope)}, kGradient);
    }
  }
}

void training(Table& table, long n) {
  const Values x = normal(n, "x", 2), gradient = normal(n, "gradient");
  Values dx(x.size());
  table.keep("cross_entropy", {Real(kernels::cross_entropy(x.data(), n, n / 2, Real(0.125), dx.data()))});
  table.keep("cross_entropy: slope", dx);
  table.keep("cross_entropy: value alone", {Real(kernels::cross_entropy(x.data(), n, 0, 1, nullptr))});

  const kernels::AdamStep step{1e-3, 0.9, 0.98, 1e-9, 0.1, 1 - 0.9, 1 - 0.98, 0.5};
  Values m = normal(n, "m", 0.1), v = normal(n, "v", 0.1), parameter = normal(n, "parameter");
  for (Real& value : v) value *= value;
  kernels::adam(step, gradient.data(), m.data(), v.data(), parameter.data(), n);
  table.keep("adam: m", m);
  table.keep("adam: v", v);
  table.keep("adam: parameter", parameter);
  const Values before = normal(n, "parameter");
  for (std::size_t i = 0; i < before.size(); ++i) parameter[i] = parameter[i] - before[i];
  table.keep("adam: step", parameter, 1e-3);  // in float, the difference of two numbers a thousand times as large

  table.keep("sum_of_squares", {Real(kernels::sum_of_squares(x.data(), n))});
  table.keep("all_finite", {Real(kernels::all_finite(x.data(), n))}, kEqual);
  for (const Real bad : {kInfinity, -kInfinity, std::numeric_limits<Real>::quiet_NaN()}) {
    Values broken = x;
    broken.back() = bad;
    table.keep("all_finite: not", {Real(kernels::all_finite(broken.data(), n))}, kEqual);
  }
}

/// Sequences of kRows rows of n columns.
void convolution(Table& table, long n) {
  const Values x = normal(kRows * n, "x"), taps = normal(2 * kRows * n, "taps"), dy = normal(kRows * n, "dy");
  const auto rows_of = [n](auto& values, long begin, long count) {
    return View{values.data() + begin * n, count, n, n};
  };
  Values after(taps.begin(), taps.begin() + kRows * n), before(taps.begin() + kRows * n, taps.end());
  for (const bool causal : {true, false}) {
    const std::string name = causal ? "convolution, causal" : "convolution";
    const long earlier = causal ? 0 : kRows - 1;
    const std::size_t size = std::size_t(kernels::filter_size(kRows, n));
    Values in = x, out = dy, y(x.size()), filter(size), dfilter(size);
    Values scratch(std::size_t(kernels::convolution_scratch(kRows)));
    kernels::make_filter(rows_of(after, 0, kRows), rows_of(before, 0, earlier), filter.data());
    kernels::convolve(filter.data(), rows_of(in, 0, kRows), rows_of(y, 0, kRows), scratch.data());
    table.keep(name, y);
    Values dx = normal(kRows * n, "dx"), dafter = normal(kRows * n, "dafter"), dbefore = normal(kRows * n, "dbefore");
    for (int twice = 0; twice < 2; ++twice)
      kernels::convolve_backward(filter.data(), rows_of(in, 0, kRows), rows_of(out, 0, kRows), rows_of(dx, 0, kRows),
                                 dfilter.data(), scratch.data());
    kernels::filter_gradient(dfilter.data(), rows_of(dafter, 0, kRows), rows_of(dbefore, 0, earlier));
    table.keep(name + ": dx", dx);
    table.keep(name + ": dafter", dafter);
    table.keep(name + ": dbefore", dbefore);
  }
}

/// A chunk of 7 tokens with 5 states per feature, from the first token to the last and from the last to the first.
void selective_scan(Table& table, long n) {
  constexpr long kChunk = 7, kStates = 5;
  const long width = kernels::scan_width(n);
  const auto padded = [&](const std::string& name) {  // (M,W)
    Values x = normal(kStates * width, name);
    for (long i = 0; i < kStates * width; ++i)
      if (i % width >= n) x[std::size_t(i)] = 0;
    return x;
  };
  Values step = normal(kChunk * n, "step"), rates = padded("rates");
  for (Values* each : {&step, &rates})
    for (Real& v : *each) v = std::abs(v) * (each == &step ? 1 : -1);
  const auto at = [](Values& x, long cols, bool reversed) {
    return View{x.data() + (reversed ? (kChunk - 1) * cols : 0), kChunk, cols, reversed ? -cols : cols};
  };
  for (const bool reversed : {false, true})
    for (const bool strict : {false, true}) {
      const std::string name =
          fmt::format("selective_scan{}{}", reversed ? ", reversed" : "", strict ? ", strict" : "");
      Values u = normal(kChunk * n, "u"), b = normal(kChunk * kStates, "b"), c = normal(kChunk * kStates, "c");
      const kernels::ScanChunk x{at(u, n, reversed),       at(step, n, reversed), at(b, kStates, reversed),
                                 at(c, kStates, reversed), rates.data(),          strict};
      Values state = padded("state"), y = normal(kChunk * n, "y"), dy = normal(kChunk * n, "dy");
      kernels::selective_scan(x, state.data(), at(y, n, reversed));
      table.keep(name, y, kAttention);
      table.keep(name + ": state", state, kAttention);
      state = padded("state");
      Values dstate = padded("dstate"), drates = padded("drates"), du = u, dstep = step, db = b, dc = c;
      Values scratch(std::size_t(kernels::scan_scratch(kChunk, kStates)));
      kernels::selective_scan_backward(x, state.data(), at(dy, n, reversed), dstate.data(),
                                       {at(du, n, reversed), at(dstep, n, reversed), at(db, kStates, reversed),
                                        at(dc, kStates, reversed), drates.data()},
                                       scratch.data());
      for (const auto& [what, values] : {std::pair<const char*, const Values*>{": du", &du},
                                         {": dstep", &dstep},
                                         {": db", &db},
                                         {": dc", &dc},
                                         {": drates", &drates},
                                         {": dstate", &dstate}})
        table.keep(name + what, *values, kGradient);
    }
}

}  // namespace

std::vector<KernelOutput> kernel_outputs(long n) {
  Table table;
  elementwise(table, n);
  dropout(table, n);
  gelu_dropout(table, n);
  norms(table, n);
  rows(table, n);
  attention(table, n, nullptr, "no dropout");
  const DropoutStream drop = stream(13107);
  attention(table, n, &drop, "dropout");
  entmax(table, n);
  convolution(table, n);
  selective_scan(table, n);
  training(table, n);
  return table.take();
}

std::vector<KernelOutput> extreme_outputs() {
  Table table;
  Values x;
  for (const float v : {0.0f, -0.0f, 1e-40f, 1e-30f, 1e-4f, 0.5f, 4.0f, 8.99f, 9.01f, 12.0f, 60.0f, 80.0f, 88.0f, 1e4f})
    for (const float sign : {1.0f, -1.0f}) x.push_back(Real(sign * v));
  const Values ones(x.size(), 1);
  table.map("gelu", x, kernels::gelu);
  table.change("gelu_backward", x, ones, kernels::gelu_backward);
  table.map("relu", x, kernels::relu);
  table.map("elu_plus_one", x, kernels::elu_plus_one);

  Values far = x;
  far.insert(far.end(), {Real(1e30f), Real(-1e30f)});
  Values y(far.size()), dy(far.size(), 1);
  kernels::gelu_dropout_backward(nullptr, 0, far.data(), y.data(), dy.data(), long(far.size()));
  table.keep("gelu_dropout_backward", dy);
  table.keep("gelu_dropout_backward: again", y);
  const long n = long(x.size());
  Values row = x;
  kernels::softmax({row.data(), 1, n, n});
  table.keep("softmax", row);
  // A row of −infinity only, then the same row after a finite tile.
  for (const Real before : {-kInfinity, Real(2)}) {
    Values s(37, -kInfinity), max{before}, sum{before == 2 ? Real(1) : Real(0)}, correction{5};
    const long begin = 0, end = 37;
    kernels::attention_forward_tile({s.data(), 1, 37, 37}, &begin, &end, Real(0.5), max.data(), sum.data(),
                                    correction.data(), nullptr, 0, 0);
    table.keep("attention of −infinity", s, kEqual);
    table.keep("attention of −infinity: sum, correction", {sum[0], correction[0]}, kEqual);
  }
  return table.take();
}

}  // namespace lra::inline LRA_ENGINE
