/// The training recipe of a model on a task. A preset sets it, and every result stores it.
#pragma once

#include <algorithm>
#include <string>

#include "core/config.h"

namespace lra {

struct Recipe {
  long steps = 1000;
  long batch = 32;
  double lr = 1e-3;
  std::string schedule = "linear";  // constant | rsqrt | cosine | linear
  double warmup = 0.1;              // below 1: a fraction of `steps`; otherwise a number of steps
  double cycle = 0;                 // cosine: steps of one cycle; 0: from the end of warm-up to the last step
  double weight_decay = 0;          // decoupled: lr · weight_decay · parameter
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-9;
  double clip = 0;                     // largest global gradient norm; 0: no clipping
  long eval_every = 0;                 // steps between validations; 0: a tenth of `steps`
  std::string selection = "best_val";  // best_val | last: which parameters the test split is scored with
  long token_budget = 1024;            // tokens of a micro-batch; a longer example is a micro-batch of its own

  long validation_interval() const { return eval_every > 0 ? eval_every : std::max(1L, steps / 10); }
  /// Does a validation follow when so many steps are done? The last one always has its own.
  bool validates_after(long done) const { return done > 0 && (done == steps || done % validation_interval() == 0); }
  long validations() const { return (steps + validation_interval() - 1) / validation_interval(); }

  void fields(auto&& f) {
    f("steps", steps, "optimiser steps", at_least(1));
    f("batch", batch, "examples per step", between(1, kMostOfASize));
    f("lr", lr, "learning rate (the peak, but for rsqrt: the base)");
    f("schedule", schedule, "constant, rsqrt, cosine or linear");
    f("warmup", warmup, "warm-up: a fraction of the steps below 1, otherwise a number of steps");
    f("cycle", cycle, "cosine: steps of one cycle, 0 for the rest of the run");
    f("weight_decay", weight_decay, "decoupled weight decay");
    f("beta1", beta1, "Adam: decay of the first moment");
    f("beta2", beta2, "Adam: decay of the second moment");
    f("epsilon", epsilon, "Adam: added to the root of the second moment");
    f("clip", clip, "largest global gradient norm, 0 for none");
    f("eval_every", eval_every, "steps between validations, 0 for a tenth of the steps", at_least(0));
    f("selection", selection, "best_val or last: which parameters are tested");
    f("token_budget", token_budget, "tokens of a micro-batch", at_least(1));
  }
};

}  // namespace lra
