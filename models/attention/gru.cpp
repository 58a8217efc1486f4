/// A gated recurrent unit: a state that is the mean of the state before and of a candidate, weighted by a gate.
///
///   Cho, van Merriënboer, Gulcehre, Bahdanau, Bougares, Schwenk, Bengio. "Learning Phrase Representations using RNN
///   Encoder-Decoder for Statistical Machine Translation." EMNLP 2014, arXiv:1406.1078, §2.3.
///   time O(N·C²), in N steps   memory O(N·C)
///   r, z = σ of x_t·W + h_{t−1}·U + b   n = tanh(x_t·W_n + b_n + r ∘ (h_{t−1}·U_n + b'))   h_t = (1 − z)∘n + z∘h_{t−1}
///   result (h, and unless `causal` h' of the reversed sequence)·W_O
#include "models/layers/recurrent.h"
#include "models/ops/recurrences.h"

namespace lra {
namespace {

class GruCell {
 public:
  GruCell(const ParameterScope& scope, long width, long states)
      : input_(scope / "input", width, 3 * states, Init::torch(states), Init::torch(states)),
        recurrent_(scope.add("recurrent", {3 * states, states}, Init::torch(states))),
        recurrent_bias_(scope.add("recurrent_bias", {states}, Init::torch(states))) {}

  Tensor operator()(Tensor x, const SequenceLayout& layout, bool reversed) const {
    return gru(input_(std::move(x)), recurrent_, recurrent_bias_, layout, reversed);
  }

 private:
  Linear input_;
  Parameter recurrent_, recurrent_bias_;
};

const RegisterModel<Recurrent<GruCell>> registered{
    "gru",
    {.summary = "a gated recurrent unit, in both directions",
     .paper = "Cho et al. \"Learning Phrase Representations using RNN Encoder-Decoder.\" EMNLP 2014, arXiv:1406.1078",
     .complexity = "O(N)",
     .kind = "gated",
     .differs =
         "LRA's code does not have it. The cell is that of torch.nn.GRU, with its initial values: the paper resets the "
         "state before its product with the weights, PyTorch and this model the product and its bias; the paper has no "
         "biases. PyTorch's second biases of r and z, which add to the first, are not here. By default each direction "
         "has half of the features that queries would have; a projection, which PyTorch does not have, leads from both "
         "back to the width. The cell takes the place of attention in the usual block, so there is a residual branch "
         "around it. Operations grow as N, but its N steps follow one another.",
     .exponent = 1,
     .causal = true}};

}  // namespace
}  // namespace lra
