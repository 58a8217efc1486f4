/// The entries of op cases. Each topic has a file op_cases_*.cpp; one line there adds an op to the gradient check and
/// to the float-against-double check.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "models/ops/ops.h"
#include "models/testing/bridge.h"

namespace lra::inline LRA_ENGINE {

using Inputs = std::vector<Tensor>;

/// An op as a function of tensors; its result must be contiguous.
struct Entry {
  OpCase shapes;
  std::function<Tensor(const Inputs&)> apply;
};

/// Three sequences of 5, 1 and 9 tokens.
inline SequenceLayout ragged() {
  SequenceLayout layout;
  layout.offsets = {0, 5, 6, 15};
  layout.sequences = {4, 9, 2};
  layout.step = 7, layout.length = 11;
  return layout;
}

inline SequenceLayout single(long n, long length) {
  SequenceLayout layout;
  layout.offsets = {0, n};
  layout.sequences = {3};
  layout.step = 2, layout.length = length;
  return layout;
}

/// Sequences that begin and end within tiles of 256 tokens.
inline SequenceLayout several_tiles() {
  SequenceLayout layout;
  layout.offsets = {0, 30, 290, 291, 530};
  layout.sequences = {4, 9, 2, 0};
  layout.step = 7, layout.length = 300;
  return layout;
}

inline Dropout site(double rate) { return {rate, Random(5, "dropout", "test")}; }

// op_cases_elementwise.cpp
std::vector<Entry> simple_cases();
std::vector<Entry> arithmetic_cases();
// op_cases_structure.cpp
std::vector<Entry> product_cases();
std::vector<Entry> token_cases();
std::vector<Entry> sequence_cases();
// op_cases_attention.cpp
std::vector<Entry> attention_cases();
std::vector<Entry> sparse_cases();
// op_cases_scores.cpp
std::vector<Entry> score_cases();
std::vector<Entry> sorted_cases();
std::vector<Entry> entmax_cases();
// op_cases_decay.cpp
std::vector<Entry> decay_cases();
// op_cases_delta.cpp
std::vector<Entry> delta_cases();
// op_cases_cells.cpp
std::vector<Entry> cell_cases();
// op_cases_kernel.cpp
std::vector<Entry> kernel_cases();
std::vector<Entry> gated_cases();

}  // namespace lra::inline LRA_ENGINE
