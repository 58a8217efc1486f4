/// Fuzzes the messages between a cell and the program that started it.
#include "core/fuzz/fuzz.h"

#include "harness/protocol.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lra;
  const std::string text(reinterpret_cast<const char*>(data), size);
  fuzz::survive([&] { encode(decode_message(text)); });
  fuzz::survive([&] { encode(decode_request(text)); });
  return 0;
}
