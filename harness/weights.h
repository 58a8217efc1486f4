/// Stores and loads a model's parameters by their readable names (models/README.md has the table).
#pragma once

#include <vector>

#include "core/safetensors.h"
#include "models/layers/parameters.h"

namespace lra {

/// Returns the shape of a StoredArray.
std::vector<long> dimensions(const Shape& shape);

/// Returns one array per parameter, in the order of creation, named `prefix` + the parameter's name. Borrows `values`,
/// which has the layout of the parameters: the parameters themselves or their gradients.
std::vector<StoredArray> arrays_of(const Parameters& parameters, std::span<const float> values,
                                   const std::string& prefix = {});

/// Prefix of arrays that a file of weights may also hold: load_weights ignores them.
inline constexpr const char* kBesideWeights = "probe.";

/// Replaces every value by the file's. Throws a data error, and changes nothing, for a parameter that is missing or has
/// another shape or type, and for an array that is not a parameter, naming the nearest.
void load_weights(const std::filesystem::path& path, Parameters& parameters);

}  // namespace lra
