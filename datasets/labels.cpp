#include "datasets/labels.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

namespace lra {
namespace {

constexpr std::string_view kNoBreakSpace = "\xc2\xa0";

template <typename Number>
bool is_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// Bytes of the character in UTF-8 that `text` begins with; 0 where there is none.
std::size_t character_size(std::string_view text) {
  const auto at = [text](std::size_t i) { return std::uint32_t(std::uint8_t(text[i])); };
  const std::uint32_t first = at(0);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xC2 ? 0
                           : first < 0xE0 ? 2
                           : first < 0xF0 ? 3
                           : first < 0xF5 ? 4
                                          : 0;
  if (size < 2 || size > text.size()) return size == 1 ? 1 : 0;
  std::uint32_t code = first & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (at(i) & 0x3F);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  return code < kSmallest[size] || surrogate || code > 0x10FFFF ? 0 : size;
}

/// C0, DEL and C1.
bool is_control(std::string_view character) {
  const auto first = std::uint8_t(character[0]);
  return first < 0x20 || first == 0x7F || (first == 0xC2 && std::uint8_t(character[1]) < 0xA0);
}

}  // namespace

std::string_view trimmed(std::string_view label) {
  const auto cut = [&label](std::string_view space) {
    const bool leads = label.starts_with(space);
    if (leads) label.remove_prefix(space.size());
    const bool ends = label.ends_with(space);
    if (ends) label.remove_suffix(space.size());
    return leads || ends;
  };
  while (cut(" ") || cut("\t") || cut(kNoBreakSpace)) {
  }
  return label;
}

void sort_labels(std::vector<std::string>& labels) {
  std::vector<std::pair<long, std::string>> numbered;
  for (const std::string& label : labels) {
    long value = 0;
    if (!is_number(label, value)) return std::sort(labels.begin(), labels.end());
    numbered.emplace_back(value, label);
  }
  std::sort(numbered.begin(), numbered.end());
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = numbered[i].second;
}

std::string spelling_free(std::string_view label) {
  double value = 0;
  if (is_number(label, value) && std::isfinite(value)) return fmt::format("{}", value + 0.0);
  std::string lower(label);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  return lower;
}

std::string shown(std::string_view label) {
  std::string text;
  while (!label.empty()) {
    const std::size_t size = character_size(label);
    const std::string_view next = label.substr(0, std::max<std::size_t>(1, size));
    if (size == 0 || is_control(next))
      for (const char byte : next) text += fmt::format("\\x{:02X}", std::uint8_t(byte));
    else
      text += next;
    label.remove_prefix(next.size());
  }
  return text;
}

}  // namespace lra
