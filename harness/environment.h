/// The machine and the program that computed a result, stored with every result.
#pragma once

#include "results/store/record.h"

namespace lra {

Environment capture_environment();

}  // namespace lra
