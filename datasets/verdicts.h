/// Texts that judge several subjects and ask for one of them: the rule behind the substitutes for Text and Retrieval.
///
///   "2 ohz qu rtyx … pzo A nz B vxu B qr a z C A …"
///
/// The opening names, by its number, the subject that is asked for. Each subject is judged `copies` times,
/// consistently, by one letter between blanks: subject 2 by "B" for praise or "b" for blame. The verdicts are at random
/// places of the second half; all other words consist of letters from the end of the alphabet. There is one fair coin
/// per subject, and the answer is the verdict on the requested subject. Hence
///
///   * the text determines the answer: the Bayes accuracy is 1;
///   * a weighted sum of byte counts, as in logistic regression, converges to equal weights for all subjects, since
///     each is equally likely to be asked for: it predicts whether most of the S are praised and is right with
///     probability E max(P, 1 − P), P ~ Binomial(S, 1/2) / S, which is 0.75 for 2 subjects and 0.6875 for 4;
///   * the opening and the verdict on its subject are at least half of the text apart.
#pragma once

#include <string>

#include "core/random.h"

namespace lra::verdicts {

struct Rules {
  long length = 1000;  // bytes of a text
  long subjects = 4;   // 1, 2, …; at most 9
  long copies = 4;     // verdicts on each
};

/// Throws a usage error that begins with `who` when no text can follow these rules.
void check(const Rules& rules, const std::string& who);

struct Text {
  std::string bytes;
  bool praised = false;  // the answer
};

Text write(const Rules& rules, Sequence& draw);

}  // namespace lra::verdicts
