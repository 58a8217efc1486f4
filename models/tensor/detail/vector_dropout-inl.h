/// Vectorised dropout masks: Philox over the sixteen counters of a group of 128 elements (see DropoutStream).
#if defined(LRA_MODELS_TENSOR_VECTOR_DROPOUT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LRA_MODELS_TENSOR_VECTOR_DROPOUT_INL_H
#undef LRA_MODELS_TENSOR_VECTOR_DROPOUT_INL_H
#else
#define LRA_MODELS_TENSOR_VECTOR_DROPOUT_INL_H
#endif

#include <cstring>

#include <hwy/highway.h>

#include "core/random.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/vector_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE {

/// Which of up to kBlock consecutive elements a stream keeps, one bit per element.
class KeepBits {
 public:
  static constexpr long kBlock = 1024;

  explicit KeepBits(const DropoutStream& stream) : stream_(stream) {
    for (std::uint32_t round = 0; round < 10; ++round) {
      keys_[2 * round] = stream.key[0] + round * 0x9E3779B9u;
      keys_[2 * round + 1] = stream.key[1] + round * 0xBB67AE85u;
    }
  }

  /// Samples the bits of elements first … first + n − 1, n ≤ kBlock.
  HWY_INLINE void draw(std::uint64_t first, long n) {
    offset_ = long(first % 128);
    for (long g = 0; 128 * g < offset_ + n; ++g) draw_group(first / 128 + std::uint64_t(g), bits_ + 16 * g);
  }

  /// Returns the mask of kept lanes for the vector that starts at the i-th sampled element.
  HWY_INLINE M kept(long i) const {
    const long bit = offset_ + i;
    std::uint32_t word;
    std::memcpy(&word, bits_ + bit / 8, sizeof word);
    word >>= bit % 8;
    std::uint8_t bytes[8] = {};
    std::memcpy(bytes, &word, sizeof word);
    return hn::LoadMaskBits(kFloats, bytes);
  }

 private:
#if HWY_TARGET == HWY_SCALAR
  void draw_group(std::uint64_t group, std::uint8_t* bits) const {
    std::memset(bits, 0, 16);
    for (unsigned lane = 0; lane < 16; ++lane) {
      const std::uint64_t block = 16 * group + lane;
      const auto words =
          philox({std::uint32_t(block), std::uint32_t(block >> 32), stream_.step, stream_.example}, stream_.key);
      for (unsigned part = 0; part < 8; ++part) {
        const std::uint32_t number = (words[part / 2] >> (16 * (part % 2))) & 0xffffu;
        if (number >= stream_.threshold) bits[2 * part + lane / 8] |= std::uint8_t(1u << (lane % 8));
      }
    }
  }
#else
  using Wide = hn::Repartition<std::uint64_t, Floats>;
  using Words = hn::Rebind<std::uint32_t, Floats>;
  using W = hn::Vec<Wide>;
  struct Counters {
    W c0, c1, c2, c3;  // in the low half of each 64-bit lane; the high halves are arbitrary and no product reads them
  };

  HWY_INLINE void round(Counters& c, W key0, W key1) const {
    const Words words;
    const W p0 = hn::MulEven(hn::BitCast(words, c.c0), hn::Set(words, 0xD2511F53u));
    const W p1 = hn::MulEven(hn::BitCast(words, c.c2), hn::Set(words, 0xCD9E8D57u));
    c = {hn::Xor3(hn::ShiftRight<32>(p1), c.c1, key0), p1, hn::Xor3(hn::ShiftRight<32>(p0), c.c3, key1), p0};
  }

  /// Stores one bit per lane: whether its 16-bit number is above `below`.
  HWY_INLINE void put_bits(hn::Vec<Words> numbers, hn::Vec<Ints> below, long lane, std::uint8_t* bits) const {
    const Ints ints;
    const auto keep = hn::Gt(hn::BitCast(ints, numbers), below);
    std::uint8_t bytes[8];
    hn::StoreMaskBits(ints, keep, bytes);
    if constexpr (kLanes >= 8)
      std::memcpy(bits + lane / 8, bytes, kLanes / 8);
    else
      bits[lane / 8] = std::uint8_t(lane % 8 ? bits[lane / 8] | (bytes[0] << (lane % 8)) : bytes[0]);
  }

  HWY_INLINE void put_word(W even, W odd, hn::Vec<Ints> below, long lane, std::uint8_t* bits) const {
    const Words words;
    const auto word = hn::OddEven(hn::BitCast(words, hn::ShiftLeft<32>(odd)), hn::BitCast(words, even));
    put_bits(hn::And(word, hn::Set(words, 0xffffu)), below, lane, bits);
    put_bits(hn::ShiftRight<16>(word), below, lane, bits + 2);
  }

  HWY_INLINE void draw_group(std::uint64_t group, std::uint8_t* bits) const {
    const Words words;
    const Wide wide;
    const std::uint64_t block = 16 * group;
    const auto below = hn::Set(Ints(), std::int32_t(stream_.threshold) - 1);
    for (long lane = 0; lane < 16; lane += kLanes) {
      const W numbers = hn::BitCast(wide, hn::Iota(words, std::uint32_t(block) + std::uint32_t(lane)));
      const W high = hn::Set(wide, block >> 32), step = hn::Set(wide, stream_.step);
      const W example = hn::Set(wide, stream_.example);
      Counters even{numbers, high, step, example};
      Counters odd{hn::ShiftRight<32>(numbers), high, step, example};
      for (int r = 0; r < 10; ++r) {
        const W key0 = hn::Set(wide, keys_[2 * r]), key1 = hn::Set(wide, keys_[2 * r + 1]);
        round(even, key0, key1);
        round(odd, key0, key1);
      }
      put_word(even.c0, odd.c0, below, lane, bits);
      put_word(even.c1, odd.c1, below, lane, bits + 4);
      put_word(even.c2, odd.c2, below, lane, bits + 8);
      put_word(even.c3, odd.c3, below, lane, bits + 12);
    }
  }
#endif

  const DropoutStream stream_;
  std::uint64_t keys_[20];  // of the ten rounds
  long offset_ = 0;
  std::uint8_t bits_[kBlock / 8 + 2 * 16 + 8];
};

/// Applies a mask to the vector v that starts at element i.
struct AllKept {
  HWY_INLINE V operator()(long, V v) const { return v; }
};
struct SomeKept {
  const KeepBits& bits;
  V factor;
  HWY_INLINE V operator()(long i, V v) const { return hn::IfThenElseZero(bits.kept(i), hn::Mul(v, factor)); }
};

}  // namespace lra::inline LRA_ENGINE::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
