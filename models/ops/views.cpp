#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/permute.h"

namespace lra::inline LRA_ENGINE {
namespace {

std::vector<Tensor> without_data(std::span<const Tensor> parts) {
  std::vector<Tensor> all;
  for (const Tensor& part : parts) all.push_back(part.without_data());
  return all;
}

/// Checks that there are parts, that all are matrices, and that they agree in dimension `common`.
void expect_parts(std::span<const Tensor> parts, int common, const char* op) {
  if (parts.empty()) fail("[{}] received no tensors", op);
  for (const Tensor& part : parts) {
    expect_matrix(part, op, "a part");
    if (part.dim(common) != parts[0].dim(common))
      fail("[{}] {} and {} differ in {}", op, parts[0].shape().text(), part.shape().text(),
           common ? "width" : "height");
  }
}

}  // namespace

Tensor heads(const Tensor& x, long count) {
  const long d = head_width(x, count, "heads"), n = x.dim(0), c = x.dim(1);
  return record(x.view({count, n, d}, {d, c, 1}), [x = x.without_data(), n, c, d](Tensor dy) {
    accumulate_gradient(x, in_order(std::move(dy), {d, c, 1}).view({n, c}, {c, 1}));
  });
}

Tensor merge_heads(const Tensor& x) {
  if (!x.defined() || x.rank() != 3) fail("[merge_heads] {} has no heads", x.shape().text());
  const long h = x.dim(0), n = x.dim(1), d = x.dim(2);
  const Tensor side_by_side = in_order(x, {d, h * d, 1});
  return record(side_by_side.view({n, h * d}, {h * d, 1}), [x = x.without_data(), h, n, d](Tensor dy) {
    accumulate_gradient(x, dy.view({h, n, d}, {d, h * d, 1}));
  });
}

Tensor transposed(const Tensor& x) {
  if (!x.defined() || x.rank() < 2) fail("[transposed] {} is not a matrix or a stack of matrices", x.shape().text());
  const auto swapped = [](const Tensor& t) {
    Shape shape = t.shape(), strides = t.shape();
    for (int i = 0; i < t.rank(); ++i) strides[i] = t.stride(i);
    std::swap(shape[-1], shape[-2]);
    std::swap(strides[-1], strides[-2]);
    return t.view(shape, strides);
  };
  return record(swapped(x), [x = x.without_data(), swapped](Tensor dy) { accumulate_gradient(x, swapped(dy)); });
}

Tensor rows(const Tensor& x, long begin, long count) {
  expect_matrix(x, "rows");
  if (begin < 0 || count < 0 || begin > x.dim(0) || count > x.dim(0) - begin)
    fail("[rows] {} has no {} rows from {}", x.shape().text(), count, begin);
  const long c = x.dim(1);
  if (begin == 0 && count == x.dim(0)) return x;
  Tensor part = x.view({count, c}, {c, 1}, begin * c);
  if (x.parameter() >= 0) {
    part.set_parameter(x.parameter() + begin * c);
    return part;
  }
  return record(std::move(part), [x = x.without_data(), begin, count, c](Tensor dy) {
    if (wants_gradient(x)) kernels::add(dy.data(), zeroed_gradient_sink(x).data() + begin * c, count * c);
  });
}

Tensor reshaped(const Tensor& x, long count) {
  expect_matrix(x, "reshaped");
  if (count < 1 || x.size() % count != 0) fail("[reshaped] {} does not make {} rows", x.shape().text(), count);
  const long n = x.dim(0), c = x.dim(1), width = x.size() / count;
  Tensor y = x.view({count, width}, {width, 1});
  if (x.parameter() >= 0) {
    y.set_parameter(x.parameter());
    return y;
  }
  return record(std::move(y), [x = x.without_data(), n, c](Tensor dy) {
    Tensor dx = dy.view({n, c}, {c, 1});
    dy = {};  // so that dx is the sole owner and need not be copied
    accumulate_gradient(x, std::move(dx));
  });
}

Tensor concat_rows(std::span<const Tensor> parts) {
  expect_parts(parts, 1, "concat_rows");
  if (parts.size() == 1) return parts[0];
  long n = 0;
  const long c = parts[0].dim(1);
  for (const Tensor& part : parts) n += part.dim(0);
  Tensor y = Tensor::empty({n, c});
  long at = 0;
  for (const Tensor& part : parts) {
    kernels::copy(part.data(), y.data() + at * c, part.size());
    at += part.dim(0);
  }
  return record(std::move(y), [all = without_data(parts), c](Tensor dy) {
    long from = 0;
    for (const Tensor& part : all) {
      accumulate_gradient(part, dy.view({part.dim(0), c}, {c, 1}, from * c));
      from += part.dim(0);
    }
  });
}

Tensor concat_columns(std::span<const Tensor> parts) {
  expect_parts(parts, 0, "concat_columns");
  const long n = parts[0].dim(0);
  long c = 0;
  for (const Tensor& part : parts) c += part.dim(1);
  Tensor y = Tensor::empty({n, c});
  long at = 0;
  for (const Tensor& part : parts) {
    const long width = part.dim(1);
    for (long i = 0; i < n; ++i) kernels::copy(part.data() + i * width, y.data() + i * c + at, width);
    at += width;
  }
  return record(std::move(y), [all = without_data(parts), n, c](Tensor dy) {
    long from = 0;
    for (const Tensor& part : all) {
      const long width = part.dim(1);
      Tensor dx = Tensor::empty({n, width});
      for (long i = 0; i < n; ++i) kernels::copy(dy.data() + i * c + from, dx.data() + i * width, width);
      accumulate_gradient(part, std::move(dx));
      from += width;
    }
  });
}

Tensor for_each_sequence(const Tensor& q, const Tensor& k, const Tensor& v, const SequenceLayout& layout,
                         const std::function<Tensor(Tensor, Tensor, Tensor)>& f) {
  expect_steps(false, "for_each_sequence");
  std::vector<Tensor> results;
  for (long s = 0; s < layout.count(); ++s) {
    const long begin = layout.begin(s), n = layout.size(s);
    results.push_back(f(rows(q, begin, n), rows(k, begin, n), rows(v, begin, n)));
  }
  return concat_rows(results);
}

}  // namespace lra::inline LRA_ENGINE
