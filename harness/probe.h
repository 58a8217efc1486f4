/// Records one batch through a model, with all values that another framework has to reproduce.
#pragma once

#include <span>

#include "core/safetensors.h"
#include "datasets/dataset.h"
#include "models/layers/classifier.h"

namespace lra {

struct Probe {
  Batch batch;
  std::vector<float> logits;     // (B,K)
  std::vector<double> losses;    // (B): −log p(label)
  double loss = 0;               // the mean of losses
  std::vector<float> gradients;  // of the mean loss, in the layout of the parameters
};

/// Runs forward and backward for training examples at step 0, one example at a time, so that memory is that of the
/// longest.
Probe probe(const Classifier& model, const Dataset& data, std::span<const std::uint32_t> examples);

/// Writes a file that `load_weights` accepts: the parameters by name and, with the prefix "probe.", the batch (tokens,
/// offsets, labels, examples), logits, losses, loss, and gradient.NAME of each parameter. models/README.md has the
/// table.
void write_probe(const std::filesystem::path& path, const Classifier& model, const Probe& probe,
                 const StoredText& text);

}  // namespace lra
