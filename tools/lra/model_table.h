/// Tables of models.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"

namespace lra {

/// One object per name, which must be registered: name, class, complexity, parameters (on text, preset quick), paper
/// and summary. If `wanted` is not empty, only models of that class; throws a usage error if no registered model has
/// it.
Json model_rows(const std::vector<std::string>& names, const std::string& wanted);

/// Sorts rows by their first class, then by name, and adds two fields to each: "group", the first class, and "also",
/// its other classes.
Json grouped(const Json& rows);

/// The authors, venue and year of a paper, without its title and identifier.
std::string short_citation(const std::string& paper);

/// Formats rows as Markdown tables, one per class, each under a heading.
std::string model_page(const Json& rows);

/// Formats rows as one short Markdown table, which names each class once.
std::string model_table(const Json& rows);

}  // namespace lra
