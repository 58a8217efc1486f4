#include "core/safetensors.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/json.h"

namespace lra {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr std::uint64_t kLongestHeader = 100'000'000;  // the format's own limit
constexpr std::size_t kPrefix = sizeof(std::uint64_t);
constexpr const char* kMetadata = "__metadata__";

/// Return the bytes per element; 0 for an unsupported type.
std::uint64_t width_of(const std::string& type) {
  if (type == "F32" || type == "I32") return 4;
  if (type == "F64" || type == "I64") return 8;
  return 0;
}

/// Return the bytes of an array, or nothing when they exceed `limit` or a dimension is negative.
std::optional<std::uint64_t> size_of(const std::string& type, const std::vector<long>& shape, std::uint64_t limit) {
  if (std::any_of(shape.begin(), shape.end(), [](long n) { return n < 0; })) return std::nullopt;
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::uint64_t size = width_of(type);
  for (const long n : shape) {
    if (size > limit / std::uint64_t(n)) return std::nullopt;
    size *= std::uint64_t(n);
  }
  return size;
}

/// Parses a header from an untrusted file.
class Header {
 public:
  Header(std::string path, std::span<const std::byte> file) : path_(std::move(path)) {
    std::uint64_t size = 0;
    if (file.size() < kPrefix) refuse("it is too short");
    std::memcpy(&size, file.data(), kPrefix);
    if (size > kLongestHeader || size > file.size() - kPrefix) refuse("its header does not fit into it");
    const std::string_view text(reinterpret_cast<const char*>(file.data()) + kPrefix, std::size_t(size));
    data_ = file.subspan(kPrefix + std::size_t(size));
    std::set<std::string> names;
    const auto note = [&](int depth, Json::parse_event_t event, Json& value) {
      if (depth > 3) refuse("its header is nested too deeply");
      if (depth == 1 && event == Json::parse_event_t::key && !names.insert(value.get<std::string>()).second)
        refuse(fmt::format("'{}' occurs twice", value.get<std::string>()));
      return true;
    };
    json_ = Json::parse(text, note, /*allow_exceptions=*/false);
    if (!json_.is_object()) refuse("its header is not a JSON object");
  }

  StoredText text() const {
    StoredText all;
    if (!json_.contains(kMetadata)) return all;
    if (!json_.at(kMetadata).is_object()) refuse("its metadata is not an object");
    for (const auto& [key, value] : json_.at(kMetadata).items()) {
      if (!value.is_string()) refuse(fmt::format("its metadata '{}' is not text", key));
      all[key] = value.get<std::string>();
    }
    return all;
  }

  /// Sorts the arrays by offset and checks that they fill the bytes after the header exactly.
  std::vector<StoredArray> arrays() const {
    std::vector<StoredArray> all;
    for (const auto& [name, entry] : json_.items())
      if (name != kMetadata) all.push_back(array(name, entry));
    std::sort(all.begin(), all.end(), [](const StoredArray& a, const StoredArray& b) {
      return std::pair(a.bytes.data(), a.bytes.size()) < std::pair(b.bytes.data(), b.bytes.size());
    });
    const std::byte* at = data_.data();
    for (const StoredArray& one : all) {
      if (one.bytes.data() != at) refuse(fmt::format("there is a gap or an overlap before '{}'", one.name));
      at += one.bytes.size();
    }
    if (at != data_.data() + data_.size()) refuse("there are bytes that belong to no array");
    return all;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    fail_data("{} is not a file of tensors that can be read: {}", path_, what);
  }

  StoredArray array(const std::string& name, const Json& entry) const {
    const auto wrong = [&](const char* what) { refuse(fmt::format("the {} of '{}' cannot be", what, name)); };
    StoredArray one;
    one.name = name;
    if (!entry.is_object()) wrong("entry");
    const Json type = entry.value("dtype", Json()), shape = entry.value("shape", Json()),
               place = entry.value("data_offsets", Json());
    if (!type.is_string() || width_of(type.get<std::string>()) == 0)
      refuse(fmt::format("'{}' is of type {}; F32, F64, I32 and I64 are read", name, type.dump()));
    one.type = type.get<std::string>();
    if (!shape.is_array() || shape.size() > 8) wrong("shape");
    for (const Json& n : shape) {
      if (!n.is_number_unsigned() || n.get<std::uint64_t>() > data_.size()) wrong("shape");
      one.shape.push_back(n.get<long>());
    }
    if (!place.is_array() || place.size() != 2 || !place[0].is_number_unsigned() || !place[1].is_number_unsigned())
      wrong("place");
    const auto begin = place[0].get<std::uint64_t>(), end = place[1].get<std::uint64_t>();
    if (begin > end || end > data_.size()) wrong("place");
    if (size_of(one.type, one.shape, data_.size()) != end - begin) wrong("size");
    one.bytes = data_.subspan(std::size_t(begin), std::size_t(end - begin));
    return one;
  }

  std::string path_;
  std::span<const std::byte> data_;
  Json json_;
};

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::vector<StoredArray> arrays, const StoredText& text) {
  NewFile file(path);
  write_safetensors(file, std::move(arrays), text);
  file.commit();
}

void write_safetensors(NewFile& file, std::vector<StoredArray> arrays, const StoredText& text) {
  // Widest types first, and a header padded to whole words, so that every array is aligned for its type.
  std::stable_sort(arrays.begin(), arrays.end(),
                   [](const StoredArray& a, const StoredArray& b) { return width_of(a.type) > width_of(b.type); });
  Json header = Json::object();
  if (!text.empty()) header[kMetadata] = text;
  std::uint64_t end = 0;
  for (const StoredArray& one : arrays) {
    const std::uint64_t begin = end;
    end += one.bytes.size();
    if (width_of(one.type) == 0 || size_of(one.type, one.shape, one.bytes.size()) != one.bytes.size())
      fail("{}: the tensor '{}' has {} bytes, which is not its shape", file.name().string(), one.name,
           one.bytes.size());
    if (header.contains(one.name)) fail("{}: there are two tensors '{}'", file.name().string(), one.name);
    header[one.name] = {{"dtype", one.type}, {"shape", one.shape}, {"data_offsets", {begin, end}}};
  }
  std::string words = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  words.resize((words.size() + kPrefix - 1) / kPrefix * kPrefix, ' ');

  const std::uint64_t size = words.size();
  file.write(std::as_bytes(std::span(&size, 1)));
  file.write(std::as_bytes(std::span(words)));
  for (const StoredArray& one : arrays) file.write(one.bytes);
}

StoredArrays::StoredArrays(const std::filesystem::path& path) : path_(path.string()), file_(path) {
  const Header header(path_, file_.bytes());
  text_ = header.text();
  arrays_ = header.arrays();
}

const StoredArray* StoredArrays::find(const std::string& name) const {
  const auto found = std::find_if(arrays_.begin(), arrays_.end(), [&](const StoredArray& a) { return a.name == name; });
  return found == arrays_.end() ? nullptr : &*found;
}

std::span<const std::byte> StoredArrays::bytes_of(const std::string& name, const std::string& type) const {
  const StoredArray* array = find(name);
  if (!array) fail_data("{} has no tensor '{}'", path_, name);
  if (array->type != type) fail_data("{}: the tensor '{}' is of type {}, not {}", path_, name, array->type, type);
  return array->bytes;
}

}  // namespace lra
