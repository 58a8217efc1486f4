/// Fuzzes safetensors files and checkpoints, which are safetensors files with a hash.
#include "core/fuzz/fuzz.h"

#include "core/safetensors.h"
#include "harness/checkpoint.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lra;
  const auto file = fuzz::folder() / "arrays.safetensors";
  fuzz::write(file, fuzz::bytes(data, size));
  fuzz::survive([&] {
    const StoredArrays arrays(file);
    std::byte seen{};
    for (const StoredArray& one : arrays.all()) {
      for (const std::byte byte : one.bytes) seen ^= byte;
      fuzz::survive([&] { arrays.values<float>(one.name); });
    }
    volatile std::byte used = seen;
    (void)used;
  });
  fuzz::survive([&] {
    std::vector<float> values(4), best;
    TrainState state;
    load_checkpoint(file, Json::object(), {}, state, {values, values, values, best});
  });
  return 0;
}
