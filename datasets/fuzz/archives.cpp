/// Archives and compressed files of unknown origin: walking them, reading single files, importing official data.
#include "core/fuzz/fuzz.h"
#include "datasets/import.h"
#include "datasets/input.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lra;
  constexpr std::size_t kLargest = std::size_t{1} << 24;
  const auto file = fuzz::folder() / "archive", root = fuzz::folder() / "data";
  fuzz::write(file, fuzz::bytes(data, size));
  fuzz::survive([&] { read_compressed(file, kLargest); });
  fuzz::survive([&] {
    read_archive(
        file, [](auto&) { return true; }, [](auto&, auto) {}, kLargest);
  });
  fuzz::survive([&] { import_data(file, root, /*link=*/false); });
  std::filesystem::remove_all(root);
  // Whatever names the archive contains, no file may have been written beside it.
  for (const auto& entry : std::filesystem::directory_iterator(fuzz::folder()))
    if (entry.path() != file) std::abort();
  return 0;
}
