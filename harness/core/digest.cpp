#include "core/digest.h"

#include <openssl/evp.h>

#include "core/error.h"

namespace lra {

struct Digest::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
};

Digest::Digest(Algorithm algorithm) : context_(std::make_unique<Context>()) {
  const EVP_MD* method = algorithm == Algorithm::sha256 ? EVP_sha256() : EVP_md5();
  if (!context_->evp || EVP_DigestInit_ex(context_->evp, method, nullptr) != 1)
    fail("the digest {} is not available in this OpenSSL", algorithm == Algorithm::sha256 ? "SHA-256" : "MD5");
}

Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::add(std::span<const std::byte> bytes) { EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()); }

std::string Digest::hex() {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(context_->evp, raw, &size);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", raw[i]);
  return text;
}

std::string sha256(std::string_view text) { return sha256(std::as_bytes(std::span(text))); }

std::string sha256(std::span<const std::byte> bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.hex();
}

std::string md5(std::string_view text) {
  Digest digest(Digest::Algorithm::md5);
  digest.add(text);
  return digest.hex();
}

}  // namespace lra
