#include "models/layers/segments.h"

#include <algorithm>
#include <string>

#include "core/error.h"

namespace lra::inline LRA_ENGINE {

SegmentRecurrence::SegmentRecurrence(long segment, bool causal, const LayerDims& dims, const ParameterScope& scope)
    : segment_(segment), causal_(causal), norm_(scope / "norm", dims.width) {
  const RelativeBiases biases(dims, scope, Init::normal(0.02));
  for (long l = 0; l < dims.layers; ++l)
    blocks_.emplace_back(dims, scope / std::to_string(l), biases, Init::xavier(dims.width, dims.qkv));
}

PackedSequences SegmentRecurrence::forward(PackedSequences tokens) const {
  for (long l = 0; l < long(blocks_.size()); ++l)
    tokens.x = block(l).forward(tokens.x, tokens.layout, context(l, tokens));
  return {norm_(std::move(tokens.x)), std::move(tokens.layout)};
}

Tensor SegmentRecurrence::compressed(long, const Tensor&, const SequenceLayout&) const {
  fail("a model with compressed states does not say how it makes them");
}

long SegmentRecurrence::remembered(long n) const {
  const long last = (n - 1) / segment_ * segment_;  // where the last segment begins
  const Memory before = memory(last);
  return before.recent > 0 || before.made > 0 ? last : 0;
}

RelativeContext SegmentRecurrence::context(long layer, const PackedSequences& tokens) const {
  std::vector<Tensor> parts;
  RelativeContext context;
  SequenceLayout& layout = context.rows.layout = tokens.layout;
  long longest = 0;
  for (long s = 0; s < tokens.layout.count(); ++s) {
    const long n = tokens.layout.size(s), kept = remembered(n), made = memory(kept).made;
    longest = std::max(longest, n);
    parts.push_back(rows(tokens.x, tokens.layout.begin(s), n));
    if (kept > 0) parts.push_back(stop_gradient(rows(tokens.x, tokens.layout.begin(s), kept)));
    if (made > 0) parts.push_back(stop_gradient(compressed(layer, parts.back(), tokens.layout)));
    layout.offsets[std::size_t(s) + 1] = layout.begin(s) + n + kept + made;
    layout.length = std::max(layout.length, layout.size(s));
  }
  context.after = std::min(segment_, longest) - 1;
  for (long begin = 0; begin < longest; begin += segment_)
    context.before = std::max(context.before, context.after + memory(begin).recent + memory(begin).seen);
  if (parts.size() > std::size_t(tokens.layout.count())) context.rows.x = concat_rows(parts);
  context.pattern = [this, own = tokens.layout](long s, long, const PartVisitor& visit) {
    visit_parts(own.size(s), visit);
  };
  return context;
}

void SegmentRecurrence::visit_parts(long n, const PartVisitor& visit) const {
  const long kept = remembered(n), made_at = n + kept, keys = made_at + memory(kept).made;
  for (long begin = 0; begin < n; begin += segment_) {
    const Positions own = Positions(n).add(begin, segment_);
    Window itself = Window::everything();
    itself.causal = causal_;
    visit({own, Positions(keys).add(begin, std::min(segment_, n - begin)), itself});
    const Memory before = memory(begin);
    const long oldest = begin - before.recent;
    if (before.recent > 0)
      visit({own, Positions(keys).add(n + oldest, before.recent), Window::everything().over(1, -n)});
    if (before.seen > 0)
      visit({own, Positions(keys).add(made_at + before.made - before.seen, before.seen),
             Window::everything().over(1, oldest - before.made - made_at)});
  }
}

}  // namespace lra::inline LRA_ENGINE
