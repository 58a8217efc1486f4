/// Cases of attention whose keys decay. `decayed_attention_test.cpp` composes the same names.
#include <string>

#include "models/testing/op_entries.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kHeads = 2, kKeyWidth = 3, kValueWidth = 2;

/// Decays from almost 0 to almost 1.
Tensor decays(const Tensor& x) { return log_sigmoid(scale(x, 5)); }

Entry decayed(const std::string& tokens, const SequenceLayout& layout, const std::string& kind, Direction direction) {
  const long t = layout.tokens();
  const std::vector<long> keys = {t, kHeads * kKeyWidth};
  const std::vector<long> shape = {kind.ends_with("of all tokens") ? 1 : t,
                                   kind.starts_with("heads") ? kHeads : kHeads * kKeyWidth};
  const char* towards[] = {"forward", "backward", "both"};
  return {
      {"decayed_attention, " + tokens + ", decays of " + kind + ", " + towards[int(direction)],
       {keys, keys, {t, kHeads * kValueWidth}, shape}},
      [=](const Inputs& x) { return decayed_attention(x[0], x[1], x[2], decays(x[3]), kHeads, layout, direction); }};
}

}  // namespace

std::vector<Entry> decay_cases() {
  std::vector<Entry> cases;
  for (const Direction direction : {Direction::forward, Direction::backward, Direction::both}) {
    for (const char* kind : {"heads", "features", "heads of all tokens", "features of all tokens"})
      cases.push_back(decayed("ragged", ragged(), kind, direction));
    cases.push_back(decayed("290", single(290, 300), "features", direction));
  }
  for (const long n : {1, 3, 17, 63, 65, 257})
    cases.push_back(decayed(std::to_string(n), single(n, 300), "features", Direction::both));
  cases.push_back({{"decayed_attention, one tensor", {{15, 6}, {15, 2}}}, [](const Inputs& x) {
                     return decayed_attention(x[0], x[0], x[0], decays(x[1]), 2, ragged(), Direction::both);
                   }});
  return cases;
}

}  // namespace lra::inline LRA_ENGINE
