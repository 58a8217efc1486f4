/// A list of Pathfinder pictures (the input up to its first zero byte) and a picture (the rest).
#include <algorithm>

#include "core/fuzz/fuzz.h"
#include "datasets/source.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lra;
  const auto input = fuzz::bytes(data, size);
  const auto length = std::size_t(std::find(input.begin(), input.end(), std::byte{0}) - input.begin());
  const auto folder = fuzz::folder() / "pathfinder32/curv_contour_length_14";
  fuzz::write(folder / "metadata/0.npy", input.first(length));
  fuzz::write(folder / "imgs/0/sample_0.png", input.subspan(std::min(size, length + 1)));
  fuzz::survive([] { sources().at("pathfinder").make({{"images", 0}, {"empty", 1}}, fuzz::folder()); });
  return 0;
}
