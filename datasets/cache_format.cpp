#include "datasets/cache_format.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "core/digest.h"
#include "datasets/checksum.h"

namespace lra::cache {
namespace {

static_assert(std::endian::native == std::endian::little, "the cache is written as it lies in memory");

constexpr char kMagic[8] = {'L', 'R', 'A', 'D', 'A', 'T', 'A', '3'};
constexpr std::uint64_t kMost = std::uint64_t{1} << 56;  // bound on every count, so that no sum of sizes overflows

std::span<const std::byte> bytes_of(const auto& values) { return std::as_bytes(std::span(values)); }
std::span<const std::byte> bytes_of_one(const auto& value) { return std::as_bytes(std::span(&value, 1)); }

std::string encode(const Findings& findings) {
  if (findings.remarks.empty() && findings.cautions.empty()) return {};
  return Json{{"remarks", findings.remarks}, {"cautions", findings.cautions}}.dump();
}

/// The corpus as one pool of distinct sequences that every split refers to.
class Pool {
 public:
  explicit Pool(const Corpus& corpus) : corpus_(corpus), offsets_{0} {
    DistinctSequences distinct;
    const auto at = [this](std::uint32_t number) { return sequence(number); };
    for (std::size_t s = 0; s < kSplits; ++s) {
      const Examples& split = corpus.splits[s];
      assert(split.seconds.size() == (corpus.paired ? split.labels.size() : 0));
      for (std::size_t local = 0; local + 1 < split.offsets.size(); ++local) {
        const std::uint32_t number = distinct.number(split.sequence(local), at);
        if (number == places_.size()) {
          places_.push_back({std::uint32_t(s), std::uint32_t(local)});
          offsets_.push_back(offsets_.back() + split.sequence(local).size());
        }
        numbers_[s].push_back(number);
      }
    }
  }

  std::uint64_t sequences() const { return places_.size(); }
  std::uint64_t tokens() const { return offsets_.back(); }

  void write(const Put& put) const {
    put(bytes_of(offsets_));
    for (std::size_t s = 0; s < kSplits; ++s) {
      put(bytes_of(translated(s, corpus_.splits[s].firsts)));
      put(bytes_of(translated(s, corpus_.splits[s].seconds)));
    }
    for (const Examples& split : corpus_.splits) put(bytes_of(split.labels));
    for (std::uint32_t number = 0; number < places_.size(); ++number) put(bytes_of(sequence(number)));
    put(bytes_of(encode(corpus_.findings)));
  }

 private:
  struct Place {
    std::uint32_t split, local;
  };
  std::span<const std::uint16_t> sequence(std::uint32_t number) const {
    return corpus_.splits[places_[number].split].sequence(places_[number].local);
  }
  std::vector<std::uint32_t> translated(std::size_t split, std::vector<std::uint32_t> locals) const {
    for (std::uint32_t& number : locals) number = numbers_[split][number];
    return locals;
  }

  const Corpus& corpus_;
  std::vector<Place> places_;
  std::vector<std::uint64_t> offsets_;
  std::vector<std::uint32_t> numbers_[kSplits];  // pool number of each sequence of a split
};

Header header_of(const Corpus& corpus, const Pool& pool, const std::string& key) {
  Header header{};
  std::copy(std::begin(kMagic), std::end(kMagic), header.magic);
  std::copy(key.begin(), key.end(), header.key);
  header.sequences = pool.sequences();
  header.tokens = pool.tokens();
  header.findings = encode(corpus.findings).size();
  header.counts.paired = corpus.paired;
  for (std::size_t s = 0; s < kSplits; ++s) {
    const Examples& split = corpus.splits[s];
    header.counts.examples[s] = split.labels.size();
    for (long i = 0; i < split.size(); ++i) {
      const Example example = split.at(i);
      header.counts.tokens[s] += example.tokens.size();
      header.counts.second[s] += example.second.size();
      header.extents[s].include(example, i == 0);
    }
  }
  const std::string fingerprint =
      fingerprint_of(header.counts, [&](Split split, long i) { return corpus[split].at(i); });
  std::copy(fingerprint.begin(), fingerprint.end(), header.fingerprint);
  return header;
}

}  // namespace

Layout layout_of(const Header& header) {
  Layout layout{};
  std::uint64_t at = 8 * (header.sequences + 1);
  for (std::size_t s = 0; s < kSplits; ++s) {
    layout.firsts[s] = at;
    at += 4 * header.counts.examples[s];
    layout.seconds[s] = at;
    if (header.counts.paired) at += 4 * header.counts.examples[s];
  }
  for (std::size_t s = 0; s < kSplits; ++s) {
    layout.labels[s] = at;
    at += 2 * header.counts.examples[s];
  }
  layout.tokens = at;
  layout.findings = at + 2 * header.tokens;
  layout.size = layout.findings + header.findings;
  return layout;
}

std::uint64_t blocks_of(const Layout& layout) { return (layout.size + kBlock - 1) / kBlock; }

std::string fingerprint_of(const Counts& counts, const std::function<Example(Split, long)>& at) {
  Digest digest;
  digest.add(bytes_of_one(counts));
  const auto each = [&](std::size_t s, auto&& action) {
    for (long i = 0; i < long(counts.examples[s]); ++i) action(at(Split(s), i));
  };
  const auto add_borders = [&](std::size_t s, auto&& sequence_of) {
    std::uint64_t border = 0;
    digest.add(bytes_of_one(border));
    each(s, [&](const Example& example) {
      border += sequence_of(example).size();
      digest.add(bytes_of_one(border));
    });
  };
  const auto first = [](const Example& example) { return example.tokens; };
  const auto second = [](const Example& example) { return example.second; };
  for (std::size_t s = 0; s < kSplits; ++s) {
    add_borders(s, first);
    if (counts.paired) add_borders(s, second);
  }
  for (std::size_t s = 0; s < kSplits; ++s) {
    each(s, [&](const Example& example) { digest.add(bytes_of_one(std::uint16_t(example.label))); });
    each(s, [&](const Example& example) { digest.add(bytes_of(example.tokens)); });
    each(s, [&](const Example& example) { digest.add(bytes_of(example.second)); });
  }
  return digest.hex();
}

std::optional<Findings> decode_findings(std::string_view json) {
  if (json.empty()) return Findings{};
  const Json object = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  const auto sentences = [&object](const char* key) -> std::optional<std::vector<std::string>> {
    if (!object.is_object() || !object.contains(key) || !object.at(key).is_array()) return std::nullopt;
    std::vector<std::string> all;
    for (const Json& sentence : object.at(key)) {
      if (!sentence.is_string()) return std::nullopt;
      all.push_back(sentence.get<std::string>());
    }
    return all;
  };
  const auto remarks = sentences("remarks"), cautions = sentences("cautions");
  return remarks && cautions ? std::optional(Findings{*remarks, *cautions}) : std::nullopt;
}

std::string seal_of(const Header& header, std::span<const std::uint64_t> table) {
  constexpr std::size_t kSealed = offsetof(Header, seal) + sizeof header.seal;
  Digest digest;
  digest.add(bytes_of_one(header).subspan(kSealed));
  digest.add(std::as_bytes(table));
  return digest.hex();
}

void write(const Corpus& corpus, const std::string& key, const Put& put) {
  const Pool pool(corpus);
  Header header = header_of(corpus, pool, key);
  BlockChecksums checksums(kBlock);
  pool.write([&](std::span<const std::byte> piece) { checksums.add(piece); });
  const std::vector<std::uint64_t> table = checksums.take();
  const std::string seal = seal_of(header, table);
  std::copy(seal.begin(), seal.end(), header.seal);
  put(bytes_of_one(header));
  put(bytes_of(table));
  pool.write(put);
}

std::string flaw(std::span<const std::byte> bytes, const std::string& key) {
  if (bytes.size() < sizeof(Header)) return "it is shorter than its header";
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (!std::equal(std::begin(kMagic), std::end(kMagic), header.magic)) return "it is not a data file of this version";
  if (!key.empty() && std::string_view(header.key, sizeof header.key) != key) return "it was made for other settings";
  const Counts& counts = header.counts;
  std::uint64_t most = std::max({header.sequences, header.tokens, header.findings});
  for (std::size_t s = 0; s < kSplits; ++s)
    most = std::max({most, counts.examples[s], counts.tokens[s], counts.second[s]});
  if (most > kMost) return "its counts exceed its size";
  const Layout layout = layout_of(header);
  const std::uint64_t table_size = 8 * blocks_of(layout);
  if (bytes.size() != sizeof(Header) + table_size + layout.size) return "its size is not what its header says";
  const std::span<const std::uint64_t> table(reinterpret_cast<const std::uint64_t*>(bytes.data() + sizeof(Header)),
                                             blocks_of(layout));
  if (seal_of(header, table) != std::string_view(header.seal, sizeof header.seal))
    return "the checksum of its header does not agree";
  return {};
}

}  // namespace lra::cache
