/// Named arrays in a file, in the safetensors format.
///
/// The file begins with the length of the header, as eight little-endian bytes. The header is a JSON object with the
/// type, the shape and the extent [begin, end) of each array in the bytes that follow, which the arrays fill without
/// gaps or overlaps. Source: https://github.com/huggingface/safetensors, section "Format".
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/file.h"

namespace lra {

/// The supported element types, by their names in the format.
template <typename T>
constexpr const char* stored_type();
template <>
constexpr const char* stored_type<float>() {
  return "F32";
}
template <>
constexpr const char* stored_type<double>() {
  return "F64";
}
template <>
constexpr const char* stored_type<std::int32_t>() {
  return "I32";
}
template <>
constexpr const char* stored_type<std::int64_t>() {
  return "I64";
}

/// One array. Borrows its bytes: row-major, little-endian.
struct StoredArray {
  std::string name, type;  // type: F32, F64, I32 or I64
  std::vector<long> shape;
  std::span<const std::byte> bytes;

  template <typename T>
  static StoredArray of(std::string name, std::vector<long> shape, std::span<const T> values) {
    return {std::move(name), stored_type<T>(), std::move(shape), std::as_bytes(values)};
  }
};

using StoredText = std::map<std::string, std::string>;

/// Write the arrays, widest types first, with `text` as the header's metadata. Throws when a name occurs twice, when
/// the bytes of an array do not match its shape, or when the file cannot be written.
void write_safetensors(const std::filesystem::path& path, std::vector<StoredArray> arrays, const StoredText& text = {});
/// The same into `file`, without committing it.
void write_safetensors(NewFile& file, std::vector<StoredArray> arrays, const StoredText& text = {});

/// A file of arrays, mapped into memory. The constructor checks every offset.
class StoredArrays {
 public:
  /// Throws a data error that names the file and what is wrong with it.
  explicit StoredArrays(const std::filesystem::path& path);

  /// All arrays in the order of their bytes.
  const std::vector<StoredArray>& all() const { return arrays_; }
  /// Return the array of this name; null when there is none.
  const StoredArray* find(const std::string& name) const;
  const StoredText& text() const { return text_; }

  /// Return a copy of an array's values. Throws a data error when there is no such array or it has another type.
  template <typename T>
  std::vector<T> values(const std::string& name) const {
    const std::span<const std::byte> bytes = bytes_of(name, stored_type<T>());
    std::vector<T> copy(bytes.size() / sizeof(T));
    if (!copy.empty()) std::memcpy(copy.data(), bytes.data(), bytes.size());
    return copy;
  }

 private:
  std::span<const std::byte> bytes_of(const std::string& name, const std::string& type) const;
  std::string path_;
  MappedFile file_;
  std::vector<StoredArray> arrays_;
  StoredText text_;
};

}  // namespace lra
