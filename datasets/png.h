/// Pictures as PNG files, read and written in memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lra {

/// Gray values in row-major order.
struct GrayPicture {
  long height = 0, width = 0;
  std::vector<std::uint8_t> pixels;
};

/// Read an 8-bit gray PNG. Throws a data error that begins with `where` (a file's name) for anything else: other kinds
/// of PNG, damaged or truncated files, pictures with a side above `most_side`.
GrayPicture decode_png(std::string_view file, const std::string& where, long most_side = 1024);

/// Return the PNG of row-major 8-bit pixels with one channel (gray) or three (red, green, blue). Throws when the number
/// of pixels is not height · width · channels.
std::string encode_png(long height, long width, int channels, std::span<const std::uint8_t> pixels);

}  // namespace lra
