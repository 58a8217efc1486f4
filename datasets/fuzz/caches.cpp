/// Prepared files that this program did not write. The input is opened as it is and, because no fuzzer finds a SHA-256,
/// again as the header fields and the body of a file whose seal and checksums are valid.
#include <algorithm>
#include <cstring>

#include "core/fuzz/fuzz.h"
#include "datasets/cache.h"
#include "datasets/cache_format.h"
#include "datasets/checksum.h"

namespace {

using namespace lra;
const std::string kKey(64, 'a');

void open(std::span<const std::byte> content) {
  const auto file = fuzz::folder() / "data";
  fuzz::write(file, content);
  fuzz::survive([&] { summarise_cache(file); });
  fuzz::survive([&] {
    const auto data = open_cached(file, kKey, []() -> Corpus { fail("not to be made"); });
    for (const Split split : {Split::train, Split::valid, Split::test})
      for (long i = 0; i < data->size(split); ++i) data->at(split, i);
  });
  fuzz::write(file, content);
  flaw_of_cache(file);
}

/// Return a file with a valid seal and valid checksums. Each of the first bytes of the input sets one header field; the
/// rest is the body. Returns nothing for an input that is too short.
std::vector<std::byte> sealed(std::span<const std::byte> input) {
  cache::Header header{};
  constexpr std::size_t kFields = 5;
  if (input.size() < kFields) return {};
  std::memcpy(header.magic, "LRADATA3", sizeof header.magic);
  std::copy(kKey.begin(), kKey.end(), header.key);
  header.counts.paired = std::uint64_t(input[0]) & 1;
  header.sequences = std::uint64_t(input[1]);
  for (std::size_t s = 0; s < cache::kSplits; ++s) header.counts.examples[s] = std::uint64_t(input[2 + s]);
  const auto body = input.subspan(kFields);
  const std::uint64_t arrays = cache::layout_of(header).size;
  if (body.size() < arrays) return {};
  header.tokens = (body.size() - arrays) / 2;
  const auto used = body.first(cache::layout_of(header).size);
  BlockChecksums checksums(cache::kBlock);
  checksums.add(used);
  const auto table = checksums.take();
  const std::string seal = cache::seal_of(header, table);
  std::copy(seal.begin(), seal.end(), header.seal);
  std::vector<std::byte> file;
  for (const auto part : {std::as_bytes(std::span(&header, 1)), std::as_bytes(std::span(table)), used})
    file.insert(file.end(), part.begin(), part.end());
  return file;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  open(fuzz::bytes(data, size));
  open(sealed(fuzz::bytes(data, size)));
  return 0;
}
