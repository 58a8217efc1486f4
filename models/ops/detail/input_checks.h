/// What ops ask of their inputs before they read memory. Each throws a sentence that opens with the op's name and says
/// which input has which shape.
#pragma once

#include "models/ops/pattern.h"
#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// x has values.
void expect_defined(const Tensor& x, const char* op);
/// x (n,C), row by row in memory.
void expect_matrix(const Tensor& x, const char* op, const char* input = "x");
/// x (n,D) or (H,n,D), the values of a row side by side.
void expect_stack(const Tensor& x, const char* op, const char* input = "x");
/// x has this shape, row by row in memory.
void expect_input(const Tensor& x, const Shape& want, const char* op, const char* input);
/// x (T,C), T the tokens of `layout`.
void expect_packed(const Tensor& x, const SequenceLayout& layout, const char* op, const char* input = "x");
/// x (n, H·D). Returns D.
long head_width(const Tensor& x, long head_count, const char* op, const char* input = "x");
/// q (T,H·D) of `layout`, k and v (T',H·D) of `key_layout`. Returns D.
long expect_attention(const Tensor& q, const Tensor& k, const Tensor& v, long head_count, const SequenceLayout& layout,
                      const SequenceLayout& key_layout, const char* op);
/// Blocks have a token and keys a step.
void expect_window(const Window& window, const char* op);

}  // namespace lra::inline LRA_ENGINE
