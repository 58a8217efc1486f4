/// Hints for missing official files: similar files that were found, and the command that fetches the missing ones.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lra {

/// Return a clause on a file below `root` that resembles one of `places` but cannot be read as it is: compressed, spelt
/// in another case, partly downloaded, a folder without the file. Empty when there is none.
std::string near_form(const std::filesystem::path& root, const std::vector<std::string>& places);

/// Return "'lra data fetch imdb --data DIR' gets them". Requires that `name` is one of official_downloads().
std::string fetch_remedy(const std::string& name, const std::filesystem::path& root);

}  // namespace lra
