/// The life of one cell inside its own process.
#pragma once

#include <atomic>
#include <string>

namespace lra {

/// Trains what `request` asks for (see protocol.h) and answers on kAnswerDescriptor. Returns the process's exit code;
/// throws only when the request cannot be read.
int run_cell(const std::string& request, const std::atomic<bool>& stop);

}  // namespace lra
