/// A whole model: tokens → embedding → encoder → pooling → head → logits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/config.h"
#include "models/layers/encoder.h"
#include "models/layers/parameters.h"
#include "tasks/batch.h"
#include "tasks/spec.h"

namespace lra::inline LRA_ENGINE {

/// The dimensions for which a model of this shape is built on a task.
LayerDims dims_of(const EncoderConfig& shape, const TaskSpec& task);

class StepStates;  // models/ops/step_states.h

class Classifier {
 public:
  /// What to build: everything, or only the shapes of the parameters, which takes no time whatever their sizes.
  enum class Build { all, shapes };

  /// Builds and initialises; the result depends on the arguments only. `settings` are those of the model (mixer.h).
  /// Throws a usage error for an unknown model or setting.
  Classifier(const std::string& model, const Settings& settings, const EncoderConfig& shape, const TaskSpec& task,
             std::uint64_t seed, Build build = Build::all);
  ~Classifier();

  /// Returns logits (B, classes). In training (Training in models/tensor/context.h) applies the dropout of step `step`.
  /// `weight` is the weight of each example in the loss. Throws a data error for a sequence that is empty or too long.
  /// Thread-safe.
  Tensor forward(const Batch& batch, std::uint32_t step, double weight = 1) const;

  /// Continues the sequences of `states` by the tokens of `batch`, at least one each. Returns the logits (B, classes)
  /// for the sequences so far; after the last tokens those of `forward`. Outside of training only. Throws a usage error
  /// for pool=cls and for a model that cannot continue sequences with its settings, as if not causal.
  Tensor step(const Batch& batch, StepStates& states) const;

  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }

 private:
  SequenceLayout layout_of(const Batch& batch, std::uint32_t step) const;
  Tensor logits(const Batch& batch, const SequenceLayout& layout) const;
  Parameters parameters_;
  TaskSpec task_;
  EncoderConfig shape_;
  struct Layers;
  std::unique_ptr<Layers> layers_;
};

}  // namespace lra::inline LRA_ENGINE
