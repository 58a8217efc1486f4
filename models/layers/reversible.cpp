#include "models/layers/reversible.h"

#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

using Function = std::function<Tensor(Tensor)>;

/// Returns x without its slot and parameter: a constant.
Tensor constant(Tensor x) {
  x.set_slot(nullptr);
  x.set_parameter(-1);
  return x;
}

/// f(x), keeping nothing for backward.
Tensor value_of(const Function& f, const Tensor& x) {
  if (!recording()) return f(x);
  const Tape forgotten(Context::current().tape->gradients());
  return constant(f(constant(x)));
}

struct Recomputed {
  Tensor value, dx;
};

/// Recomputes f(x), and from the gradient dy the gradient dx; adds to the gradients of parameters.
Recomputed recomputed(const Function& f, const Tensor& x, const Tensor& dy) {
  Recomputed result;
  Tape tape(Context::current().tape->gradients());
  const Tensor y = f(record(constant(x), [&result](Tensor dx) { result.dx = std::move(dx); }));
  result.value = constant(y);
  accumulate_gradient(y, Tensor::copy_of(dy));
  tape.backward();
  return result;
}

/// y += factor · x. An undefined x, such as the gradient of an unused input, is zero.
void add_to(Tensor& y, const Tensor& x, Real factor) {
  if (x.defined()) kernels::add_scaled(x.data(), factor, y.data(), y.size());
}

}  // namespace

Tensor reversible_mean(const Tensor& x, std::vector<Coupling> layers) {
  Tensor first = Tensor::copy_of(x), second = Tensor::copy_of(x);
  for (const Coupling& layer : layers) {
    add_to(first, value_of(layer.f, second), 1);
    add_to(second, value_of(layer.g, first), 1);
  }
  Tensor mean = Tensor::copy_of(first);
  add_to(mean, second, 1);
  kernels::scale(mean.data(), mean.size(), Real(0.5));
  return record(std::move(mean), [x = x.without_data(), first, second, layers = std::move(layers)](Tensor dy) mutable {
    kernels::scale(dy.data(), dy.size(), Real(0.5));
    Tensor d_first = dy, d_second = Tensor::copy_of(dy);
    for (std::size_t l = layers.size(); l-- > 0;) {
      const Recomputed g = recomputed(layers[l].g, first, d_second);
      add_to(second, g.value, -1);
      add_to(d_first, g.dx, 1);
      const Recomputed f = recomputed(layers[l].f, second, d_first);
      add_to(first, f.value, -1);
      add_to(d_second, f.dx, 1);
    }
    add_to(d_first, d_second, 1);
    accumulate_gradient(x, std::move(d_first));
  });
}

}  // namespace lra::inline LRA_ENGINE
