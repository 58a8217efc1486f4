/// The subcommands of `lra data`. Each function adds one; running it sets the exit code.
#pragma once

#include <string>

#include "tools/lra/command.h"
#include "tools/lra/default_paths.h"

namespace lra {

void add_data_list(const Command& data, int& exit_code);
void add_data_generate(const Command& data, int& exit_code);
void add_data_import(const Command& data, int& exit_code);
void add_data_fetch(const Command& data, int& exit_code);
void add_data_verify(const Command& data, int& exit_code);
void add_data_show(const Command& data, int& exit_code);

/// Adds the option --data.
void add_data_option(const Command& command, std::string& data);

/// "20,000 / 1,000 / 1,000": train, validation, test.
std::string counts_text(const std::array<long, 3>& examples);

/// Imports `from` and prints the result to stdout as a table or as JSON.
void import_and_report(const std::filesystem::path& from, const std::filesystem::path& root, bool link, bool json);

}  // namespace lra
