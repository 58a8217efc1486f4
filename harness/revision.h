/// Revision numbers. Developers raise them when the bits of results change; stored runs with another number are stale.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace lra {

/// The engine's revision. Raise it by one when a change outside models/attention and models/encoders changes bits: in
/// the kernels, ops, layers, optimisers, random streams, batches or the training loop. Comments, new names and faster
/// code with the same bits leave it alone. golden_bits_test.cpp tells when it must be raised.
inline constexpr int kEngineRevision = 3;

/// Returns "2.1": the engine's revision and the model's (ModelFacts::revision). For a plug-in's model, a hash of the
/// plug-in's file takes the place of the latter. Throws a usage error for an unknown model.
std::string model_revision(const std::string& model);

/// Model → revision for every registered model.
std::vector<std::pair<std::string, std::string>> model_revisions();

}  // namespace lra
