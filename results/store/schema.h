/// The tables of the results database, as numbered steps. A database says in `user_version` how many it has been
/// through; a change of the schema is one more step at the end of the list, never an edit of an older one.
#pragma once

#include "results/store/database.h"

namespace lra {

/// The number of steps this program knows.
int schema_version();

/// Throws a data error when the database belongs to another program or to a newer version of this one. Changes nothing.
void check_schema(const Database& database);

/// Takes the database through the steps it lacks, up to `version`, in one transaction that keeps every row. Views are
/// made anew, so they may change without a step.
void migrate(const Database& database, int version = schema_version());

}  // namespace lra
