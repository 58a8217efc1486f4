/// The position-wise part of a block in tiles of tokens, so that the values between norm and residual stay in the
/// cache. Keeps the input of the activation; the rest is cheap to recompute in backward.
#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/detail/tile_size.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr Real kEpsilon = Real(1e-6);

struct Sublayer {
  FeedForwardWeights w;
  Dropout hidden_site, out_site;
  SequenceLayout layout;
  bool drops;

  bool normed() const { return w.gamma.defined(); }
  long width() const { return w.out.dim(0); }
  long hidden() const { return w.in.dim(0); }

  /// `before` (T,F) receives the input of the activation for backward; undefined without a tape.
  Tensor forward(const Tensor& x, Tensor& before) const;
  /// Replaces dy by the gradient of x.
  void backward(const Tensor& x, const Tensor& before, Tensor& dy) const;

 private:
  /// The normalised tokens of a tile, or the tokens themselves without a norm.
  struct Input {
    Tensor normed, mean, rstd;
    ConstView view;
  };

  Input input(const Real* x, long rows) const;
  void by_sequences(const Dropout& site, long first, long rows, long width, auto visit) const;
  void drop(const Dropout& site, long first, long rows, const Real* x, Real* y) const;
};

/// Calls visit(stream or null, number of the first element, its offset in the tile, elements) for each sequence in a
/// tile: the dropout number of an element depends on its position in its own sequence.
void Sublayer::by_sequences(const Dropout& site, long first, long rows, long width, auto visit) const {
  if (!drops || !site.active()) return visit(nullptr, std::uint64_t{0}, 0, rows * width);
  const long end = first + rows;
  const auto after = std::upper_bound(layout.offsets.begin(), layout.offsets.end(), first);
  for (long s = after - layout.offsets.begin() - 1; s < layout.count() && layout.begin(s) < end; ++s) {
    const long from = std::max(first, layout.begin(s)), to = std::min(end, layout.begin(s) + layout.size(s));
    const DropoutStream stream = site.stream(layout, s);
    visit(&stream, std::uint64_t((from - layout.begin(s)) * width), (from - first) * width, (to - from) * width);
  }
}

/// y = dropout(x) for a tile of the tokens' width; y may be x.
void Sublayer::drop(const Dropout& site, long first, long rows, const Real* x, Real* y) const {
  by_sequences(site, first, rows, width(), [=](const DropoutStream* stream, std::uint64_t number, long at, long n) {
    if (stream) return kernels::dropout(*stream, number, x + at, y + at, n);
    if (y != x) kernels::copy(x + at, y + at, n);
  });
}

Sublayer::Input Sublayer::input(const Real* x, long rows) const {
  Input in{{}, {}, {}, ConstView(x, rows, width(), width())};
  if (!normed()) return in;
  in.normed = Tensor::empty({rows, width()}), in.mean = Tensor::empty({rows}), in.rstd = Tensor::empty({rows});
  kernels::layer_norm(x, w.gamma.data(), w.beta.data(), rows, width(), kEpsilon, in.normed.data(), in.mean.data(),
                      in.rstd.data());
  in.view = in.normed.matrix();
  return in;
}

Tensor Sublayer::forward(const Tensor& x, Tensor& before) const {
  const bool keeps = recording();
  const bool in_place = x.sole_owner() && !keeps;
  Tensor y = in_place ? x : Tensor::empty_like(x);
  if (keeps) before = Tensor::empty({x.dim(0), hidden()});
  by_token_tiles(x.dim(0), [&](long first, long rows) {
    const Real* from = x.data() + first * width();
    Tensor own = keeps ? Tensor() : Tensor::empty({rows, hidden()});
    Real* entering = keeps ? before.data() + first * hidden() : own.data();
    kernels::gemm(input(from, rows).view, false, w.in.matrix(), true, {entering, rows, hidden(), hidden()}, false, 1,
                  w.in_bias.data());
    Tensor after = Tensor::empty({rows, hidden()});
    by_sequences(hidden_site, first, rows, hidden(),
                 [&](const DropoutStream* stream, std::uint64_t number, long at, long n) {
                   kernels::gelu_dropout(stream, number, entering + at, after.data() + at, n);
                 });
    Real* to = y.data() + first * width();
    Tensor memory = in_place ? Tensor::empty({rows, width()}) : Tensor();
    Real* out = in_place ? memory.data() : to;
    kernels::gemm(after.matrix(), false, w.out.matrix(), true, {out, rows, width(), width()}, false, 1,
                  w.out_bias.data());
    drop(out_site, first, rows, out, out);
    if (normed()) kernels::add(from, out, rows * width());
    if (in_place) kernels::copy(out, to, rows * width());
  });
  return y;
}

void Sublayer::backward(const Tensor& x, const Tensor& before, Tensor& dy) const {
  Tensor din = zeroed_gradient_sink(w.in), dout = zeroed_gradient_sink(w.out);
  Tensor din_bias = zeroed_gradient_sink(w.in_bias), dout_bias = zeroed_gradient_sink(w.out_bias);
  by_token_tiles(x.dim(0), [&](long first, long rows) {
    const Real *from = x.data() + first * width(), *entering = before.data() + first * hidden();
    Real* slopes = dy.data() + first * width();
    Tensor outer = Tensor::empty({rows, width()}), inner = Tensor::empty({rows, hidden()});
    Tensor after = Tensor::empty_like(inner);
    drop(out_site, first, rows, slopes, outer.data());
    kernels::add_column_sums(outer.matrix(), dout_bias.data());
    kernels::gemm(outer.matrix(), false, w.out.matrix(), false, inner.matrix());
    by_sequences(
        hidden_site, first, rows, hidden(), [&](const DropoutStream* stream, std::uint64_t number, long at, long n) {
          kernels::gelu_dropout_backward(stream, number, entering + at, after.data() + at, inner.data() + at, n);
        });
    kernels::gemm(outer.matrix(), true, after.matrix(), false, dout.matrix(), true);
    kernels::add_column_sums(inner.matrix(), din_bias.data());
    const Input in = input(from, rows);
    kernels::gemm(inner.matrix(), true, in.view, false, din.matrix(), true);
    if (!normed()) {
      kernels::gemm(inner.matrix(), false, w.in.matrix(), false, {slopes, rows, width(), width()});
      return;
    }
    kernels::gemm(inner.matrix(), false, w.in.matrix(), false, outer.matrix());
    kernels::layer_norm_backward(from, w.gamma.data(), in.mean.data(), in.rstd.data(), outer.data(), rows, width(),
                                 outer.data(), zeroed_gradient_sink(w.gamma).data(),
                                 zeroed_gradient_sink(w.beta).data());
    kernels::add(outer.data(), slopes, outer.size());
  });
}

}  // namespace

Tensor feed_forward(Tensor x, const FeedForwardWeights& w, const Dropout& hidden_site, const Dropout& out_site,
                    const SequenceLayout& layout) {
  expect_packed(x, layout, "feed_forward");
  expect_matrix(w.in, "feed_forward", "weights in");
  const long c = x.dim(1), hidden = w.in.dim(0);
  expect_input(w.in, {hidden, c}, "feed_forward", "weights in");
  expect_input(w.in_bias, {hidden}, "feed_forward", "bias in");
  expect_input(w.out, {c, hidden}, "feed_forward", "weights out");
  expect_input(w.out_bias, {c}, "feed_forward", "bias out");
  if (w.gamma.defined()) {
    expect_input(w.gamma, {c}, "feed_forward", "gamma");
    expect_input(w.beta, {c}, "feed_forward", "beta");
  }
  const Sublayer sublayer{w, hidden_site, out_site, layout, training()};
  Tensor before;
  Tensor y = sublayer.forward(x, before);
  return record(std::move(y), [x = std::move(x), before, sublayer](Tensor dy) {
    sublayer.backward(x, before, dy);
    accumulate_gradient(x, std::move(dy));
  });
}

}  // namespace lra::inline LRA_ENGINE
