/// The database that a command reads or writes, and what this build tells a report of its models.
#pragma once

#include <string>

#include "results/tables/report.h"

namespace lra {

/// A request for `table` with the revisions and facts of every model of this build. `preset` may be empty: all.
ReportRequest report_request(const std::string& table, const std::string& preset);

/// The models of this build that others are measured against.
const ReferenceModels& reference_models();

/// Every run that is stored, done or not, by number.
std::vector<StoredRun> all_runs(const Store& store);

/// The models that the database holds runs of, done or not, or measurements.
std::vector<std::string> stored_models(const Store& store);

/// An existing database, for reading. Throws a data error that says how to make one.
Store open_database(const std::string& path);
/// One to write into, made when missing. Warns where it lies in an unsafe place.
Store open_database_to_write(const std::string& path);

}  // namespace lra
