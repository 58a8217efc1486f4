/// Text as tokens, byte by byte: id = byte + 1.
///
///   The rule is Long Range Arena's (Tay et al., ICLR 2021). Its id 0 is padding, which this program does not need.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace lra {

constexpr long kByteVocab = 257;

/// Return the first `length` bytes of `text` as ids; a multi-byte character may be cut. An empty text becomes the
/// single id 0, so that every text has a token.
inline std::vector<std::uint16_t> byte_tokens(std::string_view text, long length) {
  std::vector<std::uint16_t> tokens;
  for (const char c : text.substr(0, std::size_t(length))) tokens.push_back(std::uint16_t(std::uint8_t(c) + 1));
  if (tokens.empty()) tokens.push_back(0);
  return tokens;
}

}  // namespace lra
