#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {

Tensor linear(Tensor x, const Tensor& w, const Tensor& b) {
  expect_matrix(x, "linear");
  expect_matrix(w, "linear", "weights");
  if (x.dim(1) != w.dim(1)) fail("[linear] x {} does not fit weights {}", x.shape().text(), w.shape().text());
  if (b.defined()) expect_input(b, {w.dim(0)}, "linear", "bias");
  Tensor y = Tensor::empty({x.dim(0), w.dim(0)});
  kernels::gemm(std::as_const(x).matrix(), false, w.matrix(), true, y.matrix(), false, 1,
                b.defined() ? b.data() : nullptr);
  return record(std::move(y), [x = std::move(x), w, b](Tensor dy) mutable {
    if (wants_gradient(w)) {
      GradientSink dw = gradient_sink(w);
      kernels::gemm(dy.matrix(), true, std::as_const(x).matrix(), false, dw.gradient.matrix(), dw.add);
    }
    if (b.defined() && wants_gradient(b)) kernels::add_column_sums(dy.matrix(), zeroed_gradient_sink(b).data());
    if (!wants_gradient(x)) return;
    GradientSink dx = gradient_sink(x);
    kernels::gemm(dy.matrix(), false, w.matrix(), false, dx.gradient.matrix(), dx.add);
  });
}

}  // namespace lra::inline LRA_ENGINE
