#include "models/testing/contract.h"

#include <cmath>

#include "models/tensor/detail/onednn.h"
#include "models/testing/contract_cases.h"

namespace lra {

const std::vector<Check>& contract() {
  static const std::vector<Check> all = {
      {"RefusesUnknownSettings", check_settings},
      {"SaysWhatItIs", check_texts},
      {"KeepsTheShape", check_shape},
      {"StaysFiniteAtOddLengthsAndExtremes", check_finite},
      {"RepeatsItsBits", check_repeats},
      {"EvaluatesAsItTrains", check_evaluation},
      {"BackwardEqualsCentralDifferences", check_differences},
      {"BackwardEqualsDifferencesAlongDirections", check_directions},
      {"FloatAgreesWithDouble", check_float},
      {"PackingAndOrderChangeNothing", check_packing},
      {"OperationsAndMemoryGrowAsDeclared", check_growth},
      {"HeadsAndFeaturesCostAsDeclared", check_features},
      {"FixedLengthIsAsDeclared", check_fixed_length},
      {"CausalIsAsDeclared", check_causal},
      {"StepsContinueTheSequence", check_steps},
      {"StochasticIsAsDeclared", check_stochastic},
      {"AuxiliaryLossIsAsDeclared", check_auxiliary_loss},
      {"MixesIsAsDeclared", check_mixes},
  };
  return all;
}

Verdict examine(const std::string& name, const std::string& model) {
  for (const Check& check : contract()) {
    if (check.name != name) continue;
    try {
      return check.run(model);
    } catch (const std::exception& error) {
      return fmt::format("stopped: {}", error.what());
    }
  }
  return fmt::format("there is no check '{}'", name);
}

namespace {

/// Returns whether the model refuses these settings with a usage error.
bool refuses(const ModelEntry& entry, const Json& settings) {
  try {
    (void)entry.resolve(settings);
  } catch (const Error& error) {
    return error.kind() == Kind::usage;
  }
  return false;
}

bool all_finite(const Numbers& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

}  // namespace

Verdict check_settings(const std::string& model) {
  const ModelEntry& entry = models().at(model);
  const Json defaults = entry.resolve(Json::object());
  if (!refuses(entry, {{"no_such_setting", 1}})) return "takes a setting that it does not have";
  for (const Field& field : entry.settings) {
    if (defaults.value(field.name, Json()) != Json(field.value))
      return fmt::format("the default of '{}' is not what it declares", field.name);
    if (!refuses(entry, {{field.name, Json::array()}})) return fmt::format("takes a list for '{}'", field.name);
    if (field.help.empty()) return fmt::format("does not say what '{}' is", field.name);
  }
  return {};
}

Verdict check_texts(const std::string& model) {
  const ModelFacts& facts = models().at(model).facts;
  for (const std::string& text : {facts.summary, facts.paper, facts.complexity, facts.kind, facts.differs})
    if (text.empty()) return "summary, paper, complexity, kind or differs is empty";
  return {};
}

Verdict check_shape(const std::string& model) {
  const Worker worker;
  for (const Json& settings : variants(model))
    for (const long n : odd_lengths(model, settings)) {
      MixerCase c = mixer_case(model, {n, 2}, settings);
      c.training = false;
      const Numbers x = tokens_of(c, "x");
      const std::size_t size = f32::run_mixer(c, x, {}).result.size();
      if (size != x.size()) return fmt::format("makes {} numbers of {} at N = {}{}", size, x.size(), n, with(settings));
    }
  return {};
}

namespace {

/// Whether results and gradients are finite at every odd length of these settings, for inputs of these magnitudes.
Verdict stays_finite(const std::string& model, const Json& settings, const std::vector<double>& magnitudes) {
  for (const long n : odd_lengths(model, settings)) {
    const MixerCase c = mixer_case(model, {n}, settings, 0.2);
    const MixerRunner mixer = f32::make_mixer(c);
    for (const double magnitude : magnitudes) {
      Numbers x = tokens_of(c, "x");
      for (double& value : x) value *= magnitude;
      const MixerRun run = mixer(x, tokens_of(c, "dy"), {});
      const auto say = [&](const std::string& what) {
        return fmt::format("{} is not finite at N = {}, inputs of {}{}", what, n, magnitude, with(settings));
      };
      if (!all_finite(run.result)) return say("the result");
      for (const auto& [name, gradient] : run.gradients)
        if (!all_finite(gradient)) return say("the gradient of " + name);
    }
  }
  return {};
}

}  // namespace

// Ordinary inputs at the settings' own sizes; extreme ones, which depend on no size, at small sizes.
Verdict check_finite(const std::string& model) {
  const Worker worker;
  for (const Json& settings : variants(model)) {
    Verdict verdict = stays_finite(model, settings, {1.0});
    if (verdict.empty()) verdict = stays_finite(model, shrunk(model, settings), {0.0, 1e-40, 1e-30, 1.0, 1e4});
    if (!verdict.empty()) return verdict;
  }
  return {};
}

Verdict check_repeats(const std::string& model) {
  const Worker worker;
  for (const Json& settings : variants(model)) {
    const MixerCase c = mixer_case(model, long_lengths(model, settings), settings, 0.2);
    const Numbers x = tokens_of(c, "x"), dy = tokens_of(c, "dy");
    const MixerRun once = f32::run_mixer(c, x, dy), again = f32::run_mixer(c, x, dy);
    if (once.result != again.result || once.gradients != again.gradients || once.parameters != again.parameters)
      return "gives other bits the second time" + with(settings);
  }
  return {};
}

// Source: the model itself in a training step; without a tape its ops work in place.
Verdict check_evaluation(const std::string& model) {
  if (models().at(model).facts.stochastic) return {};
  const Worker worker;
  for (const Json& settings : variants(model)) {
    MixerCase c = mixer_case(model, long_lengths(model, settings), settings);
    const Numbers x = tokens_of(c, "x");
    const MixerRun trained = f32::run_mixer(c, x, {});
    c.training = false;
    const double off = relative_error(f32::run_mixer(c, x, {}).result, trained.result);
    if (!(off < 1e-5)) return fmt::format("evaluates to a result that is off by {:.1e}{}", off, with(settings));
  }
  return {};
}

}  // namespace lra
