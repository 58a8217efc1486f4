/// Tables: official data, and user data separated by tabs and by commas.
#include "core/fuzz/fuzz.h"
#include "datasets/source.h"

namespace {

void read(const char* source, const std::vector<std::string>& files, std::span<const std::byte> content) {
  using namespace lra;
  const auto root = fuzz::folder() / source / files.front();
  for (const std::string& file : files) fuzz::write(root / file, content);
  fuzz::survive([&] { sources().at(source).make(Json::object(), root); });
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto content = lra::fuzz::bytes(data, size);
  read("listops_tsv", {"basic_train.tsv", "basic_val.tsv", "basic_test.tsv"}, content);
  read("aan",
       {"tsv_data/new_aan_pairs.train.tsv", "tsv_data/new_aan_pairs.eval.tsv", "tsv_data/new_aan_pairs.test.tsv"},
       content);
  read("tsv", {"train.tsv", "valid.tsv", "test.tsv"}, content);
  read("tsv", {"train.csv", "test.csv"}, content);
  return 0;
}
