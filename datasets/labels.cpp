#include "datasets/labels.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>
#include <utf8proc.h>

namespace lra {
namespace {

template <typename Number>
bool read_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// Whether a character is white space, including zero-width characters, or a mark that changes the writing direction.
bool is_blank(utf8proc_int32_t c) {
  const auto category = utf8proc_category(c);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP ||
         category == UTF8PROC_CATEGORY_CF || (c >= '\t' && c <= '\r') || c == 0x85;
}

/// Call f(bytes, is_blank) for each character; an invalid UTF-8 byte counts as one character.
template <typename F>
void for_each_character(std::string_view text, F f) {
  while (!text.empty()) {
    utf8proc_int32_t c = 0;
    const auto got = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                      static_cast<utf8proc_ssize_t>(text.size()), &c);
    const std::size_t bytes = got > 0 ? std::size_t(got) : 1;
    f(text.substr(0, bytes), got > 0 && is_blank(c));
    text.remove_prefix(bytes);
  }
}

/// Replace each run of blanks by one space.
std::string with_single_spaces(std::string_view text) {
  std::string out;
  bool blank = false;
  for_each_character(text, [&](std::string_view character, bool is_blank) {
    if (!is_blank) out.append(blank ? " " : "").append(character);
    blank = is_blank;
  });
  return out;
}

/// Fold the case and normalise the encoding of accents; in text that is not UTF-8, only lower ASCII letters.
std::string folded(const std::string& text) {
  utf8proc_uint8_t* out = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &out, utf8proc_option_t(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(out, std::free);
  if (size >= 0) return {reinterpret_cast<const char*>(out), std::size_t(size)};
  std::string lower = text;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  return lower;
}

}  // namespace

std::string_view trimmed(std::string_view label) {
  std::size_t begin = label.size(), end = 0, at = 0;
  for_each_character(label, [&](std::string_view character, bool is_blank) {
    if (!is_blank) begin = std::min(begin, at), end = at + character.size();
    at += character.size();
  });
  return begin < end ? label.substr(begin, end - begin) : std::string_view();
}

void sort_labels(std::vector<std::string>& labels) {
  std::vector<std::pair<long, std::string>> numbered;
  for (const std::string& label : labels) {
    long value = 0;
    if (!read_number(label, value)) return std::sort(labels.begin(), labels.end());
    numbered.emplace_back(value, label);
  }
  std::sort(numbered.begin(), numbered.end());
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = numbered[i].second;
}

std::string spelling_free(std::string_view label) {
  label = trimmed(label);
  while (label.size() > 1 && label.starts_with('"') && label.ends_with('"'))
    label = trimmed(label.substr(1, label.size() - 2));
  double value = 0;
  if (read_number(label, value) && std::isfinite(value)) return fmt::format("{}", value + 0.0);
  return folded(with_single_spaces(label));
}

}  // namespace lra
