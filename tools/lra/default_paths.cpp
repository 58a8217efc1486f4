#include "tools/lra/default_paths.h"

#include <cstdlib>
#include <set>

#include <spdlog/spdlog.h>

namespace lra {

std::filesystem::path cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache) return std::filesystem::path(cache) / "lra";
  const char* home = std::getenv("HOME");
  if (home && *home) return std::filesystem::path(home) / ".cache" / "lra";
  fail_usage("neither XDG_CACHE_HOME nor HOME is set, so there is no folder for prepared data; set one of them");
}

DataPaths data_paths(const std::string& data) {
  if (!data.empty()) {
    std::error_code error;
    const std::filesystem::directory_iterator readable(data, error);
    if (error)
      fail_usage("the data folder '{}' cannot be used ({}); --data or LRA_DATA must name an existing folder", data,
                 error.message());
  }
  return remembered_paths(data);
}

DataPaths remembered_paths(const std::string& data) { return {data_destination(data), cache_folder() / "prepared"}; }

std::filesystem::path data_destination(const std::string& data) {
  return data.empty() ? cache_folder() : std::filesystem::path(data);
}

void warn_of_remark(const TaskPlan& plan) {
  static std::set<std::string> told;
  if (!plan.remark.empty() && told.insert(plan.remark).second) spdlog::warn("{}", plan.remark);
}

Option add_database_option(const Command& command, std::string& database, const std::string& help) {
  return command.add_option("--db", database, help).not_empty().environment("LRA_DB").shows_default();
}

}  // namespace lra
