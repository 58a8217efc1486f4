/// Fuzzes the checks that a plug-in file must pass before it is loaded.
#include "harness/plugin_file.h"

#include "core/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lra;
  fuzz::survive([&] { check_plugin_file("plugin.so", fuzz::bytes(data, size)); });
  return 0;
}
