/// Models that are wrong in one way each, to show that the contract notices. Block attention underneath, which is
/// sound.
#include "models/layers/mixer.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

enum class Fault {
  none,
  gradient_scaled,       // one op's backward a thousandth too large
  long_gradient_scaled,  // the same, in sequences beyond 20 tokens only
  mask_dropped,          // `causal` is a setting without effect
  offset_of_the_pack,    // blocks are counted from the start of the pack, not of the sequence
  quadratic,             // sees everything, declared linear
  linear,                // declared quadratic
  matrix_held,           // holds an N×N matrix, declared not to
  divided_by_zero,       // not finite for a single token
  rounded,               // single precision loses a few bits more than it must
  counted_calls,         // draws from a generator that remembers
  rows_doubled,          // twice as many rows as tokens
  rows_of_task,          // parameters for each position, not declared
  drawn,                 // random numbers of the step, not declared
  always_pulled,         // a gradient that no loss gave, not declared
  other_without_tape,    // evaluates another function than it trains
};

/// x, through whose backward pass `change` sees the gradient.
template <typename Change>
Tensor with_gradient(const Tensor& x, Change change) {
  return record(Tensor::copy_of(x), [x = x.without_data(), change](Tensor dy) {
    change(dy);
    accumulate_gradient(x, std::move(dy));
  });
}

Tensor with_gradient_scaled(const Tensor& x) {
  return with_gradient(x, [](Tensor& dy) { kernels::scale(dy.data(), dy.size(), Real(1.001)); });
}

long calls = 0;

template <Fault fault>
class Mutant final : public Attention {
 public:
  struct Config {
    bool causal = false;
    long block = 4;
    void fields(auto&& f) {
      f("causal", causal, "no token sees a later one");
      f("block", block, "tokens of a block");
    }
  };

  Mutant(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope),
        window_(fault == Fault::quadratic ? Window::everything() : Window::blocks(config.block)),
        site_(scope.dropout("probabilities", dims.attention_dropout)),
        random_(scope.random("draw", "scale")) {
    window_.causal = config.causal && fault != Fault::mask_dropped;
    if (fault == Fault::rows_of_task) rows_ = scope.add("rows", {dims.length, dims.qkv}, Init::normal(1));
  }

 private:
  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    v = before(std::move(v), layout);
    SequenceLayout seen = layout;
    if (fault == Fault::offset_of_the_pack) seen.offsets = {0, layout.tokens()};
    Tensor y = softmax_attention(q, k, v, dims().heads, window_, site_, seen, seen);
    if (fault == Fault::rows_doubled) return concat_rows(std::vector{y, y});
    return y;
  }

  Tensor before(Tensor v, const SequenceLayout& layout) const {
    if (fault == Fault::gradient_scaled) return with_gradient_scaled(v);
    if (fault == Fault::long_gradient_scaled && layout.size(0) > 20) return with_gradient_scaled(v);
    if (fault == Fault::rounded && sizeof(Real) == sizeof(float)) return scale(std::move(v), 1 + 1e-4);
    if (fault == Fault::counted_calls) return scale(std::move(v), 1 + 1e-3 * double(++calls % 2));
    if (fault == Fault::divided_by_zero) return scale(std::move(v), 1 / double(layout.size(0) - 1));
    if (fault == Fault::rows_of_task) return add_positions(std::move(v), rows_, layout);
    if (fault == Fault::drawn) return scale(std::move(v), 1 + random_.at(layout.step, 0).uniform(0));
    if (fault == Fault::matrix_held)
      return with_gradient(v, [held = Tensor::zeros({layout.tokens(), layout.tokens()})](Tensor&) {});
    if (fault == Fault::other_without_tape && !recording()) return scale(std::move(v), 1 + 1e-4);
    if (fault == Fault::always_pulled) return with_gradient(v, [](Tensor& dy) { dy.data()[0] += Real(0.5); });
    return v;
  }

  Window window_;
  Dropout site_;
  Random random_;
  Parameter rows_;
};

ModelFacts facts(double exponent = 1) {
  return {.summary = "wrong in one way",
          .paper = "none",
          .complexity = "O(N)",
          .kind = "test",
          .differs = "not among LRA's models",
          .exponent = exponent,
          .causal = true};
}

const RegisterModel<Mutant<Fault::none>> sound{"sound", facts()};
const RegisterModel<Mutant<Fault::gradient_scaled>> gradient_scaled{"gradient_scaled", facts()};
const RegisterModel<Mutant<Fault::long_gradient_scaled>> long_gradient_scaled{"long_gradient_scaled", facts()};
const RegisterModel<Mutant<Fault::mask_dropped>> mask_dropped{"mask_dropped", facts()};
const RegisterModel<Mutant<Fault::offset_of_the_pack>> offset_of_the_pack{"offset_of_the_pack", facts()};
const RegisterModel<Mutant<Fault::quadratic>> quadratic{"quadratic", facts()};
const RegisterModel<Mutant<Fault::linear>> linear_instead{"linear", facts(2)};
const RegisterModel<Mutant<Fault::matrix_held>> matrix_held{"matrix_held", facts()};
const RegisterModel<Mutant<Fault::divided_by_zero>> divided_by_zero{"divided_by_zero", facts()};
const RegisterModel<Mutant<Fault::rounded>> rounded_off{"rounded", facts()};
const RegisterModel<Mutant<Fault::counted_calls>> counted_calls{"counted_calls", facts()};
const RegisterModel<Mutant<Fault::rows_doubled>> rows_doubled{"rows_doubled", facts()};
const RegisterModel<Mutant<Fault::rows_of_task>> rows_of_task{"rows_of_task", facts()};
const RegisterModel<Mutant<Fault::drawn>> drawn{"drawn", facts()};
const RegisterModel<Mutant<Fault::always_pulled>> always_pulled{"always_pulled", facts()};
const RegisterModel<Mutant<Fault::other_without_tape>> other_without_tape{"other_without_tape", facts()};
const RegisterModel<Mutant<Fault::none>> nameless{"nameless", ModelFacts{}};

/// A registration that takes any setting.
[[maybe_unused]] const bool careless = [] {
  ModelEntry entry = models().at("sound");
  entry.resolve = [defaults = entry.resolve({})](const Settings&) { return defaults; };
  models().add("careless", std::move(entry));
  return true;
}();

}  // namespace
}  // namespace lra::inline LRA_ENGINE
