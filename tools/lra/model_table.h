/// What models are, as rows and as tables.
#pragma once

#include <string>
#include <vector>

#include "harness/core/json.h"

namespace lra {

/// Name, class, complexity, parameters (at text, preset quick), paper and summary of each of these models, which are
/// registered ones. With `wanted`, only of models of that class; throws a usage error where no model has it.
Json model_rows(const std::vector<std::string>& names, const std::string& wanted);

/// The rows by the first of their classes, in alphabetical order, rows of one class in theirs. Each row gets two more
/// fields: "group", that class, and "also", its other classes.
Json grouped(const Json& rows);

/// Authors, venue and year of a paper, without title and identifier.
std::string short_citation(const std::string& paper);

/// The rows as tables in Markdown, one per class, each under a heading.
std::string model_page(const Json& rows);

/// The rows as one short table in Markdown, which names each class once.
std::string model_table(const Json& rows);

}  // namespace lra
