/// Cases of attention whose keys decay, and of scans. `decayed_attention_test.cpp` and `gated_scan_test.cpp` compose
/// the same names.
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

/// Of 3 features; complex ones have a learned turn.
Entry scan(const std::string& tokens, const SequenceLayout& layout, bool is_complex, Direction direction) {
  const long t = layout.tokens();
  const char* towards[] = {"forward", "backward", "both"};
  const std::string name =
      "gated_scan, " + tokens + ", " + (is_complex ? "complex" : "real") + ", " + towards[int(direction)];
  if (!is_complex)
    return {{name, {{t, 3}, {t, 3}}},
            [=](const Inputs& x) { return gated_scan(sigmoid(scale(x[0], 5)), x[1], layout, direction); }};
  return {{name, {{t, 3}, {t, 6}, {1, 3}}},
          [=](const Inputs& x) { return gated_scan(sigmoid(scale(x[0], 5)), x[1], layout, direction, x[2]); }};
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
  for (const Direction direction : {Direction::forward, Direction::backward, Direction::both})
    for (const bool is_complex : {false, true}) {
      cases.push_back(scan("ragged", ragged(), is_complex, direction));
      cases.push_back(scan("1", single(1, 300), is_complex, direction));
      cases.push_back(scan("290", single(290, 300), is_complex, direction));
    }
  cases.push_back({{"gated_scan, one tensor", {{15, 3}}}, [](const Inputs& x) {
                     const Tensor a = sigmoid(scale(x[0], 5));
                     return gated_scan(a, a, ragged(), Direction::both);
                   }});
  return cases;
}

}  // namespace lra::inline LRA_ENGINE
