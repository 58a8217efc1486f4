/// Revision numbers: people raise them when results change their bits, and a stored run with another number is stale.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace lra {

/// The engine's revision. Raise it by one when a change outside models/attention and models/encoders gives other bits:
/// in the kernels, ops, layers, optimisers, random streams, batches or the training loop. Comments, new names and
/// faster code with the same bits leave it alone. The golden-bits test (golden_bits_test.cpp) tells when it must be
/// raised.
inline constexpr int kEngineRevision = 1;

/// "2.1": the engine's revision and the model's (ModelFacts::revision). A plug-in's model has a hash of the plug-in's
/// file in place of the latter. Throws a usage error for an unknown model.
std::string model_revision(const std::string& model);

/// Model → revision for every registered model.
std::vector<std::pair<std::string, std::string>> model_revisions();

/// What experiments call the revision of a model, and with them their keys: the number, or the hash that stood for this
/// number before there were numbers, so that the runs of an old database are found again.
std::string revision_in_key(const std::string& model);

}  // namespace lra
