/// Long short-term memory: a state whose gates see the state before, so that tokens are read one after another.
///
///   Hochreiter, Schmidhuber. "Long Short-Term Memory." Neural Computation 9(8), 1997; with the forget gate of Gers,
///   Schmidhuber, Cummins. "Learning to Forget: Continual Prediction with LSTM." Neural Computation 12(10), 2000.
///   time O(N·C²), in N steps   memory O(N·C)
///   i, f, g, o = σ, σ, tanh, σ of x_t·W + h_{t−1}·U + b   c_t = f ∘ c_{t−1} + i ∘ g   h_t = o ∘ tanh(c_t)
///   result (h, and unless `causal` h' of the reversed sequence)·W_O
#include "models/layers/recurrent.h"
#include "models/ops/recurrences.h"

namespace lra {
namespace {

class LstmCell {
 public:
  LstmCell(const ParameterScope& scope, long width, long states)
      : input_(scope / "input", width, 4 * states, Init::torch(states), Init::torch(states)),
        recurrent_(scope.add("recurrent", {4 * states, states}, Init::torch(states))) {}

  Tensor operator()(Tensor x, const SequenceLayout& layout, bool reversed) const {
    return lstm(input_(std::move(x)), recurrent_, layout, reversed);
  }

 private:
  Linear input_;
  Parameter recurrent_;
};

const RegisterModel<Recurrent<LstmCell>> registered{
    "lstm",
    {.summary = "long short-term memory, in both directions",
     .paper = "Hochreiter, Schmidhuber. \"Long Short-Term Memory.\" 1997",
     .complexity = "O(N)",
     .kind = "gated",
     .differs =
         "LRA's code does not have it. The cell is that of torch.nn.LSTM, whose two biases are one here, with its "
         "initial values: no peephole connections, and a forget gate that starts half open. By default each direction "
         "has half of the features that queries would have; a projection, which PyTorch does not have, leads from both "
         "back to the width. The cell takes the place of attention in the usual block, so there is a residual branch "
         "around it. Operations grow as N, but its N steps follow one another.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
