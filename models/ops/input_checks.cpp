#include "models/ops/detail/input_checks.h"

#include "core/error.h"

namespace lra::inline LRA_ENGINE {

void expect_defined(const Tensor& x, const char* op) {
  if (!x.defined()) fail("[{}] received a tensor without values", op);
}

void expect_matrix(const Tensor& x, const char* op, const char* input) {
  expect_defined(x, op);
  if (x.rank() != 2 || !x.contiguous()) fail("[{}] {} {} is not a contiguous matrix", op, input, x.shape().text());
}

void expect_stack(const Tensor& x, const char* op, const char* input) {
  expect_defined(x, op);
  if ((x.rank() != 2 && x.rank() != 3) || (x.dim(-1) > 1 && x.stride(-1) != 1))
    fail("[{}] {} {} is not a matrix, or a stack of matrices, with contiguous rows", op, input, x.shape().text());
}

void expect_input(const Tensor& x, const Shape& want, const char* op, const char* input) {
  expect_defined(x, op);
  if (x.shape() != want || !x.contiguous())
    fail("[{}] {} {}, expected a contiguous {}", op, input, x.shape().text(), want.text());
}

void expect_packed(const Tensor& x, const SequenceLayout& layout, const char* op, const char* input) {
  expect_matrix(x, op, input);
  if (x.dim(0) != layout.tokens())
    fail("[{}] {} {} does not have the {} tokens of the packed sequences", op, input, x.shape().text(),
         layout.tokens());
}

long head_width(const Tensor& x, long head_count, const char* op, const char* input) {
  expect_matrix(x, op, input);
  if (head_count < 1 || x.dim(1) % head_count != 0)
    fail("[{}] {} {} does not divide into {} heads", op, input, x.shape().text(), head_count);
  return x.dim(1) / head_count;
}

long expect_attention(const Tensor& q, const Tensor& k, const Tensor& v, long head_count, const SequenceLayout& layout,
                      const SequenceLayout& key_layout, const char* op) {
  const long width = head_width(q, head_count, op, "queries");
  expect_packed(q, layout, op, "queries");
  if (key_layout.count() != layout.count())
    fail("[{}] queries {} of {} sequences, keys {} of {}", op, q.shape().text(), layout.count(), k.shape().text(),
         key_layout.count());
  expect_input(k, {key_layout.tokens(), q.dim(1)}, op, "keys");
  expect_input(v, {key_layout.tokens(), q.dim(1)}, op, "values");
  return width;
}

void expect_window(const Window& window, const char* op) {
  if (window.kind == Window::Kind::block && window.block < 1) fail("[{}] blocks of {} tokens", op, window.block);
  if (window.step < 1) fail("[{}] keys with a step of {} tokens; the step must be at least 1", op, window.step);
}

}  // namespace lra::inline LRA_ENGINE
