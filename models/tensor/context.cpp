#include "models/tensor/context.h"

namespace lra::inline LRA_ENGINE {

Context& Context::current() {
  thread_local Context context;
  return context;
}

}  // namespace lra::inline LRA_ENGINE
