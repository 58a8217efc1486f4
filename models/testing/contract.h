/// The checks that every model must pass, as functions of its name. The conformance tests run each check on each
/// registered model; the mutation test runs them on models with one deliberate fault.
///
/// Sequences are packed, so results cannot depend on padding or bucket sizes. They might still depend on the other
/// sequences in the batch and on their order; one check tests that.
#pragma once

#include <string>
#include <vector>

#include "models/testing/bridge.h"

namespace lra {

/// Empty if the model passes a check, otherwise a sentence that says what it does instead.
using Verdict = std::string;

struct Check {
  std::string name;  // UpperCamel: part of a test's name
  Verdict (*run)(const std::string& model);
};
inline void PrintTo(const Check& check, std::ostream* out) { *out << check.name; }

/// All checks. A check that must hold for any settings runs with the defaults and with each Boolean setting flipped.
const std::vector<Check>& contract();

/// Runs one check by name. An exception becomes a verdict.
Verdict examine(const std::string& check, const std::string& model);

/// Returns the relative error of a case's gradients against central differences along random directions of all tensors;
/// for settings that the contract does not cover.
double error_along_directions(MixerCase c);

/// Returns the largest relative error of a case's result and gradients in float against double, likewise.
double error_in_float(const MixerCase& c);

/// Returns why a model has no step form with these settings; empty if it has one.
std::string why_no_steps(const std::string& model, const Json& settings);

// The checks, in contract.cpp, contract_numbers.cpp and contract_facts.cpp.
Verdict check_settings(const std::string& model);
Verdict check_texts(const std::string& model);
Verdict check_shape(const std::string& model);
Verdict check_finite(const std::string& model);
Verdict check_repeats(const std::string& model);
Verdict check_evaluation(const std::string& model);
Verdict check_differences(const std::string& model);
Verdict check_directions(const std::string& model);
Verdict check_float(const std::string& model);
Verdict check_packing(const std::string& model);
Verdict check_growth(const std::string& model);
Verdict check_features(const std::string& model);
Verdict check_fixed_length(const std::string& model);
Verdict check_causal(const std::string& model);
Verdict check_steps(const std::string& model);
Verdict check_stochastic(const std::string& model);
Verdict check_auxiliary_loss(const std::string& model);
Verdict check_mixes(const std::string& model);

}  // namespace lra
