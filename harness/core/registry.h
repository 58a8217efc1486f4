/// Plug-ins by name. A plug-in is one .cpp file that ends in one registration line; nothing else refers to it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/names.h"

namespace lra {

/// Maps a name to an Entry. One instance per Entry type, filled before main by static objects and by plug-ins at load.
template <typename Entry>
class Registry {
 public:
  /// `what` is the noun that error messages use, such as "model".
  explicit Registry(std::string what) : what_(std::move(what)) {}

  /// Throws when the name is taken: two files must not share a name.
  void add(const std::string& name, Entry entry) {
    if (!entries_.emplace(name, std::move(entry)).second) fail_usage("the {} '{}' is registered twice", what_, name);
  }

  bool contains(const std::string& name) const { return entries_.count(name) > 0; }

  /// Throws a usage error naming the nearest match.
  const Entry& at(const std::string& name) const {
    const auto found = entries_.find(name);
    if (found == entries_.end()) fail_usage("unknown {} '{}'{}", what_, name, suggestion(name, names()));
    return found->second;
  }

  /// Return all names in alphabetical order, independent of the link order.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [name, entry] : entries_) all.push_back(name);
    return all;
  }

 private:
  std::string what_;
  std::map<std::string, Entry> entries_;
};

}  // namespace lra
