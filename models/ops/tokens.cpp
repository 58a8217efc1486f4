/// Ops between token ids, packed tokens and one row per sequence.
#include "core/error.h"
#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// Checks that no sequence is empty.
void expect_sequences(const SequenceLayout& layout, const char* op) {
  for (long s = 0; s < layout.count(); ++s)
    if (layout.size(s) < 1) fail("[{}] sequence {} of {} has {} tokens", op, s + 1, layout.count(), layout.size(s));
}

}  // namespace

Tensor embedding(std::span<const std::int32_t> ids, const Tensor& table) {
  expect_matrix(table, "embedding", "table");
  const long c = table.dim(1);
  Tensor y = Tensor::empty({long(ids.size()), c});
  for (std::size_t t = 0; t < ids.size(); ++t) {
    if (ids[t] < 0 || ids[t] >= table.dim(0))
      fail("[embedding] token {} is outside the vocabulary of {} of the table {}", ids[t], table.dim(0),
           table.shape().text());
    kernels::copy(table.data() + ids[t] * c, y.data() + long(t) * c, c);
  }
  return record(std::move(y), [kept = std::vector<std::int32_t>(ids.begin(), ids.end()), table, c](Tensor dy) {
    Tensor place = zeroed_gradient_sink(table);
    for (std::size_t t = 0; t < kept.size(); ++t) kernels::add(dy.data() + long(t) * c, place.data() + kept[t] * c, c);
  });
}

Tensor add_positions(Tensor x, const Tensor& table, const SequenceLayout& layout) {
  expect_packed(x, layout, "add_positions");
  expect_matrix(table, "add_positions", "table");
  const long c = x.dim(1);
  expect_input(table, {table.dim(0), c}, "add_positions", "table");
  Tensor y = x.sole_owner() ? x : Tensor::copy_of(x);
  for (long s = 0; s < layout.count(); ++s) {
    const long before = tokens_before(s), length = before + layout.size(s);
    if (length > table.dim(0))
      fail("[add_positions] a sequence of {} tokens exceeds the {} positions of the table {}", length, table.dim(0),
           table.shape().text());
    kernels::add(table.data() + before * c, y.data() + layout.begin(s) * c, layout.size(s) * c);
  }
  return record(std::move(y), [x = x.without_data(), table, layout, c](Tensor dy) {
    if (wants_gradient(table)) {
      Tensor place = zeroed_gradient_sink(table);
      for (long s = 0; s < layout.count(); ++s)
        kernels::add(dy.data() + layout.begin(s) * c, place.data(), layout.size(s) * c);
    }
    accumulate_gradient(x, std::move(dy));
  });
}

Tensor prepend(const Tensor& vector, const Tensor& x, const SequenceLayout& layout) {
  expect_matrix(x, "prepend");
  const long c = x.dim(1);
  expect_input(vector, {c}, "prepend", "vector");
  expect_sequences(layout, "prepend");
  expect_steps(false, "prepend", "puts a token before the first");
  if (x.dim(0) + layout.count() != layout.tokens())
    fail("[prepend] {} does not fit {} tokens", x.shape().text(), layout.tokens());
  Tensor y = Tensor::empty({layout.tokens(), c});
  for (long s = 0; s < layout.count(); ++s) {
    kernels::copy(vector.data(), y.data() + layout.begin(s) * c, c);
    kernels::copy(x.data() + (layout.begin(s) - s) * c, y.data() + (layout.begin(s) + 1) * c, (layout.size(s) - 1) * c);
  }
  return record(std::move(y), [vector, x = x.without_data(), layout, c](Tensor dy) {
    Tensor dvector = zeroed_gradient_sink(vector), dx = Tensor::empty(x.shape());
    for (long s = 0; s < layout.count(); ++s) {
      kernels::add(dy.data() + layout.begin(s) * c, dvector.data(), c);
      kernels::copy(dy.data() + (layout.begin(s) + 1) * c, dx.data() + (layout.begin(s) - s) * c,
                    (layout.size(s) - 1) * c);
    }
    accumulate_gradient(x, std::move(dx));
  });
}

Tensor first_rows(const Tensor& x, const SequenceLayout& layout) {
  expect_packed(x, layout, "first_rows");
  expect_sequences(layout, "first_rows");
  expect_steps(false, "first_rows", "reads the first token only");
  const long c = x.dim(1);
  Tensor y = Tensor::empty({layout.count(), c});
  for (long s = 0; s < layout.count(); ++s) kernels::copy(x.data() + layout.begin(s) * c, y.data() + s * c, c);
  return record(std::move(y), [x = x.without_data(), layout, c](Tensor dy) {
    Tensor dx = zeroed_gradient_sink(x);
    for (long s = 0; s < layout.count(); ++s) kernels::add(dy.data() + s * c, dx.data() + layout.begin(s) * c, c);
  });
}

Tensor mean_rows(const Tensor& x, const SequenceLayout& layout) {
  expect_packed(x, layout, "mean_rows");
  expect_sequences(layout, "mean_rows");
  const long c = x.dim(1);
  Tensor sums = carried_state({layout.count(), c});
  for (long s = 0; s < layout.count(); ++s)
    kernels::add_column_sums({x.data() + layout.begin(s) * c, layout.size(s), c, c}, sums.data() + s * c);
  Tensor y = stepping() ? Tensor::copy_of(sums) : std::move(sums);
  for (long s = 0; s < layout.count(); ++s)
    kernels::scale(y.data() + s * c, c, Real(1) / Real(tokens_before(s) + layout.size(s)));
  return record(std::move(y), [x = x.without_data(), layout, c](Tensor dy) {
    Tensor dx = zeroed_gradient_sink(x);
    for (long s = 0; s < layout.count(); ++s) {
      kernels::scale(dy.data() + s * c, c, Real(1) / Real(layout.size(s)));
      kernels::add_row(dy.data() + s * c, {dx.data() + layout.begin(s) * c, layout.size(s), c, c});
    }
  });
}

Tensor every_other_row(const Tensor& x, long first) {
  expect_matrix(x, "every_other_row");
  if (x.dim(0) % 2 != 0 || first < 0 || first > 1)
    fail("[every_other_row] {} does not consist of pairs of rows, or {} is neither 0 nor 1", x.shape().text(), first);
  const long n = x.dim(0) / 2, c = x.dim(1);
  Tensor y = Tensor::empty({n, c});
  for (long i = 0; i < n; ++i) kernels::copy(x.data() + (2 * i + first) * c, y.data() + i * c, c);
  return record(std::move(y), [x = x.without_data(), first, n, c](Tensor dy) {
    Tensor dx = zeroed_gradient_sink(x);
    for (long i = 0; i < n; ++i) kernels::add(dy.data() + i * c, dx.data() + (2 * i + first) * c, c);
  });
}

Loss cross_entropy(const Tensor& logits, std::span<const std::int32_t> labels, double weight) {
  expect_matrix(logits, "cross_entropy", "logits");
  const long classes = logits.dim(1);
  if (logits.dim(0) != long(labels.size()))
    fail("[cross_entropy] {} logits for {} labels", logits.shape().text(), labels.size());
  Loss loss;
  Tensor gradient = wants_gradient(logits) ? Tensor::empty(logits.shape()) : Tensor();
  for (long b = 0; b < logits.dim(0); ++b) {
    const Real* row = logits.data() + b * classes;
    const std::int32_t label = labels[std::size_t(b)];
    if (label < 0 || label >= classes) fail("[cross_entropy] label {} is outside the {} classes", label, classes);
    loss.losses.push_back(kernels::cross_entropy(row, classes, label, Real(weight),
                                                 gradient.defined() ? gradient.data() + b * classes : nullptr));
    loss.correct.push_back(std::max_element(row, row + classes) - row == label);
  }
  if (gradient.defined()) accumulate_gradient(logits, std::move(gradient));
  if (Profile* profile = Context::current().profile) profile->forward("cross_entropy");
  return loss;
}

}  // namespace lra::inline LRA_ENGINE
