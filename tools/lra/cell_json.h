/// What `lra run --json` says of a cell. A contract: names and types are tested.
#pragma once

#include "harness/runner.h"

namespace lra {

/// One object. Figures that a cell does not have (it failed, or its loss was no number) are null.
Json cell_json(const Outcome& outcome, const std::vector<Baseline>& baselines);

}  // namespace lra
