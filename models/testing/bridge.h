/// Both engines in one test program, with an interface in double: the float engine of the program (oneDNN, Highway) and
/// the same sources compiled with double and reference loops. bridge.cpp and op_cases*.cpp are compiled once for each.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "core/json.h"
#include "models/tensor/real.h"
#include "tasks/batch.h"
#include "tasks/spec.h"

namespace lra {

using Numbers = std::vector<double>;

/// Named arrays: parameters, inputs or gradients.
using Named = std::map<std::string, Numbers>;

/// One op applied to given inputs; the loss is Σ result ∘ cotangent.
struct OpRun {
  Numbers result;
  std::vector<Numbers> gradients;  // one per input; empty for a constant
};

/// Shapes of an op's inputs.
struct OpCase {
  std::string name;
  std::vector<std::vector<long>> inputs;
  bool positive = false;  // inputs are uniform in (0.5, 1.5) instead of N(0,1)
};
inline void PrintTo(const OpCase& c, std::ostream* out) { *out << c.name; }

/// A mixer, or an encoder of two blocks, applied to packed tokens x (T,C) of sequences with these lengths, at a
/// training step (dropout as configured) or not. A training step without a cotangent ends before backward.
struct MixerCase {
  std::string model;
  Json settings = Json::object();
  long width = 8, qkv = 8, heads = 2, layers = 2;
  long length = 0;  // the task's maximum; 0: the longest of `lengths`
  double attention_dropout = 0;
  std::vector<long> lengths;
  std::uint32_t step = 3;
  bool training = true;
  std::vector<std::uint32_t> sequences = {};    // keys of the random streams; empty: 0, 1, 2, …
  std::vector<Numbers> stopped = {};            // values to replace those of stop_gradient; see MixerRun
  long layer = 0, height = 0, image_width = 0;  // as in LayerDims
  bool constant = false;                        // x is a constant
  std::vector<long> steps = {};                 // tokens of each step, together all of a sequence; empty: one pass
};

struct MixerRun {
  Numbers result;                // (T,C); if an encoder changes lengths, each sequence's mean at all its tokens
  double auxiliary = 0;          // the model's auxiliary loss
  std::vector<Numbers> stopped;  // values that stop_gradient passed on
  Named parameters;              // values used, by path within the model, including buffers
  Named gradients;               // of Σ result ∘ cotangent + auxiliary, for trained parameters and "x"
  Named sums;                    // of the buffers
  std::map<std::string, std::vector<long>> shapes;
  double flops = 0;              // of forward
  std::int64_t peak_bytes = 0;   // of forward and backward
  std::int64_t state_bytes = 0;  // of the sequences' states after the last step
};

/// A mixer that is made once and runs often: on x, with or without a cotangent, and with new values for some of its
/// parameters, which keep them until they get others.
using MixerRunner = std::function<MixerRun(const Numbers& x, const Numbers& cotangent, const Named& parameters)>;

/// A whole classifier on a batch.
struct ModelCase {
  std::string model;
  Json settings = Json::object(), encoder = Json::object();
  TaskSpec task;
  std::uint64_t seed = 1;
  Batch batch;
  std::uint32_t step = 3;
  bool training = true;
};

struct ModelRun {
  Numbers logits, losses;
  Named parameters, gradients;  // gradients of the mean loss
};

// The same functions in each engine; `parameters` replace initial values, and the inputs of an op whose indices are in
// `constants` have no gradient.

namespace f32 {
/// Runs an op forward and backward on inputs whose shapes may differ from those of the case.
void try_op(const std::string& name, const std::vector<std::vector<long>>& shapes);
OpRun run_op(const std::string& name, const std::vector<Numbers>& inputs, const Numbers& cotangent,
             const std::set<std::size_t>& constants = {});
std::vector<OpCase> op_cases();
MixerRunner make_mixer(const MixerCase& c);
MixerRunner make_mixer(const MixerCase& c);
MixerRun run_mixer(const MixerCase& c, const Numbers& x, const Numbers& cotangent, const Named& parameters = {});
ModelRun run_model(const ModelCase& c, const Named& parameters = {});
std::vector<std::string> model_names();
}  // namespace f32

namespace f64 {
void try_op(const std::string& name, const std::vector<std::vector<long>>& shapes);
OpRun run_op(const std::string& name, const std::vector<Numbers>& inputs, const Numbers& cotangent,
             const std::set<std::size_t>& constants = {});
std::vector<OpCase> op_cases();
MixerRunner make_mixer(const MixerCase& c);
MixerRunner make_mixer(const MixerCase& c);
MixerRun run_mixer(const MixerCase& c, const Numbers& x, const Numbers& cotangent, const Named& parameters = {});
ModelRun run_model(const ModelCase& c, const Named& parameters = {});
std::vector<std::string> model_names();
}  // namespace f64

}  // namespace lra
