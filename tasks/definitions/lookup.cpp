/// A question and its answer among noise (datasets/sources/lookup.cpp): a model that does not relate tokens stays at
/// chance, one that does is always right. Ids: 4 questions, 4 times 2 answers, 8 fillers.
#include "tasks/definition.h"

namespace lra {
namespace {

constexpr const char* kPresets = R"({
  "smoke": {
    "variant": "lookup@smoke", "length": 24,
    "data": {"source": "lookup", "train": 64, "valid": 32, "test": 32, "length": 24},
    "encoder": {"pool": "cls"},
    "models": {
      "identity": {"encoder": {"pool": "mean"}},
      "local": {"encoder": {"pool": "mean"}},
      "sparse": {"encoder": {"layers": 2}},
      "routing": {"encoder": {"layers": 2}},
      "transformer_xl": {"encoder": {"pool": "mean"}},
      "compressive": {"encoder": {"pool": "mean"}},
      "lmuformer": {"encoder": {"pool": "mean"}},
      "reformer": {"encoder": {"pool": "mean"}},
      "reversible_reformer": {"encoder": {"pool": "mean"}},
      "perceiver": {"encoder": {"pool": "mean"}},
      "tokenlearner": {"encoder": {"pool": "mean"}}
    }
  },
  "quick": {
    "variant": "lookup@quick", "length": 64,
    "data": {"source": "lookup", "train": 20000, "valid": 1000, "test": 1000, "length": 64},
    "encoder": {"pool": "cls"},
    "models": {
      "identity": {"encoder": {"pool": "mean"}},
      "local": {"encoder": {"pool": "mean"}},
      "image_transformer": {"encoder": {"pool": "mean"}},
      "transformer_xl": {"encoder": {"pool": "mean"}},
      "compressive": {"encoder": {"pool": "mean"}, "mixer": {"segment": 16, "memory": 16}},
      "lmuformer": {"encoder": {"pool": "mean"}},
      "poolingformer": {"encoder": {"pool": "mean"}},
      "clusterformer": {"encoder": {"pool": "mean"}},
      "reformer": {"encoder": {"pool": "mean"}},
      "reversible_reformer": {"encoder": {"pool": "mean"}},
      "perceiver": {"encoder": {"pool": "mean"}},
      "tokenlearner": {"encoder": {"pool": "mean"}}
    }
  }
})";

const RegisterTask registered{"lookup",
                              {.summary = "the answer, among noise, to the question that the first token asks",
                               .citation = "none: made for this project",
                               .official = "none: it is generated",
                               .vocab = 20,
                               .classes = 2,
                               .may_stay_at_chance = true,
                               .presets = kPresets}};

}  // namespace
}  // namespace lra
