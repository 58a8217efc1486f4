/// Access to oneDNN. Primitives are created and executed only in threads that hold a Worker.
#pragma once

#include <string>

#include "models/tensor/real.h"

namespace lra::inline LRA_ENGINE {

/// Makes the calling thread a worker: it may compute matrix products, single-threaded and with its own primitives. The
/// constructor limits OpenMP to one thread, because oneDNN returns different bits when a primitive is created under
/// several.
class Worker {
 public:
  Worker();
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
};

/// Returns the version of the loaded library, such as "2.6.3".
std::string onednn_version();
/// Returns the instruction set that oneDNN uses, such as "AVX512_CORE": the machine's best, or the one that the
/// environment variable ONEDNN_MAX_CPU_ISA names. Results differ in bits between instruction sets.
std::string onednn_instruction_set();
/// Returns how many distinct matrix-product primitives the calling worker holds.
long primitive_count();

}  // namespace lra::inline LRA_ENGINE
