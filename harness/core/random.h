/// Random numbers as pure functions: a value depends only on (seed, purpose, path, step, example, element), not on
/// earlier draws or on the calling thread.
///
/// Source: Salmon, Moraes, Dror, Shaw. "Parallel Random Numbers: As Easy as 1, 2, 3." SC 2011 (Philox 4x32, 10 rounds).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace lra {

/// Ten rounds of Philox 4x32 on one counter.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// One stream, addressed by element.
///
/// The key of Philox is a hash of (seed, purpose, path); its counter is (element block, step, example), so two streams
/// share numbers only if two of the 64-bit hashes collide. Element e of a block of four uses word e % 4.
class Random {
 public:
  /// `purpose` names the use ("init", "dropout", "order"), `path` the place ("encoder.1.attention").
  Random(std::uint64_t seed, std::string_view purpose, std::string_view path = {}, std::uint32_t step = 0,
         std::uint32_t example = 0);

  /// Return the stream of the same purpose and path at another step and example. Draws that a batch shares use example
  /// 0.
  Random at(std::uint32_t step, std::uint32_t example) const;

  std::uint32_t bits(std::uint64_t element) const;
  std::array<std::uint32_t, 4> block(std::uint64_t block) const;

  /// Uniform in [0, 1) with 53 random bits (elements 2e and 2e + 1 of the stream).
  double uniform(std::uint64_t element) const;
  /// Standard normal by Box-Muller (Philox block e).
  double normal(std::uint64_t element) const;
  /// Uniform integer in [0, bound), without modulo bias beyond 2^-32. Requires bound ≥ 1.
  std::uint32_t below(std::uint32_t bound, std::uint64_t element) const;

  std::array<std::uint32_t, 2> key() const { return key_; }
  std::uint32_t step() const { return step_; }
  std::uint32_t example() const { return example_; }

 private:
  std::array<std::uint32_t, 2> key_;
  std::uint32_t step_, example_;
};

/// Sequential draws from one stream, for generators whose draws have no natural index (random trees, shuffles).
class Sequence {
 public:
  explicit Sequence(const Random& random) : random_(random) {}
  double uniform() { return random_.uniform(next_++); }
  double normal() { return random_.normal((std::uint64_t{1} << 40) + next_++); }
  std::uint32_t below(std::uint32_t bound) { return random_.below(bound, (std::uint64_t{1} << 41) + next_++); }

  /// Shuffle with the Fisher-Yates algorithm.
  template <typename Range>
  void shuffle(Range& range) {
    for (std::size_t i = range.size(); i > 1; --i) std::swap(range[i - 1], range[below(std::uint32_t(i))]);
  }

 private:
  Random random_;
  std::uint64_t next_ = 0;
};

}  // namespace lra
