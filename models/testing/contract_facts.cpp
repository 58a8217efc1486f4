/// Checks of the facts that a model declares.
#include <fmt/ranges.h>

#include <array>
#include <cmath>

#include "models/tensor/detail/onednn.h"
#include "models/testing/contract.h"
#include "models/testing/contract_cases.h"

namespace lra {
namespace {

using Lengths = std::array<long, 3>;  // N, 2N, 4N

constexpr long kWidth = 16, kHeads = 2;

struct Cost {
  double operations, bytes;
};

/// What a training step of one sequence costs.
Cost cost_of(const std::string& model, const Json& settings, long n, long width, long heads, long layer = 0) {
  MixerCase c = mixer_case(model, {n}, settings);
  c.width = c.qkv = width, c.heads = heads, c.layer = layer;
  const MixerRun run = f32::run_mixer(c, tokens_of(c, "x"), tokens_of(c, "dy"));
  return {run.flops, double(run.peak_bytes)};
}

/// The blocks to count: the first, or the first two of a model whose mechanisms take turns from block to block.
long blocks_of(const std::string& model, const Json& settings) {
  LayerDims first;
  first.width = first.qkv = kWidth, first.heads = kHeads, first.layers = 1;
  const ModelEntry& entry = models().at(model);
  return entry.mixer && !entry.switched_off(entry.resolve(settings), first).empty() ? 2 : 1;
}

/// Compares values at three lengths. Differences cancel the constant part, so growth as N^e gives differences
/// in the ratio 2^e. Both faster and slower growth than declared fail; the tolerance of a fifth allows for lower terms.
Verdict compare_growth(const std::string& quantity, double exponent, const Lengths& lengths,
                       const std::array<double, 3>& at) {
  const double declared = std::pow(2.0, exponent) * (at[1] - at[0]);
  if (std::abs(at[2] - at[1] - declared) <= 0.2 * declared) return {};
  return fmt::format("{} at N = {} are {}; that is not N^{}", quantity, fmt::join(lengths, ", "), fmt::join(at, ", "),
                     exponent);
}

/// Counts are exact, so c·N^e gives differences in the ratio 2^e exactly, and a factor of log N adds to the second one:
/// by a fifth of 2^e at most, at these lengths, if it applies to all operations.
Verdict compare_logarithm(const ModelFacts& facts, double exponent, const Lengths& lengths,
                          const std::array<double, 3>& at) {
  const double expected = std::pow(2.0, exponent) * (at[1] - at[0]), more = (at[2] - at[1]) / expected - 1;
  if (!facts.logarithm || (more > 0.005 && more < 0.2)) return {};
  return fmt::format("operations at N = {} are {}; that is not N^{} log N", fmt::join(lengths, ", "),
                     fmt::join(at, ", "), exponent);
}

Verdict check_growth_with(const std::string& model, const Json& settings) {
  const ModelEntry& entry = models().at(model);
  const Exponents powers = entry.exponents(entry.resolve(settings));
  // Where less is done or kept per token, sequences are longer, so that the last blocks and buckets are a small part.
  const long n = powers.bytes > 1 ? 512 : powers.operations > 1 ? 1024 : 2048;
  const Lengths lengths = {n, 2 * n, 4 * n};
  std::array<double, 3> operations{}, bytes{};
  for (std::size_t i = 0; i < lengths.size(); ++i)
    for (long layer = 0; layer < blocks_of(model, settings); ++layer) {
      const Cost cost = cost_of(model, settings, lengths[i], kWidth, kHeads, layer);
      operations[i] += cost.operations, bytes[i] += cost.bytes;
    }
  Verdict verdict = compare_growth("operations", powers.operations, lengths, operations);
  if (verdict.empty()) verdict = compare_logarithm(entry.facts, powers.operations, lengths, operations);
  if (verdict.empty()) verdict = compare_growth("bytes", powers.bytes, lengths, bytes);
  return verdict.empty() ? verdict : verdict + with(settings);
}

Verdict as_declared(const std::string& fact, bool declared, bool found, const std::string& evidence) {
  if (declared == found) return {};
  return fmt::format("declares {} = {}, but it is {} that {}", fact, declared, found, evidence);
}

/// The model's settings with `causal` on; null if it has no such setting.
Json causal_settings(const std::string& model) {
  for (const Field& field : models().at(model).settings)
    if (field.name == "causal" && field.type == "bool")
      return std::get<bool>(field.value) ? Json::object() : flipped(model, field);
  return {};
}

/// The first token whose output changes with a later token, or −1. The later token changes in length, not in direction:
/// if a model arranges tokens by hashes of their directions, another direction would rearrange earlier tokens, which is
/// the paper's method and not a fault of its mask.
long earlier_token_that_moves(const MixerCase& c) {
  const Numbers x = tokens_of(c, "x");
  const Numbers before = f64::run_mixer(c, x, x).result;
  for (const long changed : {1L, c.lengths[0] / 2, c.lengths[0] - 1}) {
    Numbers other = x;
    for (long i = 0; i < c.width; ++i) other[std::size_t(changed * c.width + i)] *= 1.5;
    const Numbers after = f64::run_mixer(c, other, x).result;
    for (long i = 0; i < changed * c.width; ++i)
      if (std::abs(after[std::size_t(i)] - before[std::size_t(i)]) > 1e-12) return i / c.width;
  }
  return -1;
}

}  // namespace

// Source: the declared exponents. Operations are counted, not timed; bytes are counted by the allocator, forward and
// backward together. For the defaults and each value of each Boolean and string setting.
Verdict check_growth(const std::string& model) {
  const Worker worker;
  for (const Json& settings : all_variants(model))
    if (const Verdict verdict = check_growth_with(model, settings); !verdict.empty()) return verdict;
  return {};
}

// Source: heads divide the features among themselves, so their number changes no product of features; projections grow
// as C², and everything per token as C. For the defaults and each value of each Boolean and string setting.
Verdict check_features(const std::string& model) {
  const Worker worker;
  constexpr long n = 512;
  bool grows = false;
  for (const Json& settings : all_variants(model)) {
    const Cost few = cost_of(model, settings, n, kWidth, kHeads),
               many = cost_of(model, settings, n, kWidth, 4 * kHeads),
               wide = cost_of(model, settings, n, 2 * kWidth, kHeads);
    const double operations = many.operations / few.operations, bytes = many.bytes / few.bytes;
    const bool found = operations > 1.25 || bytes > 1.5;
    if (found && !models().at(model).facts.head_growth)
      return fmt::format(
          "operations at {} heads are {:.2f} times those at {}, bytes {:.2f} times; that is not declared{}", 4 * kHeads,
          operations, kHeads, bytes, with(settings));
    grows = grows || found;
    if (wide.operations > 4.2 * few.operations || wide.bytes > 2.5 * few.bytes)
      return fmt::format("twice the features take {:.2f} times the operations and {:.2f} times the bytes{}",
                         wide.operations / few.operations, wide.bytes / few.bytes, with(settings));
  }
  return as_declared("head_growth", models().at(model).facts.head_growth, grows,
                     "operations or bytes grow with the number of heads");
}

Verdict check_fixed_length(const std::string& model) {
  bool found = false;
  for (const Json& settings : variants(model)) {
    MixerCase c = mixer_case(model, {5}, settings);
    const Numbers x = tokens_of(c, "x");
    const auto shapes = f64::run_mixer(c, x, x).shapes;
    c.length = 200;
    found = found || f64::run_mixer(c, x, x).shapes != shapes;
  }
  return as_declared("fixed_length", models().at(model).facts.fixed_length, found,
                     "parameters change with the task's maximum length");
}

Verdict check_causal(const std::string& model) {
  const Json settings = causal_settings(model);
  Verdict verdict =
      as_declared("causal", models().at(model).facts.causal, !settings.is_null(), "there is a setting of that name");
  if (!verdict.empty() || settings.is_null()) return verdict;
  const Json small = shrunk(model, settings);
  for (const long n : {9L, long_lengths(model, small)[0]}) {
    const long moved = earlier_token_that_moves(mixer_case(model, {n}, small));
    if (moved >= 0) return fmt::format("although causal, token {} of {} sees a later one", moved, n);
  }
  return {};
}

std::string why_no_steps(const std::string& model, const Json& settings) {
  MixerCase c = mixer_case(model, {1}, settings);
  c.training = false, c.steps = {1};
  try {
    (void)f64::run_mixer(c, tokens_of(c, "x"), {});
  } catch (const Error& error) {
    if (error.kind() != Kind::usage) throw;
    return error.what();
  }
  return {};
}

// Source: the pass over whole sequences. Two sequences, first longer than a chunk of any op in one step, then token by
// token; and token by token from the first. A model that refuses steps passes: step_test.cpp names those that must not.
Verdict check_steps(const std::string& model) {
  const Worker worker;
  for (Json settings : all_variants(model)) {
    if (models().at(model).facts.causal) settings["causal"] = true;
    if (!builds(model, settings) || !why_no_steps(model, settings).empty()) continue;
    for (const long first : {1L, 131L}) {
      const long n = first + 22;
      MixerCase whole = mixer_case(model, {n, n}, settings);
      whole.training = false;
      MixerCase steps = whole;
      steps.steps.assign(23, 1), steps.steps[0] = first;
      const Numbers x = tokens_of(whole, "x");
      const double off = relative_error(f64::run_mixer(steps, x, {}).result, f64::run_mixer(whole, x, {}).result);
      const double off_in_float =
          relative_error(f32::run_mixer(steps, x, {}).result, f32::run_mixer(whole, x, {}).result);
      if (!(off < 1e-10) || !(off_in_float < 1e-5))
        return fmt::format("token by token it is off by {:.1e} in double, {:.1e} in float{}", off, off_in_float,
                           with(settings));
    }
  }
  return {};
}

Verdict check_stochastic(const std::string& model) {
  bool found = false;
  for (const Json& variant : variants(model)) {
    const Json settings = shrunk(model, variant);
    MixerCase c = mixer_case(model, long_lengths(model, settings), settings);
    const Numbers x = tokens_of(c, "x");
    const Numbers here = f64::run_mixer(c, x, x).result;
    c.step += 1'000'000;  // distant, for models that sample again every few steps
    found = found || f64::run_mixer(c, x, x).result != here;
  }
  return as_declared("stochastic", models().at(model).facts.stochastic, found, "results differ between steps");
}

Verdict check_auxiliary_loss(const std::string& model) {
  const Json settings = shrunk(model, Json::object());
  const MixerCase c = mixer_case(model, long_lengths(model, settings), settings);
  const Numbers x = tokens_of(c, "x");
  bool found = false;
  for (const auto& [name, gradient] : f64::run_mixer(c, x, Numbers(x.size())).gradients)
    found = found || dot(gradient, gradient) > 0;
  return as_declared("auxiliary_loss", models().at(model).facts.auxiliary_loss, found,
                     "there are gradients without a loss of the task");
}

Verdict check_mixes(const std::string& model) {
  const MixerCase c = mixer_case(model, {9}, Json::object());
  Numbers x = tokens_of(c, "x");
  const Numbers before = f64::run_mixer(c, x, x).result;
  // Another direction, and another length, because the product of a key and a value is the same for −x.
  for (long i = 0; i < c.width; ++i) x[std::size_t(i)] *= -2;
  const Numbers after = f64::run_mixer(c, x, x).result;
  const bool found = !std::equal(before.begin() + c.width, before.end(), after.begin() + c.width);
  return as_declared("mixes", models().at(model).facts.mixes, found, "a token changes with another one");
}

}  // namespace lra
