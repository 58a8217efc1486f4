/// Multi-query associative recall (datasets/sources/recall.cpp): the value that stood beside the key which the last
/// token repeats. Ids: 0 blank, then keys, then values; a class per value.
///
///   Arora, Eyuboglu, Timalsina, Johnson, Poli, Zou, Rudra, Ré. "Zoology: Measuring and Improving Recall in Efficient
///   Language Models." ICLR 2024 (arXiv:2312.04927). There every query is answered; here, as every task has one label
///   per example, the last one.
#include "tasks/definition.h"

namespace lra {
namespace {

constexpr const char* kRecallPresets = R"({
  "smoke": {
    "variant": "recall@smoke", "length": 16,
    "data": {"source": "recall", "train": 64, "valid": 32, "test": 32, "length": 16, "pairs": 2, "vocab": 16}
  },
  "quick": {
    "variant": "recall@quick", "length": 16,
    "data": {"source": "recall", "train": 100000, "valid": 1000, "test": 1000, "length": 16, "pairs": 4, "vocab": 16},
    "recipe": {"steps": 3000, "batch": 64, "lr": 0.003, "eval_every": 500}
  }
})";

void shape_recall(const Settings& data, TaskSpec& spec) {
  spec.vocab = std::get<std::int64_t>(data.at("vocab"));
  spec.classes = spec.vocab - spec.vocab / 2;
}

std::string render_pairs(const TaskSpec& spec, std::span<const std::uint16_t> tokens) {
  std::string text;
  for (const std::uint16_t token : tokens) {
    if (!text.empty()) text += ' ';
    if (token == 0)
      text += '.';
    else
      text += token < spec.vocab / 2 ? fmt::format("k{}", token) : fmt::format("v{}", token - spec.vocab / 2);
  }
  return text + "\n";
}

const RegisterTask registered{"recall",
                              {.summary = "the value paired with the key that the last token asks for",
                               .citation = "Arora et al. 2024",
                               .official = "none: it is generated",
                               .vocab = 64,
                               .classes = 32,
                               .may_stay_at_chance = true,
                               .render = render_pairs,
                               .settings = {"pairs", "vocab"},
                               .shape = shape_recall,
                               .presets = kRecallPresets}};

}  // namespace
}  // namespace lra
