/// Which vector instructions our own kernels use. Other ones give other bits.
#pragma once

#include <string>

#include "models/tensor/real.h"

namespace lra::inline LRA_ENGINE::kernels {

/// From now on none better than `highest`, one of the names that instruction_set() gives (kernels.h). Before any kernel
/// has run. Throws a usage error that lists what there is here when `highest` is none of it.
void limit_instruction_set(const std::string& highest);

}  // namespace lra::inline LRA_ENGINE::kernels
