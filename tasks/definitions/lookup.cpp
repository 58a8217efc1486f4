/// A question and its answer among noise (datasets/sources/lookup.cpp): at chance without relating tokens, always right
/// with. Ids: 4 questions, 4 times 2 answers, 8 fillers.
#include "tasks/definition.h"

namespace lra {
namespace {

const RegisterTask registered{"lookup",
                              {.summary = "the answer, among noise, to the question that the first token asks",
                               .citation = "none: made for this project",
                               .official = "none: it is generated",
                               .vocab = 20,
                               .classes = 2}};

}  // namespace
}  // namespace lra
