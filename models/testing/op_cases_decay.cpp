/// Cases of attention whose keys decay, of scans, and of filters of moving averages. `decayed_attention_test.cpp`,
/// `gated_scan_test.cpp`, `selective_scan_test.cpp` and `state_scan_test.cpp` compose the same names.
#include <string>

#include "models/ops/moving_average_filters.h"
#include "models/ops/recurrences.h"
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

/// Steps from almost 0 to several units.
Entry selective(const std::string& tokens, const SequenceLayout& layout, long features, long states,
                Direction direction) {
  const long t = layout.tokens();
  const char* towards[] = {"forward", "backward", "both"};
  return {{"selective_scan, " + tokens + ", " + towards[int(direction)],
           {{t, features}, {t, features}, {features, states}, {t, states}, {t, states}}},
          [=](const Inputs& x) {
            return selective_scan(x[0], softplus(scale(x[1], 3)), scale(exp(x[2]), -1), x[3], x[4], layout, direction);
          }};
}

/// 3 states of moderate decays and learned steps.
Tensor state_matrix(const Tensor& x) {
  const Tensor decay = scale(sigmoid(rows(reshaped(x, 2), 0, 1)), -1);
  return concat_columns(std::vector<Tensor>{decay, rows(reshaped(x, 2), 1, 1)});
}

Entry state_row(const std::string& tokens, const SequenceLayout& layout, Discretisation method, Direction direction) {
  const char* towards[] = {"forward", "backward", "both"};
  const char* methods[] = {"zoh", "bilinear"};
  return {{"state_scan, " + tokens + ", " + methods[int(method)] + ", " + towards[int(direction)],
           {{1, 6}, {1, 3}, {layout.tokens(), 6}}},
          [=](const Inputs& x) { return state_scan(state_matrix(x[0]), x[1], x[2], method, layout, direction); }};
}

}  // namespace

std::vector<Entry> decay_cases() {
  std::vector<Entry> cases;
  for (const Direction direction : {Direction::forward, Direction::backward, Direction::both}) {
    for (const char* kind : {"heads", "features", "heads of all tokens", "features of all tokens"})
      cases.push_back(decayed("ragged", ragged(), kind, direction));
    for (const char* kind : {"heads", "features"}) cases.push_back(decayed("290", single(290, 300), kind, direction));
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
  for (const Direction direction : {Direction::forward, Direction::backward, Direction::both}) {
    cases.push_back(selective("ragged", ragged(), 3, 2, direction));
    cases.push_back(selective("1", single(1, 300), 3, 2, direction));
    cases.push_back(selective("290", single(290, 300), 3, 2, direction));
    cases.push_back(selective("33 of 19 features", single(33, 300), 19, 1, direction));
  }
  cases.push_back(selective("4096", single(4096, 4096), 2, 3, Direction::both));
  cases.push_back({{"selective_scan, one tensor", {{15, 15}}}, [](const Inputs& x) {
                     const Tensor all = softplus(x[0]);
                     return selective_scan(all, all, scale(all, -1), all, all, single(15, 300), Direction::both);
                   }});
  for (const Discretisation method : {Discretisation::zoh, Discretisation::bilinear}) {
    for (const Direction direction : {Direction::forward, Direction::backward, Direction::both}) {
      cases.push_back(state_row("ragged", ragged(), method, direction));
      cases.push_back(state_row("1", single(1, 300), method, direction));
      cases.push_back(state_row("290", single(290, 300), method, direction));
    }
    cases.push_back({{std::string("state_inputs, ") + (method == Discretisation::zoh ? "zoh" : "bilinear"),
                      {{1, 6}, {1, 3}, {6, 5}}},
                     [=](const Inputs& x) { return state_inputs(state_matrix(x[0]), x[1], x[2], method); }});
  }
  cases.push_back({{"state_inputs, small rates", {{1, 6}, {1, 3}, {6, 5}}}, [](const Inputs& x) {
                     return state_inputs(scale(state_matrix(x[0]), 0.01), x[1], x[2], Discretisation::zoh);
                   }});
  for (const long taps : {1, 2, 65, 1000})
    cases.push_back({{"moving_average_filters, " + std::to_string(taps) + " taps", {{5, 3}, {5, 3}}},
                     [=](const Inputs& x) { return moving_average_filters(sigmoid(scale(x[0], 3)), x[1], taps); }});
  cases.push_back({{"moving_average_filters, one tensor", {{5, 3}}}, [](const Inputs& x) {
                     const Tensor rates = sigmoid(x[0]);
                     return moving_average_filters(rates, rates, 20);
                   }});
  return cases;
}

}  // namespace lra::inline LRA_ENGINE
