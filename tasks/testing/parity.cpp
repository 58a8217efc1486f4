/// A task for tests only: this file and its source, parity_files.cpp, are all that a new task needs.
/// tools/lra/new_task_test.cpp runs the program with both.
#include "tasks/definition.h"

namespace lra {
namespace {

std::string render_bits(const TaskSpec&, std::span<const std::uint16_t> tokens) {
  std::string text;
  for (const std::uint16_t bit : tokens) text += bit ? 'x' : '.';
  return text + "\n";
}

const RegisterTask registered{"parity",
                              {.summary = "whether an odd number of bits is set",
                               .citation = "none: made for the tests of this project",
                               .official = "the folder parity with train.tsv, valid.tsv and test.tsv",
                               .vocab = 2,
                               .classes = 2,
                               .render = render_bits,
                               .presets = R"({
  "overnight": {
    "variant": "parity@overnight", "length": 8,
    "data": {"source": "parity_files", "length": 8},
    "recipe": {"steps": 10, "eval_every": 5}
  },
  "small": {
    "variant": "parity", "length": 64,
    "data": {"source": "parity_files"},
    "recipe": {"steps": 300}
  }
})"}};

}  // namespace
}  // namespace lra
