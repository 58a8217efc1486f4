/// Cases of recurrent cells. `recurrent_cells_test.cpp` composes the same names.
#include <string>

#include "models/ops/recurrences.h"
#include "models/testing/op_entries.h"

namespace lra::inline LRA_ENGINE {
namespace {

constexpr long kStates = 3;

Entry long_short_term(const std::string& tokens, const SequenceLayout& layout, bool reversed) {
  return {
      {"lstm, " + tokens + (reversed ? ", reversed" : ""), {{layout.tokens(), 4 * kStates}, {4 * kStates, kStates}}},
      [=](const Inputs& x) { return lstm(x[0], x[1], layout, reversed); }};
}

Entry gated_unit(const std::string& tokens, const SequenceLayout& layout, bool reversed) {
  return {{"gru, " + tokens + (reversed ? ", reversed" : ""),
           {{layout.tokens(), 3 * kStates}, {3 * kStates, kStates}, {kStates}}},
          [=](const Inputs& x) { return gru(x[0], x[1], x[2], layout, reversed); }};
}

/// More sequences than rows of a product, of 1 to 7 tokens.
SequenceLayout many() {
  SequenceLayout layout;
  layout.offsets = {0};
  for (long s = 0; s < 40; ++s) layout.offsets.push_back(layout.tokens() + 1 + s * 5 % 7);
  layout.sequences.resize(40);
  layout.length = 7;
  return layout;
}

}  // namespace

std::vector<Entry> cell_cases() {
  std::vector<Entry> cases;
  for (const bool reversed : {false, true})
    for (const auto& [tokens, layout] :
         {std::pair{"ragged", ragged()}, {"1", single(1, 300)}, {"65", single(65, 300)}, {"many", many()}}) {
      cases.push_back(long_short_term(tokens, layout, reversed));
      cases.push_back(gated_unit(tokens, layout, reversed));
    }
  return cases;
}

}  // namespace lra::inline LRA_ENGINE
