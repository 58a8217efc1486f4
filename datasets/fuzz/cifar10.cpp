/// CIFAR-10's archive, with one image per batch file.
#include "core/fuzz/fuzz.h"
#include "datasets/source.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lra;
  fuzz::write(fuzz::folder() / "cifar-10-binary.tar.gz", fuzz::bytes(data, size));
  fuzz::survive([] { sources().at("cifar10").make({{"images_per_file", 1}}, fuzz::folder()); });
  return 0;
}
