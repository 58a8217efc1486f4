/// Default locations of data, cache and database.
#pragma once

#include <filesystem>
#include <string>

#include "tasks/task.h"
#include "tools/lra/command_line.h"

namespace lra {

/// $XDG_CACHE_HOME/lra, or ~/.cache/lra. Throws a usage error when neither variable is set.
std::filesystem::path cache_folder();

/// Official files are read from `data`, or from the cache folder if it is empty; prepared data always go to the cache
/// folder. Throws a usage error when `data` is given but is not a readable folder.
DataPaths data_paths(const std::string& data);

/// The same for a folder from a stored run, which may no longer exist.
DataPaths remembered_paths(const std::string& data);

/// The folder for official files: `data`, or the cache folder if it is empty. It need not exist.
std::filesystem::path data_destination(const std::string& data);

/// Logs the plan's remark on what its data stand in for, each remark once.
void warn_of_remark(const TaskPlan& plan);

inline constexpr const char* kDefaultDatabase = "lra.db";

/// Adds --db, which LRA_DB sets too; the current value of `database` is the default.
Option add_database_option(const Command& command, std::string& database,
                           const std::string& help = "database of results");

}  // namespace lra
