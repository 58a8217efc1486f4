/// Checks of an op's inputs, called before it reads memory. Each throws an error that begins with the op's name and
/// states which input has which shape.
#pragma once

#include "models/ops/pattern.h"
#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// x has values.
void expect_defined(const Tensor& x, const char* op);
/// x is (n,C), contiguous.
void expect_matrix(const Tensor& x, const char* op, const char* input = "x");
/// x is (n,D) or (H,n,D), with contiguous rows.
void expect_stack(const Tensor& x, const char* op, const char* input = "x");
/// x has shape `want` and is contiguous.
void expect_input(const Tensor& x, const Shape& want, const char* op, const char* input);
/// x is (T,C) with the T tokens of `layout`.
void expect_packed(const Tensor& x, const SequenceLayout& layout, const char* op, const char* input = "x");
/// x is (n, H·D). Returns D.
long head_width(const Tensor& x, long head_count, const char* op, const char* input = "x");
/// q is (T,H·D) in `layout`, k and v are (T',H·D) in `key_layout`. Returns D.
long expect_attention(const Tensor& q, const Tensor& k, const Tensor& v, long head_count, const SequenceLayout& layout,
                      const SequenceLayout& key_layout, const char* op);
/// The block size and the step of keys are at least 1.
void expect_window(const Window& window, const char* op);

}  // namespace lra::inline LRA_ENGINE
