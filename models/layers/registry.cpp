#include "models/layers/registry.h"

namespace lra::inline LRA_ENGINE {

Registry<ModelEntry>& models() {
  static Registry<ModelEntry> registry("model");
  return registry;
}

}  // namespace lra::inline LRA_ENGINE
