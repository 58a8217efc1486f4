/// `lra runs reproduce`.
#pragma once

#include <string>

namespace lra {

/// Trains run `id` of the database again from its stored experiment, and prints which results agree. Returns the exit
/// code: 0 if parameters, predictions and history are bit-identical, 1 if not, kInterrupted after an interruption.
/// Throws a usage error for an unknown run, and a data error when its data are not available.
int reproduce_run(const std::string& database, long id, const std::string& data, long threads);

}  // namespace lra
