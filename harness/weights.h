/// A model's parameters in a file, by their readable names (models/README.md has the table).
#pragma once

#include <vector>

#include "core/safetensors.h"
#include "models/layers/parameters.h"

namespace lra {

/// One array a parameter, in order of creation, named `prefix` + its name. Borrows `values`, laid out as the parameters
/// are: these themselves, or their gradients.
std::vector<StoredArray> arrays_of(const Parameters& parameters, std::span<const float> values,
                                   const std::string& prefix = {});

/// What else a file of weights may hold: arrays whose names start so are passed over.
inline constexpr const char* kBesideWeights = "probe.";

/// Replaces every value by the file's. Strict: throws a data error for a parameter that is missing, that has another
/// shape or type, and for an array that is no parameter, naming the nearest. Changes nothing when it throws.
void load_weights(const std::filesystem::path& path, Parameters& parameters);

}  // namespace lra
