/// The numeric level: what the bits of a result depend on besides its experiment, namely the instruction set of our own
/// kernels, oneDNN's version, and the instruction set that oneDNN uses.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "results/store/record.h"

namespace lra {

/// "AVX3 and oneDNN 2.6.3 on AVX512_CORE". Equal levels give equal bits.
std::string level_name(const Environment& environment);

/// "was made with AVX3 and oneDNN 2.6.3 on AVX2, here are …; set …": how `now` differs from `before`, and how to
/// restore the old level. Empty when they agree; a part that an older version did not record counts as equal.
std::string level_difference(const Environment& before, const Environment& now);

/// Whether these environments have more than one known level.
bool several_levels(const std::vector<const Environment*>& places);
/// The same for the environments of `runs`, looked up in `environments` by StoredRun::environment.
bool several_levels(const std::vector<const StoredRun*>& runs, const std::map<long, Environment>& environments);

}  // namespace lra
