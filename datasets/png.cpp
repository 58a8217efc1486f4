#include "datasets/png.h"

#include <png.h>

#include "core/error.h"

namespace lra {
namespace {

/// The libpng state of one picture. The simplified API reports errors by return value, so that no longjmp crosses our
/// frames.
struct Control {
  png_image image{};
  Control() { image.version = PNG_IMAGE_VERSION; }
  ~Control() { png_image_free(&image); }
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;
};

[[noreturn]] void fail_png(const std::string& where, const char* words) {
  fail_data("{} is not a readable PNG picture ({}); get it again", where, words);
}

}  // namespace

GrayPicture decode_png(std::string_view file, const std::string& where, long most_side) {
  Control control;
  png_image& image = control.image;
  if (!png_image_begin_read_from_memory(&image, file.data(), file.size())) fail_png(where, image.message);
  constexpr std::size_t kDepth = 24;  // of IHDR, which is always the first chunk
  if (image.format != PNG_FORMAT_GRAY || file[kDepth] != 8)
    fail_data("{} is a PNG picture, but not one of 8-bit gray values", where);
  if (long(image.width) > most_side || long(image.height) > most_side)
    fail_data("{} has {} by {} pixels, more than {} on a side", where, image.height, image.width, most_side);
  GrayPicture picture{long(image.height), long(image.width), {}};
  picture.pixels.resize(PNG_IMAGE_SIZE(image));
  if (!png_image_finish_read(&image, nullptr, picture.pixels.data(), 0, nullptr)) fail_png(where, image.message);
  return picture;
}

std::string encode_png(long height, long width, int channels, std::span<const std::uint8_t> pixels) {
  if (height < 1 || width < 1 || (channels != 1 && channels != 3) ||
      pixels.size() != std::size_t(height * width * channels))
    fail("a picture of {} by {} pixels with {} channels cannot be made of {} bytes", height, width, channels,
         pixels.size());
  Control control;
  png_image& image = control.image;
  image.height = png_uint_32(height);
  image.width = png_uint_32(width);
  image.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  std::string file(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
  png_alloc_size_t size = file.size();
  if (!png_image_write_to_memory(&image, file.data(), &size, 0, pixels.data(), 0, nullptr))
    fail("cannot write a PNG picture: {}", image.message);
  file.resize(size);
  return file;
}

}  // namespace lra
