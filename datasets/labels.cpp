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

}  // namespace lra
