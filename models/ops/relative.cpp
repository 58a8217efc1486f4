/// Concatenation and slicing of heads, and rotary positions.
#include <cmath>
#include <unordered_map>

#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// Copies columns [from, from + width) of each head of x to the columns from `to` of each head of y.
void copy_columns(const Tensor& x, long from, Tensor& y, long to, long width, long head_count) {
  const long x_width = x.dim(1) / head_count, y_width = y.dim(1) / head_count;
  for (long t = 0; t < x.dim(0); ++t)
    for (long h = 0; h < head_count; ++h)
      kernels::copy(x.data() + t * x.dim(1) + h * x_width + from, y.data() + t * y.dim(1) + h * y_width + to, width);
}

/// cos and sin of position · 10000^(−f/F), F of each, computed once for every distinct position.
class Angles {
 public:
  Angles(std::span<const double> positions, long frequencies) : frequencies_(frequencies) {
    std::vector<double> speeds;
    for (long f = 0; f < frequencies; ++f) speeds.push_back(std::pow(10000.0, -double(f) / double(frequencies)));
    std::unordered_map<double, long> known;
    for (const double position : positions) {
      const auto [place, fresh] = known.try_emplace(position, long(cosines_.size()));
      begins_.push_back(place->second);
      if (!fresh) continue;
      for (const double speed : speeds) {
        cosines_.push_back(Real(std::cos(position * speed)));
        sines_.push_back(Real(std::sin(position * speed)));
      }
    }
  }
  long frequencies() const { return frequencies_; }
  const Real* cosines(long t) const { return cosines_.data() + begins_[std::size_t(t)]; }
  const Real* sines(long t) const { return sines_.data() + begins_[std::size_t(t)]; }

 private:
  long frequencies_;
  std::vector<long> begins_;  // offset of each position's values
  std::vector<Real> cosines_, sines_;
};

/// Rotates every pair by its angle, or back if `sense` is −1.
void rotate(Tensor& x, const Angles& angles, long head_count, Real sense) {
  const long half = angles.frequencies();
  for (long t = 0; t < x.dim(0); ++t) {
    const Real *cosines = angles.cosines(t), *sines = angles.sines(t);
    for (long h = 0; h < head_count; ++h) {
      Real* a = x.data() + (t * head_count + h) * 2 * half;
      Real* b = a + half;
      for (long f = 0; f < half; ++f) {
        const Real c = cosines[f], s = sense * sines[f], first = a[f] * c - b[f] * s;
        b[f] = a[f] * s + b[f] * c;
        a[f] = first;
      }
    }
  }
}

}  // namespace

Tensor apply_rotary(Tensor x, std::span<const double> positions, long head_count) {
  expect_matrix(x, "apply_rotary");
  if (head_count < 1 || x.dim(1) % (2 * head_count) != 0 || long(positions.size()) != x.dim(0))
    fail("[apply_rotary] {} does not fit {} heads of pairs and {} positions", x.shape().text(), head_count,
         positions.size());
  const auto angles = std::make_shared<const Angles>(positions, x.dim(1) / head_count / 2);
  Tensor y = x.sole_owner() ? x : Tensor::copy_of(x);
  rotate(y, *angles, head_count, 1);
  return record(std::move(y), [x = x.without_data(), angles, head_count](Tensor dy) {
    rotate(dy, *angles, head_count, -1);
    accumulate_gradient(x, std::move(dy));
  });
}

Tensor join_heads(std::span<const Tensor> parts, long head_count) {
  if (parts.empty()) fail("[join_heads] received no tensors");
  long c = 0;
  for (const Tensor& part : parts) {
    head_width(part, head_count, "join_heads", "a part");
    if (part.dim(0) != parts[0].dim(0))
      fail("[join_heads] {} and {} differ in height", parts[0].shape().text(), part.shape().text());
    c += part.dim(1);
  }
  Tensor y = Tensor::empty({parts[0].dim(0), c});
  std::vector<Tensor> handles;
  long at = 0;
  for (const Tensor& part : parts) {
    const long width = part.dim(1) / head_count;
    copy_columns(part, 0, y, at, width, head_count);
    at += width;
    handles.push_back(part.without_data());
  }
  return record(std::move(y), [handles = std::move(handles), head_count](Tensor dy) {
    long from = 0;
    for (const Tensor& part : handles) {
      const long width = part.dim(1) / head_count;
      if (wants_gradient(part)) {
        Tensor dx = Tensor::empty(part.shape());
        copy_columns(dy, from, dx, 0, width, head_count);
        accumulate_gradient(part, std::move(dx));
      }
      from += width;
    }
  });
}

Tensor head_columns(const Tensor& x, long head_count, long begin, long count) {
  const long width = head_width(x, head_count, "head_columns");
  if (begin < 0 || count < 0 || begin > width || count > width - begin)
    fail("[head_columns] the heads of {} have no {} columns from {}", x.shape().text(), count, begin);
  Tensor y = Tensor::empty({x.dim(0), head_count * count});
  copy_columns(x, begin, y, 0, count, head_count);
  return record(std::move(y), [x = x.without_data(), head_count, begin, count](Tensor dy) {
    if (!wants_gradient(x)) return;
    Tensor dx = Tensor::zeros(x.shape());
    copy_columns(dy, 0, dx, begin, count, head_count);
    accumulate_gradient(x, std::move(dx));
  });
}

}  // namespace lra::inline LRA_ENGINE
