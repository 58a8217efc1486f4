/// Named arrays in a file, in the safetensors format, which Python reads too.
///
/// Eight bytes (little-endian) say how long the header is; the header is a JSON object that gives each array its type,
/// its shape and its place [begin, end) among the bytes that follow; those are filled without gaps or overlaps.
/// Source: https://github.com/huggingface/safetensors, section "Format".
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "harness/core/file.h"

namespace lra {

/// The types that are read and written, by their names in the format.
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

/// Writes the arrays, those of the widest types first, and `text` as the header's metadata. Throws when a name occurs
/// twice, when bytes do not fit a shape, or when the file cannot be written.
void write_safetensors(const std::filesystem::path& path, std::vector<StoredArray> arrays, const StoredText& text = {});
/// The same into `file`, which is not committed yet.
void write_safetensors(NewFile& file, std::vector<StoredArray> arrays, const StoredText& text = {});

/// A file of arrays, mapped into memory. Every offset is checked before anything is handed out.
class StoredArrays {
 public:
  /// Throws a data error that names the file and what is wrong with it.
  explicit StoredArrays(const std::filesystem::path& path);

  /// In the order of their bytes.
  const std::vector<StoredArray>& all() const { return arrays_; }
  /// Null when there is none.
  const StoredArray* find(const std::string& name) const;
  const StoredText& text() const { return text_; }

  /// A copy of the values. Throws a data error when there is no such array or it has another type.
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
