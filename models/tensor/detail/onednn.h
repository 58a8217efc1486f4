/// The door to oneDNN. Its primitives are made and run only in worker threads that hold one of these.
#pragma once

#include <string>

#include "models/tensor/real.h"

namespace lra::inline LRA_ENGINE {

/// Makes the calling thread a worker: matrix products may run in it, on this one thread, with primitives of its own.
/// oneDNN gives different bits when a primitive is made under several OpenMP threads, so the thread is set to one
/// first.
class Worker {
 public:
  Worker();
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
};

/// Of the library that is loaded, such as "2.6.3".
std::string onednn_version();
/// The instruction set that it uses, such as "AVX512_CORE": the machine's best, or less where the environment variable
/// ONEDNN_MAX_CPU_ISA says so in the same words. Other sets give other bits.
std::string onednn_instruction_set();
/// Distinct matrix-product primitives that the calling worker holds.
long primitive_count();

}  // namespace lra::inline LRA_ENGINE
