#include "datasets/png.h"

#include <gtest/gtest.h>

#include <numeric>

#include "datasets/files_testing.h"

namespace lra {
namespace {

/// Return the bytes of a hexadecimal text, two digits per byte.
std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += char(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

// Source: assembled from the PNG specification: signature, IHDR (2 wide, 1 high, 8 bits, gray), IDAT with the stored
// block "00 07 c8" (no filter, 7, 200) and its Adler-32, IEND; checksums by zlib's crc32.
const std::string kTwoPixels = bytes_of(
    "89504e470d0a1a0a0000000d4948445200000002000000010800000000d14920560000000e494441547801010300fcff"
    "0007c800d900d01fad24f80000000049454e44ae426082");

std::vector<std::uint8_t> ramp(std::size_t n) {
  std::vector<std::uint8_t> pixels(n);
  std::iota(pixels.begin(), pixels.end(), std::uint8_t{0});
  return pixels;
}

TEST(Png, ReadsWhatTheSpecificationSays) {
  const GrayPicture picture = decode_png(kTwoPixels, "two");
  EXPECT_EQ(picture.height, 1);
  EXPECT_EQ(picture.width, 2);
  EXPECT_EQ(picture.pixels, (std::vector<std::uint8_t>{7, 200}));
}

TEST(Png, WritesWhatItReads) {
  const auto pixels = ramp(35 * 20);
  const GrayPicture picture = decode_png(encode_png(35, 20, 1, pixels), "ramp");
  EXPECT_EQ(picture.height, 35);
  EXPECT_EQ(picture.width, 20);
  EXPECT_EQ(picture.pixels, pixels);
}

TEST(Png, EveryCutIsAnError) {
  const std::string whole = encode_png(9, 9, 1, ramp(81));
  const std::size_t pixels_end = whole.size() - 12;  // only the chunk IEND follows
  for (std::size_t length = 0; length < pixels_end; ++length) {
    const auto sentence =
        sentence_of([&] { decode_png(std::string_view(whole).substr(0, length), "cut.png"); }, Kind::data);
    EXPECT_TRUE(sentence.starts_with("cut.png is not a readable PNG picture")) << sentence;
  }
}

TEST(Png, EveryFlippedByteOfThePixelsIsAnError) {
  const std::string whole = encode_png(9, 9, 1, ramp(81));
  const std::size_t from = whole.find("IDAT");
  for (std::size_t i = from + 4; i < whole.size() - 16; ++i) {
    std::string damaged = whole;
    damaged[i] = char(damaged[i] ^ 0x10);
    EXPECT_THROW(decode_png(damaged, "damaged"), Error) << i;
  }
}

TEST(Png, OtherKindsAreRefused) {
  const auto colour = encode_png(2, 2, 3, ramp(12));
  EXPECT_NE(sentence_of([&] { decode_png(colour, "colour.png"); }, Kind::data).find("8-bit gray"), std::string::npos);
  const auto large = encode_png(1, 1025, 1, ramp(1025));
  EXPECT_NE(sentence_of([&] { decode_png(large, "large.png"); }, Kind::data).find("1 by 1025 pixels"),
            std::string::npos);
  EXPECT_EQ(decode_png(large, "large.png", 1025).width, 1025);
}

TEST(Png, PixelsMustFitTheSize) {
  EXPECT_THROW(encode_png(2, 2, 1, ramp(5)), Error);
  EXPECT_THROW(encode_png(2, 2, 2, ramp(8)), Error);
  EXPECT_THROW(encode_png(0, 2, 1, ramp(0)), Error);
}

}  // namespace
}  // namespace lra
