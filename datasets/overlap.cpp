#include "datasets/overlap.h"

#include <algorithm>
#include <unordered_set>

#include "datasets/checksum.h"

namespace lra {

std::vector<std::string> overlaps(const std::array<std::vector<std::uint64_t>, 3>& keys, const std::string& noun) {
  constexpr const char* kWords[] = {"training", "validation", "test"};
  std::vector<std::string> sentences;
  for (const auto& [inner, outer] : {std::pair(Split::test, Split::train), std::pair(Split::valid, Split::train),
                                     std::pair(Split::test, Split::valid)}) {
    const auto& own = keys[std::size_t(inner)];
    const auto& others = keys[std::size_t(outer)];
    const std::unordered_set<std::uint64_t> known(others.begin(), others.end());
    const auto shared = std::count_if(own.begin(), own.end(), [&](std::uint64_t key) { return known.contains(key); });
    if (shared == 0) continue;
    const char* of = kWords[std::size_t(inner)];
    const char* also = kWords[std::size_t(outer)];
    sentences.push_back(shared == 1
                            ? fmt::format("1 of {} {} {}s is also a {} {}", own.size(), of, noun, also, noun)
                            : fmt::format("{} of {} {} {}s are also {} {}s", shared, own.size(), of, noun, also, noun));
  }
  return sentences;
}

std::vector<std::string> overlaps(const Corpus& corpus, const std::string& noun) {
  std::array<std::vector<std::uint64_t>, 3> keys;
  for (std::size_t s = 0; s < keys.size(); ++s)
    for (long i = 0; i < corpus.splits[s].size(); ++i) {
      const Example example = corpus.splits[s].at(i);
      const std::array<std::uint64_t, 2> both{checksum(std::as_bytes(example.tokens)),
                                              checksum(std::as_bytes(example.second))};
      keys[s].push_back(checksum(std::as_bytes(std::span(both))));
    }
  return overlaps(keys, noun);
}

}  // namespace lra
