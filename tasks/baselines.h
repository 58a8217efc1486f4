/// Baselines without a model, which every accuracy must be compared with.
#pragma once

#include <string>
#include <vector>

#include "datasets/dataset.h"
#include "tasks/spec.h"

namespace lra {

struct BaselineScore {
  std::string name;  // majority | first_token | bag_of_tokens
  long correct = 0, examples = 0;
};

/// Three predictors fitted on the train split and scored on every test example:
///   majority       the most frequent label;
///   first_token    the most frequent label given the first token, or both first tokens where the task is paired;
///   bag_of_tokens  multinomial logistic regression on the token frequencies of the sequence, or of each of the two
///                  where the task is paired.
///
/// Ties go to the smaller label. The same data yield the same scores, bit for bit on one machine.
std::vector<BaselineScore> score_baselines(const Dataset& data, const TaskSpec& spec);

}  // namespace lra
