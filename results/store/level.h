/// What the bits of a result depend on beside its experiment: the instruction set of our own kernels, oneDNN's version,
/// and the instruction set that oneDNN uses.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "results/store/record.h"

namespace lra {

/// "AVX3 and oneDNN 2.6.3 on AVX512_CORE". Equal levels, equal bits.
std::string level_name(const Environment& environment);

/// "was made with AVX3 and oneDNN 2.6.3 on AVX2, here are …; set …": how `now` differs from `before` and what brings
/// the old level back. Empty when they agree, and where `before` comes from a version that did not note it.
std::string level_difference(const Environment& before, const Environment& now);

/// Whether one experiment gives several results in these places, as far as it is known.
bool several_levels(const std::vector<const Environment*>& places);
/// The same of the places where runs were made; `environments` holds those that StoredRun::environment names.
bool several_levels(const std::vector<const StoredRun*>& runs, const std::map<long, Environment>& environments);

}  // namespace lra
