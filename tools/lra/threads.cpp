#include "tools/lra/threads.h"

#include <spdlog/spdlog.h>

#include "core/error.h"
#include "core/machine.h"
#include "results/tables/document.h"

namespace lra {

long threads_of(long asked) {
  if (asked < 0 || asked > 1024) fail_usage("--threads must be from 1 to 1024, or 0 for one per CPU");
  if (asked == 0) return usable_cpus();
  if (is_more_than_machine(asked))
    spdlog::warn("--threads {} is more than the {} that this process can use: timings count as shared", asked,
                 plural(usable_cpus(), "CPU"));
  return asked;
}

bool is_more_than_machine(long threads) { return threads > usable_cpus(); }

}  // namespace lra
