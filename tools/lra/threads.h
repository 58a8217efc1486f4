/// How many threads a command uses.
#pragma once

namespace lra {

/// What --threads asks for; 0: one for each CPU that this process may use. Says on stderr when that is more than it can
/// use. Throws a usage error for a number out of range.
long threads_of(long asked);

/// Whether so many threads have to share the CPUs that this process may use, so that their timings are no model's own.
bool is_more_than_machine(long threads);

}  // namespace lra
