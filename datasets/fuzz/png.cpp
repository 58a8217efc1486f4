/// PNG files.
#include "datasets/png.h"

#include "core/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lra::fuzz::survive([&] { lra::decode_png({reinterpret_cast<const char*>(data), size}, "input"); });
  return 0;
}
