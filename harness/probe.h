/// Records one batch through a model, with all values that another framework has to reproduce.
#pragma once

#include <map>
#include <span>
#include <string>

#include "core/safetensors.h"
#include "datasets/dataset.h"
#include "models/autodiff/capture.h"
#include "models/layers/classifier.h"

namespace lra {

struct ProbeRequest {
  Split split = Split::train;
  std::vector<std::uint32_t> examples;  // indices in the split
  std::uint32_t step = 0;               // of training, which determines dropout and resampled constants
  bool activations = false;
};

struct Probe {
  Batch batch;
  std::vector<float> logits;   // (B,K)
  std::vector<double> losses;  // (B): −log p(label)
  double loss = 0;             // the mean of losses
  double auxiliary = 0;        // the mean over examples of the model's own losses; training minimises loss + auxiliary
  std::vector<float> gradients;  // of loss + auxiliary, in the layout of the parameters; 0 for buffers
  std::vector<float> states;     // the buffers' values after this step, in the same layout; 0 for trained parameters
  std::map<std::string, Capture::Array> constants;            // resampled constants, by the name of their stream
  std::map<std::string, std::vector<std::int64_t>> patterns;  // (R,6) sparse patterns with random choices, likewise
  std::map<std::string, Capture::Array> activations;          // (rows of all examples, C), by name; if requested
};

/// Runs the forward and backward pass of a training step, one example at a time, so that memory is that of the longest.
Probe probe(const Classifier& model, const Dataset& data, const ProbeRequest& request);

/// Writes a file that `load_weights` accepts: the parameters by name and, with the prefix "probe.", everything else.
/// models/README.md has the table.
void write_probe(const std::filesystem::path& path, const Classifier& model, const Probe& probe,
                 const StoredText& text);

}  // namespace lra
