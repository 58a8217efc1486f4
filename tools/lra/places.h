/// Where things are when nothing else is said.
#pragma once

#include <filesystem>
#include <string>

#include "tasks/task.h"
#include "tools/lra/command_line.h"

namespace lra {

/// $XDG_CACHE_HOME/lra, or ~/.cache/lra. Throws a usage error when neither can be known.
std::filesystem::path cache_folder();

/// Official files are looked for in `data` (empty: the cache folder); prepared data always goes to the cache folder.
DataPaths data_paths(const std::string& data);

inline constexpr const char* kDefaultDatabase = "lra.db";

/// --db, or LRA_DB. The variable's value is the default.
Option add_database_option(const Command& command, std::string& database,
                           const std::string& help = "database of results");

}  // namespace lra
