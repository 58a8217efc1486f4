/// One run or one bench figure as a JSON object: the form in which `--json` and the reports hand rows to other
/// programs.
#pragma once

#include <optional>

#include "results/tables/comparison.h"

namespace lra {

/// `run` (its id), `task`, `variant`, `preset`, `model`, `seed`, `status`, `accuracy` (null unless done), `baseline`
/// (accuracy of the majority class; null when unknown) and every other figure of the run, without history and
/// predictions.
Json json_row(const Run& run, std::optional<double> majority);

/// `model`, `length`, `batch`, `mode`, `threads`, `settings`, `speed_up` (null without transformer) and each metric by
/// name.
Json json_row(const BenchTable& table, const BenchRow& row);

/// The accuracy of the majority class on the run's data, if it is stored.
std::optional<double> majority_accuracy(const Store& store, const Run& run);

/// json_row of every run, with its majority class.
std::vector<Json> json_rows(const Store& store, const std::vector<const Run*>& runs);

}  // namespace lra
