/// Reads the file of `lra run --config`.
#pragma once

#include <functional>
#include <string>

#include "harness/experiment.h"
#include "tools/lra/command_line.h"

namespace lra {

/// Throws a usage error when the value of `option` is invalid. For "model-args", `entry` is the model to check.
using CheckOption = std::function<void(const std::string& option, const std::string& entry)>;

/// Reads a JSON object, in which comments are allowed, with options of `command`, named with "-" or "_". Options that
/// the command line does not set get the file's values. The "set", "model_args" and "sweep" objects go to `overrides`,
/// "sweep" only if --sweep was not given. Then calls `check` for each value taken. Throws a usage error that names the
/// file and the line.
void apply_config(const Command& command, const std::string& file, Overrides& overrides, const CheckOption& check);

}  // namespace lra
