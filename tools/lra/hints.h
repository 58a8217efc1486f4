/// What to say of an option or a setting that is not there where it was written.
#pragma once

#include <string>
#include <vector>

#include "harness/core/json.h"
#include "tools/lra/command_line.h"

namespace lra {

/// What a command with these options takes after --set: settings of recipes and encoders, or of encoders alone where
/// there is no task; nothing without --set.
std::vector<std::string> settings_taken(const std::vector<std::string>& options);

/// How to set what was given as an option `name` and is a setting ("; 'steps' is a setting, not an option: --set
/// steps=5"), or the nearest option or setting; begins with what joins it to a sentence that says that a command with
/// these `options` lacks it. `value` may be empty.
std::string explain_option(const std::string& name, const std::string& value, const std::vector<std::string>& options);

/// "'k' is a setting of linformer: write linformer:k=…" when it is a setting of one of the models; else empty.
std::string explain_model_setting(const std::string& key, const std::vector<std::string>& models);

/// Throws a usage error for a key of --set that is none of its settings but means an option of the command, or a
/// setting of a model.
void check_no_option(const Json& settings, const Command& command);

}  // namespace lra
