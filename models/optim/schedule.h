/// Learning-rate schedules.
#pragma once

#include "tasks/recipe.h"

namespace lra {

/// Returns the learning rate of update number `step`, from 0. With w warm-up steps:
///   constant  lr · min(1, step/w)
///   rsqrt     lr · min(1, step/w) / √max(step, w)                          LRA's text tasks
///   cosine    lr · min(1, step/w) · ½(1 + cos(π·frac)), frac = max(0, (step − w)/cycle) mod 1     LRA's image tasks
///   linear    one cycle: up to lr over w steps, then down to 0 at the last step
/// Throws a usage error for an unknown schedule.
double learning_rate(const Recipe& recipe, long step);

/// Returns the same for parameters whose learning rate is limited: scaled so that the peak of the schedule is at most
/// `most`.
double learning_rate(const Recipe& recipe, long step, double most);

/// Throws a usage error that names the first invalid setting (batch of 0, unknown schedule or selection, …).
void check(const Recipe& recipe);

}  // namespace lra
