/// Cases of attention by the delta rule. `delta_attention_test.cpp` composes the same names.
#include <string>

#include "models/ops/recurrences.h"
#include "models/testing/op_entries.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kDeltaHeads = 2, kKeys = 3, kValues = 2;

/// Keys of length 1, β from 0 to 2, decays from almost 0 to almost 1, or none.
Entry delta(const std::string& tokens, const SequenceLayout& layout, bool gated, Direction direction) {
  const long t = layout.tokens();
  const std::vector<long> keys = {t, kDeltaHeads * kKeys}, heads = {t, kDeltaHeads};
  std::vector<std::vector<long>> shapes = {keys, keys, {t, kDeltaHeads * kValues}, heads};
  if (gated) shapes.push_back(heads);
  const char* towards[] = {"forward", "backward", "both"};
  return {{"delta_attention, " + tokens + (gated ? ", gated, " : ", ") + towards[int(direction)], shapes},
          [=](const Inputs& x) {
            return delta_attention(x[0], l2_normalize(x[1], kDeltaHeads), x[2], scale(sigmoid(x[3]), 2),
                                   gated ? log_sigmoid(scale(x[4], 5)) : Tensor(), kDeltaHeads, layout, direction);
          }};
}

}  // namespace

std::vector<Entry> delta_cases() {
  std::vector<Entry> cases;
  for (const bool gated : {false, true}) {
    for (const Direction direction : {Direction::forward, Direction::backward, Direction::both})
      cases.push_back(delta("ragged", ragged(), gated, direction));
    for (const long n : {1, 3, 17, 63, 65, 131, 290})
      cases.push_back(delta(std::to_string(n), single(n, 300), gated, Direction::both));
  }
  cases.push_back({{"delta_attention, one tensor", {{15, 6}, {15, 2}}}, [](const Inputs& x) {
                     const Tensor k = l2_normalize(x[0], 2), gate = log_sigmoid(x[1]);
                     return delta_attention(k, k, k, exp(gate), gate, 2, ragged(), Direction::both);
                   }});
  return cases;
}

}  // namespace lra::inline LRA_ENGINE
