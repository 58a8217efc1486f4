/// Models with one fault each, to show that the contract detects it. Apart from the fault they are block attention.
#include "models/layers/mixer.h"
#include "models/ops/ops.h"
#include "models/tensor/detail/kernels.h"

namespace lra::inline LRA_ENGINE {
namespace {

enum class Fault {
  none,
  gradient_scaled,       // one op's gradient is 0.1 % too large
  long_gradient_scaled,  // the same, only in sequences of more than 20 tokens
  mask_dropped,          // `causal` has no effect
  packed_offset,         // blocks start at the first packed token, not at the sequence's
  quadratic,             // sees everything, declared linear
  linear,                // declared quadratic
  matrix_held,           // holds an N×N matrix, declared not to
  quadratic_if_causal,   // sees everything before it if `causal`, which is not declared
  wide_heads,            // every head has as many features as all heads together
  divided_by_zero,       // not finite for a single token
  rounded,               // single precision loses a few bits more than necessary
  counted_calls,         // random numbers from a generator with state
  rows_doubled,          // twice as many rows as tokens
  rows_of_task,          // parameters for each position, not declared
  undeclared_random,     // undeclared random numbers that depend on the step
  always_pulled,         // an undeclared gradient without a loss
  other_without_tape,    // evaluation computes a different function than training
  unmixed,               // sees only itself, declared to mix
  forgotten,             // mixes with the token before, which its steps do not keep
};

/// x, with `change` applied to its gradient in backward.
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
      f("block", block, "tokens per block");
    }
  };

  Mutant(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : Attention(dims, scope),
        window_(fault == Fault::quadratic ? Window::everything()
                                          : Window::blocks(fault == Fault::unmixed ? 1 : config.block)),
        site_(scope.dropout("probabilities", dims.attention_dropout)),
        random_(scope.random("draw", "scale")) {
    if ((fault == Fault::quadratic_if_causal || fault == Fault::forgotten) && config.causal)
      window_ = Window::everything();
    window_.causal = config.causal && fault != Fault::mask_dropped;
    if (fault == Fault::rows_of_task) rows_ = scope.add("rows", {dims.length, dims.qkv}, Init::normal(1));
  }

 private:
  Tensor attend(Tensor q, Tensor k, Tensor v, const SequenceLayout& layout) const override {
    v = before(std::move(v), layout);
    SequenceLayout seen = layout;
    if (fault == Fault::packed_offset) seen.offsets = {0, layout.tokens()};
    if (fault == Fault::wide_heads) return attend_with_wide_heads(q, k, v, layout);
    Tensor y = softmax_attention(q, k, v, dims().heads, window_, site_, seen, seen);
    if (fault == Fault::rows_doubled) return concat_rows(std::vector{y, y});
    return y;
  }

  Tensor attend_with_wide_heads(const Tensor& q, const Tensor& k, const Tensor& v, const SequenceLayout& layout) const {
    const auto widened = [&](const Tensor& x) { return concat_columns(std::vector(std::size_t(dims().heads), x)); };
    return head_columns(
        softmax_attention(widened(q), widened(k), widened(v), dims().heads, window_, site_, layout, layout),
        dims().heads, 0, dims().qkv / dims().heads);
  }

  Tensor before(Tensor v, const SequenceLayout& layout) const {
    if (fault == Fault::gradient_scaled) return with_gradient_scaled(v);
    if (fault == Fault::long_gradient_scaled && layout.size(0) > 20) return with_gradient_scaled(v);
    if (fault == Fault::rounded && sizeof(Real) == sizeof(float)) return scale(std::move(v), 1 + 1e-4);
    if (fault == Fault::counted_calls) return scale(std::move(v), 1 + 1e-3 * double(++calls % 2));
    if (fault == Fault::divided_by_zero) return scale(std::move(v), 1 / double(layout.size(0) - 1));
    if (fault == Fault::forgotten) {
      std::vector<long> before;
      for (long s = 0; s < layout.count(); ++s)
        for (long i = 0; i < layout.size(s); ++i) before.push_back(i > 0 ? layout.begin(s) + i - 1 : -1);
      return add(gather_rows(v, before), v);
    }
    if (fault == Fault::rows_of_task) return add_positions(std::move(v), rows_, layout);
    if (fault == Fault::undeclared_random) return scale(std::move(v), 1 + random_.at(layout.step, 0).uniform(0));
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

ModelFacts facts(double exponent = 1, bool logarithm = false) {
  return {.summary = "wrong in one way",
          .paper = "none",
          .complexity = "O(N)",
          .kind = "test",
          .differs = "not among LRA's models",
          .exponent = exponent,
          .logarithm = logarithm,
          .causal = true};
}

const RegisterModel<Mutant<Fault::none>> faultless{"faultless", facts()};
const RegisterModel<Mutant<Fault::gradient_scaled>> gradient_scaled{"gradient_scaled", facts()};
const RegisterModel<Mutant<Fault::long_gradient_scaled>> long_gradient_scaled{"long_gradient_scaled", facts()};
const RegisterModel<Mutant<Fault::mask_dropped>> mask_dropped{"mask_dropped", facts()};
const RegisterModel<Mutant<Fault::packed_offset>> packed_offset{"packed_offset", facts()};
const RegisterModel<Mutant<Fault::quadratic>> quadratic{"quadratic", facts()};
const RegisterModel<Mutant<Fault::linear>> linear_instead{"linear", facts(2)};
const RegisterModel<Mutant<Fault::none>> no_logarithm{"no_logarithm", facts(1, true)};
const RegisterModel<Mutant<Fault::quadratic>> not_a_logarithm{"not_a_logarithm", facts(1, true)};
const RegisterModel<Mutant<Fault::matrix_held>> matrix_held{"matrix_held", facts()};
const RegisterModel<Mutant<Fault::quadratic_if_causal>> quadratic_if_causal{"quadratic_if_causal", facts()};
const RegisterModel<Mutant<Fault::wide_heads>> wide_heads{"wide_heads", facts()};
const RegisterModel<Mutant<Fault::divided_by_zero>> divided_by_zero{"divided_by_zero", facts()};
const RegisterModel<Mutant<Fault::rounded>> rounded_off{"rounded", facts()};
const RegisterModel<Mutant<Fault::counted_calls>> counted_calls{"counted_calls", facts()};
const RegisterModel<Mutant<Fault::rows_doubled>> rows_doubled{"rows_doubled", facts()};
const RegisterModel<Mutant<Fault::rows_of_task>> rows_of_task{"rows_of_task", facts()};
const RegisterModel<Mutant<Fault::undeclared_random>> undeclared_random{"undeclared_random", facts()};
const RegisterModel<Mutant<Fault::always_pulled>> always_pulled{"always_pulled", facts()};
const RegisterModel<Mutant<Fault::other_without_tape>> other_without_tape{"other_without_tape", facts()};
const RegisterModel<Mutant<Fault::unmixed>> unmixed{"unmixed", facts()};
const RegisterModel<Mutant<Fault::forgotten>> forgotten{"forgotten", facts()};
const RegisterModel<Mutant<Fault::none>> nameless{"nameless", ModelFacts{}};

/// A registration that accepts any settings.
[[maybe_unused]] const bool careless = [] {
  ModelEntry entry = models().at("faultless");
  entry.resolve = [defaults = entry.resolve({})](const Settings&) { return defaults; };
  models().add("careless", std::move(entry));
  return true;
}();

}  // namespace
}  // namespace lra::inline LRA_ENGINE
