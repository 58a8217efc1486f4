/// The parameters of a model: named, all values in one flat buffer.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/random.h"
#include "models/ops/sequence_layout.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// Throws a usage error that begins with `what` if `shape` has a negative size, or if its elements after `used` others
/// exceed the limit on parameters. Catches mistyped settings before memory is allocated.
void expect_room(long used, const std::string& what, const Shape& shape);

/// The initial distribution of a parameter. Values are pure functions of (seed, name, element), so adding a parameter
/// changes no other.
struct Init {
  enum class Kind { constant, normal, uniform } kind = Kind::constant;
  double scale = 0;
  double center = 0;                                       // of uniform
  std::vector<double> row = {};                            // of constant: the values of every row, instead of `scale`
  std::function<std::vector<double>()> computed_row = {};  // likewise, computed
  std::function<double(double)> map = {};                  // of normal and uniform: applied to every draw

  static Init constant(double value) { return {Kind::constant, value}; }
  static Init zeros() { return constant(0); }
  static Init ones() { return constant(1); }
  /// The same values in every row of a matrix.
  static Init rows(std::vector<double> values) { return {Kind::constant, 0, 0, std::move(values)}; }
  /// The same, computed from the initial values of parameters that were added before.
  static Init computed(std::function<std::vector<double>()> row) { return {Kind::constant, 0, 0, {}, std::move(row)}; }
  static Init normal(double deviation) { return {Kind::normal, deviation}; }
  static Init uniform(double low, double high) { return {Kind::uniform, (high - low) / 2, (high + low) / 2}; }
  /// f of every draw of another distribution.
  static Init mapped(std::function<double(double)> f, Init draws) {
    draws.map = std::move(f);
    return draws;
  }
  /// U(−√(6/(in+out)), √(6/(in+out))). Glorot, Bengio. AISTATS 2010, eq. 16.
  static Init xavier(long in, long out) { return {Kind::uniform, std::sqrt(6.0 / double(in + out))}; }
  /// N(0, 1/in). LeCun et al. "Efficient BackProp." 1998, §4.6.
  static Init lecun(long in) { return normal(1 / std::sqrt(double(in))); }
  /// U(−1/√in, 1/√in): what PyTorch gives weights and biases of linear layers, convolutions and recurrent cells.
  static Init torch(long in) { return uniform(-1 / std::sqrt(double(in)), 1 / std::sqrt(double(in))); }
};

/// Updates the values of a buffer (buffer.h) at the end of a training step, from the sums that the forward passes of
/// its examples have added to the buffer's part of the gradients.
using UpdateRule = std::function<void(std::span<Real> values, std::span<const Real> sums)>;

/// How a parameter is trained other than the recipe says.
struct TrainingOptions {
  double most_lr = std::numeric_limits<double>::infinity();  // limits the peak of the learning rate
  bool weight_decay = true;
  bool operator==(const TrainingOptions&) const = default;
};

struct ParameterInfo {
  std::string name;  // "encoder.1.mixer.query"
  Shape shape;
  long offset;                   // in elements, in the flat buffers
  UpdateRule rule = {};          // of a buffer (buffer.h); empty for trained parameters
  bool is_metric = false;        // a buffer that is reported
  TrainingOptions options = {};  // of a trained parameter
};

/// Trained values begin … end − 1 of the flat array.
struct TrainedRange {
  long begin, end;
  TrainingOptions options;
  bool operator==(const TrainedRange&) const = default;
};

/// A stream of random numbers that a model uses. The purpose "pattern" says that it chooses which keys queries see.
struct RandomStream {
  std::string purpose, name;  // "features", "encoder.1.mixer.directions"
  std::array<std::uint32_t, 2> key;
};

/// All parameters of a model. Grows while the model is built; optimiser, checkpoint and digest use one flat array.
class Parameters {
 public:
  /// Without values only names and shapes are kept, so that a model of any size can be described at once.
  explicit Parameters(std::uint64_t seed, bool has_values = true) : seed_(seed), has_values_(has_values) {}
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  /// Adds a parameter and returns its offset. Throws when the name is taken, and a usage error when there is no room.
  long add(const std::string& name, const Shape& shape, const Init& init);
  /// Turns the parameter added last into a buffer.
  void make_buffer(UpdateRule rule, bool is_metric);
  /// Sets the options of the parameter added last.
  void set_options(const TrainingOptions& options) { list_.back().options = options; }
  void add_stream(RandomStream stream) { streams_.push_back(std::move(stream)); }

  std::uint64_t seed() const { return seed_; }
  /// The number of values, including buffers.
  long count() const { return count_; }
  /// The number of trained values, without buffers.
  long trained() const;
  /// The ranges [begin, end) of trained values in the flat array, ascending, with adjacent ranges merged.
  std::vector<std::pair<long, long>> trained_ranges() const;
  /// The same, with adjacent ranges merged only if their options are equal.
  std::vector<TrainedRange> trained_ranges_by_options() const;
  const std::vector<ParameterInfo>& list() const { return list_; }
  /// The model's streams of random numbers, except those of initialisation.
  const std::vector<RandomStream>& streams() const { return streams_; }
  std::span<Real> values() { return values_; }
  std::span<const Real> values() const { return values_; }
  /// SHA-256 over names, shapes and values as little-endian float32, in order of creation: 64 hex digits.
  std::string digest() const;

 private:
  std::uint64_t seed_;
  bool has_values_;
  long count_ = 0;
  std::vector<ParameterInfo> list_;
  std::vector<Real> values_;
  std::vector<RandomStream> streams_;
};

/// A handle on one parameter; usable wherever an op takes a tensor.
class Parameter {
 public:
  Parameter() = default;
  Parameter(Parameters& owner, long offset, const Shape& shape) : owner_(&owner), offset_(offset), shape_(shape) {}
  /// An undefined tensor if default-constructed.
  operator Tensor() const;  // NOLINT: a parameter is a tensor that is trained
  const Shape& shape() const { return shape_; }

 private:
  Parameters* owner_ = nullptr;
  long offset_ = 0;
  Shape shape_;
};

/// A named place in the model. Parameters and random streams created here carry its path.
class ParameterScope {
 public:
  ParameterScope(Parameters& parameters, const std::string& path) : ParameterScope(parameters, path, path) {}
  ParameterScope operator/(const std::string& name) const;
  /// The place of a layer that uses the parameters and buffers which the layer at `path` has added, instead of its own.
  /// Its random streams, and so its dropout, are its own.
  ParameterScope tied_to(const std::string& path) const { return {*parameters_, path_, path}; }

  Parameter add(const std::string& name, const Shape& shape, const Init& init,
                const TrainingOptions& options = {}) const;
  /// Returns the parameter `name` that all layers of the model share, whatever their path. The first call adds it.
  Parameter shared(const std::string& name, const Shape& shape, const Init& init) const;
  /// As `add`, for values that a training step changes by an update rule.
  Parameter add_buffer(const std::string& name, const Shape& shape, const Init& init, UpdateRule rule,
                       bool is_metric) const;
  /// Creates a dropout site.
  Dropout dropout(const std::string& name, double rate) const;
  /// Creates a stream of random numbers for purposes other than initialisation, such as random features.
  Random random(const std::string& purpose, const std::string& name) const;
  const std::string& path() const { return path_; }

 private:
  ParameterScope(Parameters& parameters, std::string path, std::string owner)
      : parameters_(&parameters), path_(std::move(path)), owner_(std::move(owner)) {}
  bool is_tied() const { return owner_ != path_; }

  Parameters* parameters_;
  std::string path_;
  std::string owner_;  // the path of the parameters
};

}  // namespace lra::inline LRA_ENGINE
