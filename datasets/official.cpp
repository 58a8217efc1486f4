#include "datasets/official.h"

#include <algorithm>

#include "datasets/source.h"

namespace lra {

std::optional<OfficialFile> recognise(std::string_view path) {
  const PathNames names(path);
  for (const std::string& source : sources().names()) {
    const auto& recogniser = sources().at(source).official.recognise;
    std::optional<OfficialFile> file = recogniser ? recogniser(names) : std::nullopt;
    if (!file) continue;
    file->source = source;
    return file;
  }
  return {};
}

PathNames::PathNames(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    if (!name.empty() && name != ".") names_.emplace_back(name);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
}

const std::string& PathNames::last(std::size_t i) const {
  static const std::string none;
  return i < names_.size() ? names_[names_.size() - 1 - i] : none;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<std::string> stem_of(std::string_view name, std::string_view prefix, std::string_view suffix) {
  if (name.size() < prefix.size() + suffix.size() || !name.starts_with(prefix) || !name.ends_with(suffix)) return {};
  return std::string(name.substr(prefix.size(), name.size() - prefix.size() - suffix.size()));
}

}  // namespace lra
