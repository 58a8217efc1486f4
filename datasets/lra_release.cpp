#include "datasets/lra_release.h"

#include <algorithm>

#include "datasets/official.h"

namespace lra::lra_release {

Download download() {
  return {.name = kName,
          .url = "https://storage.googleapis.com/long-range-arena/lra_release.gz",
          .file = "lra_release.gz",
          .licence = "Apache 2.0 for the release; not stated for the papers in it",
          .citation = "Tay et al. Long Range Arena: A Benchmark for Efficient Transformers. ICLR 2021"};
}

long depth_of(std::string_view path) {
  const PathNames names(path);
  return std::count(names.all().begin(), names.all().end(), "lra_release");
}

}  // namespace lra::lra_release
