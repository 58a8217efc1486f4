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
/// Throws a usage error where `data` is not a folder that can be read: whoever names one means it.
DataPaths data_paths(const std::string& data);

/// The same for a folder that nobody named now: that data were there once.
DataPaths remembered_paths(const std::string& data);

/// Where official files are put: `data`, or the cache folder. It need not exist.
std::filesystem::path data_destination(const std::string& data);

/// Says on stderr, each sentence once, what the plan's data stand in for.
void tell_remark(const TaskPlan& plan);

inline constexpr const char* kDefaultDatabase = "lra.db";

/// --db, or LRA_DB. The variable's value is the default.
Option add_database_option(const Command& command, std::string& database,
                           const std::string& help = "database of results");

}  // namespace lra
