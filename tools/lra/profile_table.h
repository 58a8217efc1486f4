/// Prints profiles for `run` and `bench`.
#pragma once

#include <string>

#include "harness/profile.h"

namespace lra {

/// Prints milliseconds, operations and bytes per step by layer and op, in the order of the forward pass, then the time
/// outside arithmetic, under the heading `title`.
void print_profile(const std::string& title, const StepProfile& profile);

}  // namespace lra
