/// The schema of the results database as a list of numbered migration steps. A database's `user_version` is the number
/// of steps applied to it. To change the schema, append a step; never edit an older one.
#pragma once

#include "results/store/database.h"

namespace lra {

/// The number of steps that this program knows.
int schema_version();

/// Throws a data error when the database belongs to another program or to a newer version of this one. Changes nothing.
void check_schema(const Database& database);

/// Applies the missing steps up to `version` in one transaction that keeps every row. Throws as check_schema does.
/// A migration also recreates the views.
void migrate(const Database& database, int version = schema_version());

}  // namespace lra
