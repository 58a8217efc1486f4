/// One batch through a model with everything written down: what another framework has to reproduce.
#pragma once

#include <span>

#include "core/safetensors.h"
#include "datasets/dataset.h"
#include "models/layers/classifier.h"

namespace lra {

struct Probe {
  Batch batch;
  std::vector<float> logits;     // (B,K)
  std::vector<double> losses;    // B: −log p(label)
  double loss = 0;               // their mean
  std::vector<float> gradients;  // of the mean loss, laid out as the parameters
};

/// Forward and backward of training examples at step 0. Each goes alone, so that memory is that of the longest.
Probe probe(const Classifier& model, const Dataset& data, std::span<const std::uint32_t> examples);

/// A file that `load_weights` takes back: the parameters by their names, and beside them, all under "probe.", the batch
/// (tokens, offsets, labels, examples), logits, losses, loss, and gradient.NAME of each parameter. models/README.md has
/// the table.
void write_probe(const std::filesystem::path& path, const Classifier& model, const Probe& probe,
                 const StoredText& text);

}  // namespace lra
