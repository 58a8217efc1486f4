/// The file of `lra run --config`.
#pragma once

#include <string>

#include "harness/experiment.h"
#include "tools/lra/command_line.h"

namespace lra {

/// Reads a JSON object with options of `command`, named with "-" or "_". Those that the command line left alone get the
/// file's values; its "set", "model_args" and "sweep" objects go to `overrides`, "sweep" only if none was given.
/// Comments are allowed. Throws a usage error that names the file and the line.
void apply_config(const Command& command, const std::string& file, Overrides& overrides);

}  // namespace lra
