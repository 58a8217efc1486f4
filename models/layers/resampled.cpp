#include "models/layers/resampled.h"

#include <cmath>
#include <mutex>
#include <vector>

#include "core/error.h"
#include "models/autodiff/capture.h"
#include "models/autodiff/tape.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {

struct ResampledConstants::Latest {
  std::mutex mutex;
  std::int64_t number = -1;
  std::vector<Real> values;
};

ResampledConstants::ResampledConstants(const Random& site, const Shape& shape, long redraw, Sampler sampler)
    : site_(site), shape_(shape), redraw_(redraw), sampler_(std::move(sampler)), latest_(std::make_shared<Latest>()) {
  if (redraw < 0) fail_usage("redraw is {}; it must not be negative", redraw);
  expect_room(0, "a table of random numbers", shape);
}

Tensor ResampledConstants::at(const SequenceLayout& layout) const {
  const std::int64_t number = training() && redraw_ > 0 ? std::int64_t(layout.step) / redraw_ : 0;
  Tensor value = Tensor::empty(shape_);  // a copy, because another thread may resample while it is in use
  const std::scoped_lock lock(latest_->mutex);
  if (latest_->number != number) {
    std::vector<double> exact(std::size_t(shape_.size()));
    sampler_(site_.at(std::uint32_t(number), 0), shape_, exact);
    latest_->values.clear();
    for (const double x : exact) latest_->values.push_back(Real(float(x)));
    latest_->number = number;
  }
  kernels::copy(latest_->values.data(), value.data(), value.size());
  if (Capture* capture = Context::current().capture) capture->keep_constant(site_.key(), value);
  return value;
}

void sample_normal(const Random& stream, const Shape&, std::span<double> values) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = stream.normal(i);
}

void sample_orthogonal(const Random& stream, const Shape& shape, std::span<double> values) {
  const std::size_t d = std::size_t(shape[-1]), rows = values.size() / d;
  for (std::size_t r = 0; r < rows; ++r) {
    const std::span row = values.subspan(r * d, d);
    double length = 0;
    for (std::size_t c = 0; c < d; ++c) {
      row[c] = stream.normal(r * d + c);
      const double other = stream.normal((rows + r) * d + c);
      length += other * other;
    }
    // Twice, because one pass leaves rounding errors that grow with the cancellation.
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t before = r / d * d; before < r; ++before) {
        const std::span unit = values.subspan(before * d, d);
        double dot = 0, square = 0;
        for (std::size_t c = 0; c < d; ++c) dot += row[c] * unit[c], square += unit[c] * unit[c];
        for (std::size_t c = 0; c < d; ++c) row[c] -= dot / square * unit[c];
      }
    double square = 0;
    for (std::size_t c = 0; c < d; ++c) square += row[c] * row[c];
    for (std::size_t c = 0; c < d; ++c) row[c] *= std::sqrt(length / square);
  }
}

}  // namespace lra::inline LRA_ENGINE
