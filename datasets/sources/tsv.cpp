/// User data: labelled texts, byte by byte. The data folder of this source is the user's folder (datasets/tsv.h
/// documents it), so that the settings contain no path.
#include "datasets/tsv.h"

namespace lra {
namespace {

struct Config {
  long length = 1000;
  void fields(auto&& f) { f("length", length, "bytes of a text that are read"); }
};

std::vector<std::filesystem::path> inputs(const Config&, const std::filesystem::path& root) {
  return tsv::inputs(root);
}

Corpus make(const Config& config, const std::filesystem::path& root) {
  if (config.length < 1) fail_usage("tsv: length must be 1 or more, not {}", config.length);
  return tsv::read(root, config.length);
}

const RegisterSource<Config> registered{
    "tsv",
    {"labelled texts of the user: train.tsv, valid.tsv and test.tsv", "its owner's", "none: the user's own data", 3},
    inputs,
    make};

}  // namespace
}  // namespace lra
