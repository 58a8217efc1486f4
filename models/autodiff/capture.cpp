#include "models/autodiff/capture.h"

#include <utility>

#include "models/tensor/detail/permute.h"

namespace lra::inline LRA_ENGINE {
namespace {

Capture::Array copy_of(const Tensor& x) {
  Shape strides = x.shape();
  long inner = 1;
  for (int i = x.rank() - 1; i >= 0; --i) strides[i] = std::exchange(inner, inner * x.dim(i));
  const Tensor ordered = in_order(x, strides);
  return {x.shape(), {ordered.data(), ordered.data() + ordered.size()}};
}

}  // namespace

Capture::Capture(Request request)
    : request_(std::move(request)), outer_(std::exchange(Context::current().capture, this)) {}

Capture::~Capture() { Context::current().capture = outer_; }

void Capture::keep_constant(const StreamKey& stream, const Tensor& value) { constants_[stream] = copy_of(value); }

void Capture::keep_activation(const std::string& name, const Tensor& value) {
  const long use = uses_[name]++;
  activations_[use == 0 ? name : name + "." + std::to_string(use)] = copy_of(value);
}

}  // namespace lra::inline LRA_ENGINE
