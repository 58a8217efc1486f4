/// SHA-256 and MD5 of bytes, as lower-case hex digits.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace lra {

/// An incremental digest.
class Digest {
 public:
  enum class Algorithm { sha256, md5 };
  explicit Digest(Algorithm algorithm = Algorithm::sha256);
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  void add(std::span<const std::byte> bytes);
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  /// Finish the digest and return its 64 (SHA-256) or 32 (MD5) hex digits.
  std::string hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256(std::string_view text);
std::string sha256(std::span<const std::byte> bytes);
std::string md5(std::string_view text);

}  // namespace lra
