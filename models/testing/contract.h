/// What every model must fulfil, as functions of its name. The conformance suite runs each check on each registered
/// model; the mutation test runs them on models with one planted mistake.
///
/// Sequences are packed here, so there is neither padding whose content could matter nor a bucket whose size could: of
/// LRA's usual traps only company and order are left, and they have a check.
#pragma once

#include <string>
#include <vector>

#include "models/testing/bridge.h"

namespace lra {

/// Empty when the model fulfils a check, otherwise a sentence on what it does instead.
using Verdict = std::string;

struct Check {
  std::string name;  // UpperCamel: part of a test's name
  Verdict (*run)(const std::string& model);
};
inline void PrintTo(const Check& check, std::ostream* out) { *out << check.name; }

/// Every check there is. A check that holds at any setting runs with the defaults, and with each yes-or-no setting
/// turned over.
const std::vector<Check>& contract();

/// The verdict of one check, by name. An exception counts as a verdict.
Verdict examine(const std::string& check, const std::string& model);

/// The relative error of a case's gradients, of all tensors at once, against central differences along random
/// directions; for settings that the contract does not reach by itself.
double error_along_directions(MixerCase c);

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
Verdict check_company(const std::string& model);
Verdict check_growth(const std::string& model);
Verdict check_fixed_length(const std::string& model);
Verdict check_causal(const std::string& model);
Verdict check_stochastic(const std::string& model);
Verdict check_auxiliary_loss(const std::string& model);

}  // namespace lra
