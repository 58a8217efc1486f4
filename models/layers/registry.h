/// The registry of models: what is said of one, how it is built, and the line that registers it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness/core/config.h"
#include "harness/core/registry.h"
#include "models/layers/parameters.h"

namespace lra::inline LRA_ENGINE {

class Mixer;    // mixer.h
class Encoder;  // encoder.h

/// The sizes that a model is built for.
struct LayerDims {
  long width = 0;   // C: features of a token
  long qkv = 0;     // features of queries, keys and values, all heads together
  long heads = 0;   // H, a divisor of qkv
  long length = 0;  // the longest sequence of the task, the CLS slot included
  long layer = 0;   // which block of the encoder, from 0
  double attention_dropout = 0;
  long height = 0, image_width = 0;  // of the image behind the sequence; 0 when it is not one
  long ff = 0;                       // hidden features of the feed-forward part
  long layers = 1;                   // blocks of the encoder
  double dropout = 0;                // on residual branches
};

/// What is said of a model, and verified by the conformance suite; nothing here steers the framework.
struct ModelFacts {
  std::string summary;     // one line
  std::string paper;       // authors, title, where, year
  std::string complexity;  // "O(N k)"
  std::string kind;        // classes of the survey, by commas: fixed pattern | learnable pattern | memory | low rank |
                           // kernel | recurrence | downsampling | sparse; or dense
  std::string differs;     // how LRA's own code, or the authors', departs; empty if it does not
  double exponent = 1;     // operations of mixing grow as N to this power
  double memory_exponent = 1;   // bytes live in a training step grow as N to this power
  bool fixed_length = false;    // has parameters whose size is the task's maximum length
  bool causal = false;          // has a setting `causal`, with which no token sees a later one
  bool stochastic = false;      // draws random numbers besides dropout, anew for other training steps
  bool auxiliary_loss = false;  // adds a loss of its own: has gradients where the task's loss has none
  int revision = 1;             // to be raised by one when the model's file gives other bits (harness/revision.h)
};

struct ModelEntry {
  ModelFacts facts;
  std::vector<Field> settings;  // with defaults
  /// All settings, defaults filled in. Throws a usage error for an unknown or wrong one.
  std::function<Settings(const Settings& settings)> resolve;
  /// One of the two.
  std::function<std::unique_ptr<Mixer>(const Settings& settings, const LayerDims&, const ParameterScope&)> mixer;
  std::function<std::unique_ptr<Encoder>(const Settings& settings, const LayerDims&, const ParameterScope&)> encoder;
};

/// The models by name.
Registry<ModelEntry>& models();

template <typename T>
concept HasConfig = requires(typename T::Config config) {
  config.fields([](auto&&...) {});
};

template <typename T>
concept IsBuiltFromConfig =
    HasConfig<T> && std::is_constructible_v<T, const typename T::Config&, const LayerDims&, const ParameterScope&>;

/// The last line of a model's file. Requires T::Config and T(const T::Config&, const LayerDims&, const
/// ParameterScope&), T being a Mixer or an Encoder.
template <typename T>
struct RegisterModel {
  static_assert(HasConfig<T>, "a model needs a public struct Config with `void fields(auto&& f)`");
  static_assert(IsBuiltFromConfig<T>,
                "a model needs a public constructor (const Config&, const LayerDims&, const ParameterScope&)");
  static_assert(std::is_base_of_v<Mixer, T> != std::is_base_of_v<Encoder, T>,
                "a model is either a Mixer or an Encoder");

  RegisterModel(const std::string& name, ModelFacts facts) {
    using Config = typename T::Config;
    const auto make = [name](const Settings& settings, const LayerDims& dims, const ParameterScope& scope) {
      return std::make_unique<T>(parse<Config>(settings, name), dims, scope);
    };
    ModelEntry entry;
    entry.facts = std::move(facts);
    entry.settings = fields_of(Config{});
    entry.resolve = [name](const Settings& settings) { return settings_of(parse<Config>(settings, name)); };
    if constexpr (std::is_base_of_v<Mixer, T>)
      entry.mixer = make;
    else
      entry.encoder = make;
    models().add(name, std::move(entry));
  }
};

/// The settings of a model that has none.
struct NoSettings {
  void fields(auto&&) {}
};

}  // namespace lra::inline LRA_ENGINE
