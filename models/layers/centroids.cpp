#include "models/layers/centroids.h"

#include <cmath>

#include "models/autodiff/tape.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

UpdateRule moving_average(long width, double decay) {
  return [=](std::span<Real> values, std::span<const Real> sums) {
    for (std::size_t at = 0; at < values.size(); at += std::size_t(width) + 1) {
      const double members = double(sums[at + std::size_t(width)]);
      for (std::size_t i = at; i < at + std::size_t(width) && members > 0; ++i)
        values[i] = Real(decay * double(values[i]) + (1 - decay) * double(sums[i]) / members);
      values[at + std::size_t(width)] = Real(members);
    }
  };
}

}  // namespace

Centroids::Centroids(const ParameterScope& scope, const std::string& name, long count, long width, double decay)
    : count_(count),
      width_(width),
      buffer_(scope, name, {count, width + 1}, Init::normal(1), moving_average(width, decay)) {}

Tensor Centroids::directions() const {
  const Tensor values = buffer_.values();
  Tensor directions = Tensor::empty({count_, width_});
  for (long c = 0; c < count_; ++c) {
    const Real* from = values.data() + c * (width_ + 1);
    double squares = 0;
    for (long i = 0; i < width_; ++i) squares += double(from[i]) * double(from[i]);
    const double length = std::sqrt(squares + 1e-12);
    for (long i = 0; i < width_; ++i) directions.data()[c * width_ + i] = Real(double(from[i]) / length);
  }
  return directions;
}

void Centroids::follow(const Tensor& x, std::span<const std::int32_t> chosen) const {
  if (!training()) return;
  Tensor sums = Tensor::zeros({count_, width_ + 1});
  for (long t = 0; t < x.dim(0); ++t) {
    Real* to = sums.data() + chosen[std::size_t(t)] * (width_ + 1);
    kernels::add(x.data() + t * width_, to, width_);
    to[width_] += 1;
  }
  buffer_.add(std::move(sums));
}

}  // namespace lra::inline LRA_ENGINE
