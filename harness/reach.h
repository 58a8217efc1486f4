/// What of an example and of a model a cell's settings leave out: tokens that cannot influence the logits, and
/// mechanisms that are never reached.
#pragma once

#include <string>
#include <vector>

#include "harness/train.h"

namespace lra {

/// For each token of an example whose sequences have `length` tokens: whether the derivative of the untrained model's
/// logits with respect to its embedding is not zero for one of a few draws of parameters; several, because models that
/// choose by content relate other tokens in each. Takes a few forward and backward passes of a narrow model.
std::vector<bool> reached_tokens(const Experiment& experiment, long length);

/// The mechanisms that the experiment's settings switch off (ModelEntry::switched_off), as a sentence without a full
/// stop; empty if there are none. Takes no time.
std::string switched_off(const Experiment& experiment);

/// A caveat on the result as a sentence without a full stop, "sees 49 of 1,000 tokens; attention along columns is
/// switched off"; empty if the model sees all tokens and reaches all its mechanisms. As expensive as reached_tokens,
/// which it does not ask about sequences longer than Path-X's 16,384: a pass may cost N².
std::string reach_caveat(const Experiment& experiment, long length);

}  // namespace lra
