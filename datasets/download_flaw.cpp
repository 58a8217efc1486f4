#include <tuple>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/file.h"
#include "core/text.h"
#include "datasets/download.h"

namespace lra {
namespace {

std::string digest_of(const std::filesystem::path& file, Digest::Algorithm algorithm) {
  const MappedFile mapped(file);
  Digest digest(algorithm);
  digest.add(mapped.bytes());
  return digest.hex();
}

}  // namespace

std::string flaw_of_download(const Download& download, const std::filesystem::path& file) {
  if (!is_file(file)) return "is no file";
  const std::uint64_t size = std::filesystem::file_size(file);
  if (download.size > 0 && size != download.size) return fmt::format("has {} bytes instead of {}", size, download.size);
  for (const auto& [expected, algorithm, name] : {std::tuple(&download.sha256, Digest::Algorithm::sha256, "SHA-256"),
                                                  std::tuple(&download.md5, Digest::Algorithm::md5, "MD5")}) {
    if (expected->empty()) continue;
    const std::string found = digest_of(file, algorithm);
    if (found != lower_case(*expected)) return fmt::format("has the {} {} instead of {}", name, found, *expected);
  }
  return {};
}

}  // namespace lra
