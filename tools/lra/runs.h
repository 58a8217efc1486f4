/// `lra runs`: what the database holds, run by run.
#pragma once

#include <string>

namespace lra {

/// Trains run `id` of the database anew, from what is stored of it, and compares. Prints what agrees; returns the exit
/// code: 0 when parameters, predictions and history agree to the bit, 1 when not. Throws a usage error for an unknown
/// run and a data error when its data is not here.
int reproduce_run(const std::string& database, long id, const std::string& data, long threads);

}  // namespace lra
