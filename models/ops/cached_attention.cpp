#include "models/ops/detail/cached_attention.h"

#include <algorithm>
#include <cmath>

#include "models/ops/detail/head_view.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kQueries = 64;  // whose scores are in memory together

/// Attention of one head's queries, the first of which sees `seen` of the keys and each other one more.
void attend_to_cache(const ConstView& q, const ConstView& k, const ConstView& v, long seen, View y) {
  const Real factor = Real(1 / std::sqrt(double(q.cols)));
  for (long at = 0; at < q.rows; at += kQueries) {
    const long n = std::min(kQueries, q.rows - at), keys = seen + at + n - 1;
    Tensor scores = Tensor::empty({n, keys});
    kernels::gemm(part_of(q, at, n), false, part_of(k, 0, keys), true, scores.matrix(), false, factor);
    for (long i = 0; i < n; ++i) {
      const long visible = seen + at + i;
      kernels::softmax({scores.data() + i * keys, 1, visible, keys});
      kernels::fill(scores.data() + i * keys + visible, keys - visible, 0);
    }
    kernels::gemm(scores.matrix(), false, part_of(v, 0, keys), false, part_of(y, at, n));
  }
}

}  // namespace

Tensor cached_attention(const Tensor& q, const Tensor& k, const Tensor& v, long head_count,
                        const SequenceLayout& layout) {
  const long width = q.dim(1) / head_count;
  Tensor y = Tensor::empty(q.shape());
  for (long s = 0; s < layout.count(); ++s) {
    const long at = layout.begin(s), n = layout.size(s), before = tokens_before(s);
    const Tensor keys = carried_rows(rows(k, at, n)), values = carried_rows(rows(v, at, n));
    for (long h = 0; h < head_count; ++h)
      attend_to_cache(head_view(q, at, n, h, width), head_view(keys, 0, before + n, h, width),
                      head_view(values, 0, before + n, h, width), before + 1, head_view(y, at, n, h, width));
  }
  return y;
}

}  // namespace lra::inline LRA_ENGINE
