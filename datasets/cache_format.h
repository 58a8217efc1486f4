/// The file format of prepared data, version 3.
///
///   header         fixed size; counts, extents, fingerprint, and a SHA-256 over itself and the block table
///   block table    a 64-bit checksum for each MiB of the body
///   body           the offset of each distinct sequence; for each split the sequences of its examples, first and
///                  second; for each split the labels; the tokens of the sequences; the findings as JSON
///
/// A sequence that occurs several times, in any split, is stored once.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "core/file.h"
#include "datasets/source.h"

namespace lra::cache {

inline constexpr std::size_t kSplits = 3;
inline constexpr std::size_t kBlock = std::size_t{1} << 20;

/// The counts, as if no sequence were shared. The fingerprint begins with them.
struct Counts {
  std::uint64_t paired = 0;
  std::uint64_t examples[kSplits] = {}, tokens[kSplits] = {}, second[kSplits] = {};
};

struct Header {
  char magic[8];
  char seal[64];  // SHA-256 of everything after it, to the end of the block table
  char key[64], fingerprint[64];
  std::uint64_t sequences, tokens;  // stored
  Counts counts;
  Extent extents[kSplits];
  std::uint64_t findings;  // bytes of their JSON
};
static_assert(sizeof(Header) % alignof(std::uint64_t) == 0 && std::is_trivially_copyable_v<Header>);

/// The offsets of the body's arrays, in bytes from its beginning.
struct Layout {
  std::uint64_t firsts[kSplits], seconds[kSplits], labels[kSplits];
  std::uint64_t tokens, findings, size;
};

/// Requires counts below 2^56.
Layout layout_of(const Header& header);
std::uint64_t blocks_of(const Layout& layout);

/// Pass the whole file to a sink, piece by piece.
void write(const Corpus& corpus, const std::string& key, const Put& put);

/// Return why these bytes are not data stored under `key` (empty: any key); nothing when header and block table are
/// valid.
std::string flaw(std::span<const std::byte> bytes, const std::string& key);

/// Return the SHA-256 over the counts and every token and label; `at` returns the examples.
std::string fingerprint_of(const Counts& counts, const std::function<Example(Split, long)>& at);

/// Parse findings as `write` stores them; returns nothing for any other text.
std::optional<Findings> decode_findings(std::string_view json);

/// Return the seal of a valid header.
std::string seal_of(const Header& header, std::span<const std::uint64_t> table);

}  // namespace lra::cache
