/// A profile as text, for `run` and `bench`.
#pragma once

#include <string>

#include "harness/profile.h"

namespace lra {

/// Milliseconds, operations and bytes of a step by layer and op, in the order of the forward pass; then what was not
/// arithmetic. `title` opens it.
void print_profile(const std::string& title, const StepProfile& profile);

}  // namespace lra
