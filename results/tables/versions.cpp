#include "results/tables/versions.h"

#include <algorithm>
#include <filesystem>
#include <set>

namespace lra {
namespace {

/// The folder of user data, whose task is named after it ("tsv:set" for /home/me/v1/set); empty for other data, which
/// do not depend on their folder.
std::string folder_of(const StoredRun& run) {
  const std::string name = std::filesystem::path(run.data_folder).filename().string();
  return !name.empty() && run.task.ends_with(":" + name) ? run.data_folder : std::string();
}

/// The shortest suffix of whole path components that no other path has: "v1/set" for /a/v1/set and /a/v2/set.
std::string shortest_unique_suffix(const std::string& path, const std::set<std::string>& paths) {
  for (std::size_t slash = path.rfind('/'); slash != std::string::npos && slash > 0;
       slash = path.rfind('/', slash - 1)) {
    const std::string end = path.substr(slash);
    if (std::count_if(paths.begin(), paths.end(), [&](const auto& other) { return other.ends_with(end); }) == 1)
      return end.substr(1);
  }
  return path;
}

void label_versions(const std::string& variant, const std::vector<Version*>& versions) {
  std::set<std::string> folders;
  for (const Version* version : versions) folders.insert(folder_of(*version->first));
  for (Version* version : versions) {
    const StoredRun& first = *version->first;
    const std::string folder = folder_of(first), number = "#" + first.data_fingerprint.substr(0, 6);
    if (folders.size() > 1 && !folder.empty()) {
      const std::size_t name = first.task.rfind(':') + 1;
      version->label =
          first.task.substr(0, name) + shortest_unique_suffix(folder, folders) + variant.substr(first.task.size());
    }
    if (folders.size() < versions.size()) version->label += " " + number;
    version->description = fmt::format("{}{}{}", number, folder.empty() ? "" : ", in " + folder,
                                       first.started.empty() ? "" : ", trained on since " + first.started);
  }
}

}  // namespace

bool is_on_task(const StoredRun& run, const std::string& name) {
  if (run.task == name) return true;
  const std::size_t colon = name.find(':'), slash = name.rfind('/');
  if (colon == std::string::npos || slash == std::string::npos || slash < colon) return false;
  if (run.task != name.substr(0, colon + 1) + name.substr(slash + 1)) return false;
  const std::string folder = name.substr(colon + 1);
  return run.data_folder.empty() || run.data_folder == folder || run.data_folder.ends_with("/" + folder);
}

std::map<DataKey, Version> versions_of(const std::vector<const StoredRun*>& runs) {
  std::map<DataKey, Version> all;
  for (const StoredRun* run : runs) {
    Version& version = all[data_key(*run)];
    if (!version.first || run->started < version.first->started) version.first = run;
    version.label = run->variant;
  }
  std::map<std::string, std::vector<Version*>> by_variant;
  for (auto& [key, version] : all) by_variant[key.first].push_back(&version);
  for (const auto& [variant, versions] : by_variant)
    if (versions.size() > 1) label_versions(variant, versions);
  return all;
}

}  // namespace lra
