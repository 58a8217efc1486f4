/// What to say of official files that are not there: what lies near them, and the command that gets them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lra {

/// A clause on what lies below `root` that may be meant by one of `places` and cannot be read as it is: compressed,
/// spelt in another case, half downloaded, a folder without the file. Empty when there is nothing of the kind.
std::string near_form(const std::filesystem::path& root, const std::vector<std::string>& places);

/// "'lra data fetch imdb --data DIR' gets them": `name` is a name of official_downloads().
std::string fetch_remedy(const std::string& name, const std::filesystem::path& root);

}  // namespace lra
