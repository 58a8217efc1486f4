/// Keeps what another framework needs to repeat a forward pass and to compare its parts, on request.
///
/// Models contain no code for it: the layers and ops that they share report their values. Without a Capture in the
/// thread, such a layer or op only tests one more pointer.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

/// What is kept of one thread's forward passes, active while it exists. It copies values, so it does not change how ops
/// reuse memory.
class Capture {
 public:
  using StreamKey = std::array<std::uint32_t, 2>;  // of a stream of random numbers: Random::key
  struct Array {
    Shape shape;
    std::vector<Real> values;  // row-major
  };
  /// In one head of one sequence (its index in the layout), all these queries see all these keys: [begin, end).
  struct VisibleBlock {
    long sequence, head, query_begin, query_end, key_begin, key_end;
  };
  struct Request {
    bool activations = false;
    std::set<StreamKey> patterns;  // the dropout sites of the attention whose patterns are wanted
  };

  explicit Capture(Request request);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  const Request& request() const { return request_; }

  void keep_constant(const StreamKey& stream, const Tensor& value);
  void keep_pattern(const StreamKey& site, const VisibleBlock& block) { patterns_[site].push_back(block); }
  /// A later value of the same name gets the name with ".1", ".2", ….
  void keep_activation(const std::string& name, const Tensor& value);

  const std::map<StreamKey, Array>& constants() const { return constants_; }
  const std::map<StreamKey, std::vector<VisibleBlock>>& patterns() const { return patterns_; }
  const std::map<std::string, Array>& activations() const { return activations_; }

 private:
  Request request_;
  std::map<StreamKey, Array> constants_;
  std::map<StreamKey, std::vector<VisibleBlock>> patterns_;
  std::map<std::string, Array> activations_;
  std::map<std::string, long> uses_;  // activations so far, by name without a number
  Capture* outer_;
};

/// Keeps `value` under the name `layer`.`side`, if this thread has a Capture that asks for activations.
inline void keep_activation(const std::string& layer, const char* side, const Tensor& value) {
  Capture* const capture = Context::current().capture;
  if (capture && capture->request().activations) capture->keep_activation(layer + "." + side, value);
}

}  // namespace lra::inline LRA_ENGINE
