/// The file of `lra run --config`.
#pragma once

#include <functional>
#include <string>

#include "harness/experiment.h"
#include "tools/lra/command_line.h"

namespace lra {

/// Throws a usage error for what no run can have as the value of `option`; `entry` is a model of "model-args".
using CheckOption = std::function<void(const std::string& option, const std::string& entry)>;

/// Reads a JSON object with options of `command`, named with "-" or "_". Those that the command line left alone get the
/// file's values; its "set", "model_args" and "sweep" objects go to `overrides`, "sweep" only if none was given.
/// Comments are allowed. Once all are read, `check` sees each value. Throws a usage error that names the file and the
/// line.
void apply_config(const Command& command, const std::string& file, Overrides& overrides, const CheckOption& check);

}  // namespace lra
