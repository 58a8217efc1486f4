/// Gathers rows and entries by index and columns by head, and computes weighted sums and dot products over the gathered
/// rows only.
#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kNone = -1;

/// Checks that each index is a row (or a column) of x, or a value from `least` to −1.
void expect_indices(const std::vector<long>& indices, long least, const Tensor& x, int dimension, const char* op) {
  for (const long i : indices)
    if (i < least || i >= x.dim(dimension))
      fail("[{}] {} has no {} {}", op, x.shape().text(), dimension == 0 ? "row" : "column", i);
}

/// Calls visit(t, entry, row) for each index that is not −1; entry is t·K + j.
template <typename Visit>
void for_each_named(const std::vector<long>& indices, long t_count, Visit visit) {
  const long k = t_count > 0 ? long(indices.size()) / t_count : 0;
  for (long t = 0; t < t_count; ++t)
    for (long entry = t * k; entry < (t + 1) * k; ++entry)
      if (const long row = indices[std::size_t(entry)]; row != kNone) visit(t, entry, row);
}

// The three products between x (T,C), rows (R,C) and their weights or dot products (T,K). Each counts 2·C operations
// per entry.

/// to[t][j] = x_t · rows_index.
void multiply_rows(const Tensor& x, const Tensor& rows, const std::vector<long>& indices, Tensor& to) {
  const long c = x.dim(1);
  for_each_named(indices, x.dim(0), [&](long t, long entry, long row) {
    kernels::row_dots({x.data() + t * c, 1, c, c}, {rows.data() + row * c, 1, c, c}, to.data() + entry);
  });
  Context::current().work.flops += 2 * double(c) * double(indices.size());
}

/// to_t += Σ_j weights[t][j] · rows_index.
void collect(const Tensor& weights, const Tensor& rows, const std::vector<long>& indices, Tensor& to) {
  const long c = rows.dim(1);
  for_each_named(indices, to.dim(0), [&](long t, long entry, long row) {
    kernels::add_scaled(rows.data() + row * c, weights.data()[entry], to.data() + t * c, c);
  });
  Context::current().work.flops += 2 * double(c) * double(indices.size());
}

/// to_index += weights[t][j] · x_t.
void distribute(const Tensor& weights, const Tensor& x, const std::vector<long>& indices, Tensor to) {
  const long c = x.dim(1);
  for_each_named(indices, x.dim(0), [&](long t, long entry, long row) {
    kernels::add_scaled(x.data() + t * c, weights.data()[entry], to.data() + row * c, c);
  });
  Context::current().work.flops += 2 * double(c) * double(indices.size());
}

/// Copies columns [from, from + width) of each head of x to the columns from `to` of each head of y.
void copy_columns(const Tensor& x, long from, Tensor& y, long to, long width, long head_count) {
  const long x_width = x.dim(1) / head_count, y_width = y.dim(1) / head_count;
  for (long t = 0; t < x.dim(0); ++t)
    for (long h = 0; h < head_count; ++h)
      kernels::copy(x.data() + t * x.dim(1) + h * x_width + from, y.data() + t * y.dim(1) + h * y_width + to, width);
}

}  // namespace

Tensor gather_rows(const Tensor& x, std::vector<long> indices) {
  expect_matrix(x, "gather_rows");
  const long c = x.dim(1);
  expect_indices(indices, kNone, x, 0, "gather_rows");
  Tensor y = Tensor::empty({long(indices.size()), c});
  Real* to = y.data();
  for (const long row : indices) {
    if (row == kNone)
      kernels::fill(to, c, 0);
    else
      kernels::copy(x.data() + row * c, to, c);
    to += c;
  }
  return record(std::move(y), [x = x.without_data(), indices = std::move(indices), c](Tensor dy) {
    if (!wants_gradient(x)) return;
    Tensor dx = zeroed_gradient_sink(x);
    const Real* from = dy.data();
    for (const long row : indices) {
      if (row != kNone) kernels::add(from, dx.data() + row * c, c);
      from += c;
    }
  });
}

Tensor take_along_axis(const Tensor& x, std::vector<long> columns) {
  expect_matrix(x, "take_along_axis");
  if (x.dim(0) < 1 || long(columns.size()) % x.dim(0) != 0)
    fail("[take_along_axis] {} columns do not fit {}", columns.size(), x.shape().text());
  const long n = x.dim(0), c = x.dim(1);
  expect_indices(columns, 0, x, 1, "take_along_axis");
  Tensor y = Tensor::empty({n, long(columns.size()) / n});
  for_each_named(columns, n, [&](long t, long entry, long column) { y.data()[entry] = x.data()[t * c + column]; });
  return record(std::move(y), [x = x.without_data(), columns = std::move(columns), n, c](Tensor dy) {
    if (!wants_gradient(x)) return;
    Tensor dx = zeroed_gradient_sink(x);
    for_each_named(columns, n, [&](long t, long entry, long column) { dx.data()[t * c + column] += dy.data()[entry]; });
  });
}

Tensor weighted_rows(const Tensor& weights, const Tensor& x, std::vector<long> indices) {
  expect_matrix(weights, "weighted_rows", "weights");
  expect_matrix(x, "weighted_rows", "rows");
  if (weights.size() != long(indices.size()))
    fail("[weighted_rows] weights {} do not fit rows {} and {} indices", weights.shape().text(), x.shape().text(),
         indices.size());
  expect_indices(indices, kNone, x, 0, "weighted_rows");
  Tensor y = Tensor::zeros({weights.dim(0), x.dim(1)});
  collect(weights, x, indices, y);
  return record(std::move(y), [weights, x, indices = std::move(indices)](Tensor dy) {
    if (wants_gradient(weights)) {
      Tensor dweights = Tensor::zeros(weights.shape());
      multiply_rows(dy, x, indices, dweights);
      accumulate_gradient(weights, std::move(dweights));
    }
    if (wants_gradient(x)) distribute(weights, dy, indices, zeroed_gradient_sink(x));
  });
}

Tensor gathered_dot(const Tensor& x, const Tensor& w, std::vector<long> indices) {
  expect_matrix(x, "gathered_dot");
  expect_matrix(w, "gathered_dot", "rows");
  if (x.dim(1) != w.dim(1) || x.dim(0) < 1 || long(indices.size()) % x.dim(0) != 0)
    fail("[gathered_dot] x {} does not fit rows {} and {} indices", x.shape().text(), w.shape().text(), indices.size());
  expect_indices(indices, 0, w, 0, "gathered_dot");
  Tensor y = Tensor::empty({x.dim(0), long(indices.size()) / x.dim(0)});
  multiply_rows(x, w, indices, y);
  return record(std::move(y), [x, w, indices = std::move(indices)](Tensor dy) {
    if (wants_gradient(x)) {
      Tensor dx = Tensor::zeros(x.shape());
      collect(dy, w, indices, dx);
      accumulate_gradient(x, std::move(dx));
    }
    if (wants_gradient(w)) distribute(dy, x, indices, zeroed_gradient_sink(w));
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
