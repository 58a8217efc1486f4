/// The registry of models: the facts about a model, how to build it, and the line that registers it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/config.h"
#include "core/registry.h"
#include "models/layers/parameters.h"

namespace lra::inline LRA_ENGINE {

class Mixer;      // mixer.h
class Attention;  // mixer.h
class Encoder;    // encoder.h

/// The dimensions for which a model is built.
struct LayerDims {
  long width = 0;   // C: features per token
  long qkv = 0;     // features of queries, keys and values, all heads together
  long heads = 0;   // H, a divisor of qkv
  long length = 0;  // the longest sequence of the task, including the cls token
  long layer = 0;   // index of the block in the encoder
  double attention_dropout = 0;
  long height = 0, image_width = 0;  // of the sequence's image; 0 without an image
  long ff = 0;                       // hidden features of the feed-forward part
  long layers = 1;                   // blocks in the encoder
  double dropout = 0;                // on residual branches
  bool rotary = false;               // an Attention turns its queries and keys by their positions
};

/// Facts about a model. The conformance tests verify them; they do not change how the framework treats the model.
struct ModelFacts {
  std::string summary;     // one line
  std::string paper;       // authors, title, where, year
  std::string complexity;  // "O(N k)"
  std::string kind;        // classes of the survey, by commas: fixed pattern | learnable pattern | memory | low rank |
                           // kernel | recurrence | downsampling | sparse; of later models
                           // state-space | convolution | gated; or dense
  std::string differs;     // how LRA's code, or the authors' code, differs; empty if it does not
  double exponent = 1;     // operations of mixing grow as N to this power, by default: ModelEntry::exponents
  bool logarithm = false;  // times log N
  double memory_exponent = 1;   // live bytes of a training step grow as N to this power, likewise
  bool head_growth = false;     // operations or live bytes grow with the number of heads, at an equal width
  bool fixed_length = false;    // some parameter's size is the task's maximum length
  bool causal = false;          // has a setting `causal`: no token sees a later one
  bool stochastic = false;      // uses random numbers besides the encoder's dropout that change between steps
  bool auxiliary_loss = false;  // adds its own loss, which has gradients where the task's has none
  bool mixes = true;            // tokens exchange information before pooling; false for a control
  int revision = 1;             // raise by one when a change of the file changes bits (harness/revision.h)
};

/// The powers of the length N with which a model's costs grow.
struct Exponents {
  double operations, bytes;  // of mixing; live in a training step
};

struct ModelEntry {
  ModelFacts facts;
  std::vector<Field> settings;  // with their defaults
  /// Returns all settings with defaults filled in. Throws a usage error for an unknown or invalid setting.
  std::function<Settings(const Settings& settings)> resolve;
  /// Names the mechanisms of the model that these settings and dimensions never reach, "attention along columns" in an
  /// axial model of one layer; empty if it reaches all.
  std::function<std::string(const Settings& settings, const LayerDims&)> switched_off;
  /// Returns the powers of N with these settings: the facts', unless the model says that a setting changes them.
  std::function<Exponents(const Settings& settings)> exponents;
  bool is_attention = false;  // the model is an Attention
  /// Builds the model. Exactly one of the two is set.
  std::function<std::unique_ptr<Mixer>(const Settings& settings, const LayerDims&, const ParameterScope&)> mixer;
  std::function<std::unique_ptr<Encoder>(const Settings& settings, const LayerDims&, const ParameterScope&)> encoder;
};

/// All registered models by name.
Registry<ModelEntry>& models();

template <typename T>
concept HasConfig = requires(typename T::Config config) {
  config.fields([](auto&&...) {});
};

template <typename T>
concept IsBuiltFromConfig =
    HasConfig<T> && std::is_constructible_v<T, const typename T::Config&, const LayerDims&, const ParameterScope&>;

/// Registers a model; the last line of its file. T is a Mixer or an Encoder and must have T::Config and T(const
/// T::Config&, const LayerDims&, const ParameterScope&). It may have `static std::string switched_off(const Config&,
/// const LayerDims&)`, see ModelEntry, and `static Exponents exponents(const Config&, Exponents usual)`, which changes
/// the facts' exponents for settings with which costs grow otherwise.
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
    entry.switched_off = [name]([[maybe_unused]] const Settings& settings, [[maybe_unused]] const LayerDims& dims) {
      if constexpr (requires { T::switched_off(Config{}, dims); })
        return T::switched_off(parse<Config>(settings, name), dims);
      else
        return std::string();
    };
    entry.exponents = [name, usual = Exponents{entry.facts.exponent, entry.facts.memory_exponent}](
                          [[maybe_unused]] const Settings& settings) {
      if constexpr (requires { T::exponents(Config{}, usual); })
        return T::exponents(parse<Config>(settings, name), usual);
      else
        return usual;
    };
    entry.is_attention = std::is_base_of_v<Attention, T>;
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
