/// Remedies for system errors.
#pragma once

#include <string>

namespace lra {

/// Return the remedy for the errno of a failed open, create or write, such as "raise the limit of open files (ulimit
/// -n)". Empty when the errno alone suggests none.
std::string remedy_of(int error);

}  // namespace lra
