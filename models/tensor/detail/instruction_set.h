/// Which vector instructions the project's own kernels use. Results differ in bits between instruction sets.
#pragma once

#include <string>

#include "models/tensor/real.h"

namespace lra::inline LRA_ENGINE::kernels {

/// Limits the kernels to instruction sets up to `highest`, a name that instruction_set() may return (kernels.h). Must
/// be called before any kernel runs. Throws a usage error that lists the available sets when `highest` is not among
/// them.
void limit_instruction_set(const std::string& highest);

}  // namespace lra::inline LRA_ENGINE::kernels
