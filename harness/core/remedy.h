/// What a user can do about a refusal of the system.
#pragma once

#include <string>

namespace lra {

/// Of an errno that a file could not be opened, made or written with: "raise the limit of open files (ulimit -n)".
/// Empty where the number alone tells nothing.
std::string remedy_of(int error);

}  // namespace lra
