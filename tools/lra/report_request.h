/// Opens the database of a command, and tells reports about the models and tasks of this build.
#pragma once

#include <string>

#include "results/tables/report.h"

namespace lra {

/// A request for `table` with the revisions and facts of every model of this build. An empty `preset` means all.
ReportRequest report_request(const std::string& table, const std::string& preset);

/// The models of this build that others are compared with.
const ReferenceModels& reference_models();

/// Every stored run, done or not, ordered by id.
std::vector<StoredRun> all_runs(const Store& store);

/// The models with stored runs, done or not, or measurements.
std::vector<std::string> stored_models(const Store& store);

/// Opens an existing database for reading. Throws a data error that says how to create one if it does not exist.
Store open_database(const std::string& path);
/// Opens a database for writing and creates it when it is missing. Logs a warning if it is on a network file system.
Store open_database_to_write(const std::string& path);

}  // namespace lra
