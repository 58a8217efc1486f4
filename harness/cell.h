/// Runs one cell inside its own process.
#pragma once

#include <atomic>
#include <string>

namespace lra {

/// Runs the cell that `request` describes (see protocol.h) and writes the answers to kAnswerDescriptor. Returns the
/// process's exit code; throws only when the request cannot be read.
int run_cell(const std::string& request, const std::atomic<bool>& stop);

}  // namespace lra
