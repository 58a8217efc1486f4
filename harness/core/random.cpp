#include "core/random.h"

#include <cmath>

namespace lra {
namespace {

/// FNV-1a over the parts, each closed by a byte that no name contains, then the finaliser of SplitMix64.
class Hash {
 public:
  void add(std::string_view text) {
    for (const char c : text) byte(static_cast<unsigned char>(c));
    byte(0xff);
  }
  void add(std::uint64_t number) {
    for (int i = 0; i < 8; ++i) byte(static_cast<unsigned char>(number >> (8 * i)));
  }
  std::uint64_t value() const {
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

 private:
  void byte(unsigned char b) { state_ = (state_ ^ b) * 0x100000001b3u; }
  std::uint64_t state_ = 0xcbf29ce484222325u;
};

constexpr double kTwoPi = 6.283185307179586476925286766559;

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c[2];
    c = {std::uint32_t(p1 >> 32) ^ c[1] ^ k[0], std::uint32_t(p1), std::uint32_t(p0 >> 32) ^ c[3] ^ k[1],
         std::uint32_t(p0)};
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return c;
}

Random::Random(std::uint64_t seed, std::string_view purpose, std::string_view path, std::uint32_t step,
               std::uint32_t example)
    : step_(step), example_(example) {
  Hash hash;
  hash.add(seed);
  hash.add(purpose);
  hash.add(path);
  key_ = {std::uint32_t(hash.value()), std::uint32_t(hash.value() >> 32)};
}

Random Random::at(std::uint32_t step, std::uint32_t example) const {
  Random other = *this;
  other.step_ = step;
  other.example_ = example;
  return other;
}

std::array<std::uint32_t, 4> Random::block(std::uint64_t block) const {
  return philox({std::uint32_t(block), std::uint32_t(block >> 32), step_, example_}, key_);
}

std::uint32_t Random::bits(std::uint64_t element) const { return block(element / 4)[element % 4]; }

double Random::uniform(std::uint64_t element) const {
  const auto words = block(element / 2);
  const std::size_t first = 2 * (element % 2);
  const std::uint64_t wide = (std::uint64_t{words[first]} << 32) | words[first + 1];
  return double(wide >> 11) * 0x1.0p-53;
}

double Random::normal(std::uint64_t element) const {
  const auto words = block(element);
  const double u = (double((std::uint64_t{words[0]} << 21) ^ (words[1] >> 11)) + 0.5) * 0x1.0p-53;
  const double v = double((std::uint64_t{words[2]} << 21) ^ (words[3] >> 11)) * 0x1.0p-53;
  return std::sqrt(-2 * std::log(u)) * std::cos(kTwoPi * v);
}

std::uint32_t Random::below(std::uint32_t bound, std::uint64_t element) const {
  return std::uint32_t((std::uint64_t{bits(element)} * bound) >> 32);
}

}  // namespace lra
