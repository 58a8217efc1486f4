/// What every model is, as a table.
#pragma once

#include <string>

#include "harness/core/json.h"

namespace lra {

/// Of each registered model: name, class, complexity, parameters (at text, preset quick), paper, summary. With
/// `wanted`, only models of that class, which is one of those that some model has; otherwise throws a usage error.
Json model_rows(const std::string& wanted);

/// The same as a table in Markdown: the one in README.md.
std::string model_table();

}  // namespace lra
