#include "tools/lra/places.h"

#include <cstdlib>

namespace lra {

std::filesystem::path cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache) return std::filesystem::path(cache) / "lra";
  const char* home = std::getenv("HOME");
  if (home && *home) return std::filesystem::path(home) / ".cache" / "lra";
  fail_usage("neither XDG_CACHE_HOME nor HOME is set, so there is no place for prepared data; set one of them");
}

DataPaths data_paths(const std::string& data) {
  return {data.empty() ? cache_folder() : std::filesystem::path(data), cache_folder() / "prepared"};
}

Option add_database_option(const Command& command, std::string& database, const std::string& help) {
  return command.add_option("--db", database, help).not_empty().environment("LRA_DB").shows_default();
}

}  // namespace lra
