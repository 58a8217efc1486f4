/// Hints for error messages about misplaced or unknown options and settings.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "tools/lra/command_line.h"

namespace lra {

/// The settings that --set accepts in a command with these options: those of recipes and encoders, or of encoders alone
/// if it has no task; empty without --set.
std::vector<std::string> settings_taken(const std::vector<std::string>& options);

/// The rest of the sentence "'lra run' has no option '--steps'" for a command with these `options`: how to write it if
/// `name` is a setting ("; 'steps' is a setting, not an option: --set steps=5"), otherwise the nearest option or
/// setting, otherwise empty. `value` may be empty.
std::string explain_option(const std::string& name, const std::string& value, const std::vector<std::string>& options);

/// "'k' is a setting of linformer: write linformer:k=…" if `key` is a setting of one of the models; otherwise empty.
std::string explain_model_setting(const std::string& key, const std::vector<std::string>& models);

/// Throws a usage error for a key of --set that is an option of the command or a model's own setting instead.
void check_no_option(const Json& settings, const Command& command);

}  // namespace lra
