#include "models/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/error.h"
#include "core/names.h"

namespace lra {

namespace {

double warmup_steps(const Recipe& r) { return r.warmup < 1 ? std::floor(r.warmup * double(r.steps)) : r.warmup; }

}  // namespace

double learning_rate(const Recipe& r, long step, double most) {
  const double peak = r.schedule == "rsqrt" ? r.lr / std::sqrt(std::max(warmup_steps(r), 1.0)) : r.lr;
  const double lr = learning_rate(r, step);
  return peak > most ? lr * (most / peak) : lr;
}

double learning_rate(const Recipe& r, long step) {
  const double warmup = warmup_steps(r);
  const double s = double(step), rising = warmup > 0 ? std::min(1.0, s / warmup) : 1;
  if (r.schedule == "constant") return r.lr * rising;
  if (r.schedule == "rsqrt") return r.lr * rising / std::sqrt(std::max({s, warmup, 1.0}));
  const double rest = std::max(1.0, double(r.steps) - warmup);
  if (r.schedule == "cosine") {
    const double cycle = r.cycle > 0 ? r.cycle : rest;
    const double fraction = std::fmod(std::max(0.0, (s - warmup) / cycle), 1.0);
    return r.lr * rising * 0.5 * (1 + std::cos(std::numbers::pi * fraction));
  }
  if (r.schedule == "linear") return s < warmup ? r.lr * rising : r.lr * std::max(0.0, 1 - (s - warmup) / rest);
  fail_usage("recipe: unknown schedule '{}'{}", r.schedule,
             suggestion(r.schedule, {"constant", "rsqrt", "cosine", "linear"}));
}

void check(const Recipe& r) {
  const auto want = [](bool good, const char* name, auto value, const char* rule) {
    if (!good) fail_usage("recipe: setting '{}' is {}; it must be {}", name, value, rule);
  };
  expect_in_range(r, "recipe");
  want(std::isfinite(r.lr) && r.lr >= 0, "lr", r.lr, "a number of at least 0");
  want(r.warmup >= 0, "warmup", r.warmup, "at least 0");
  want(r.cycle >= 0, "cycle", r.cycle, "at least 0");
  want(r.weight_decay >= 0, "weight_decay", r.weight_decay, "at least 0");
  want(r.beta1 >= 0 && r.beta1 < 1, "beta1", r.beta1, "at least 0 and below 1");
  want(r.beta2 >= 0 && r.beta2 < 1, "beta2", r.beta2, "at least 0 and below 1");
  want(r.epsilon > 0, "epsilon", r.epsilon, "above 0");
  want(r.clip >= 0, "clip", r.clip, "at least 0");
  if (r.selection != "best_val" && r.selection != "last")
    fail_usage("recipe: unknown selection '{}'{}", r.selection, suggestion(r.selection, {"best_val", "last"}));
  (void)learning_rate(r, 0);
}

}  // namespace lra
