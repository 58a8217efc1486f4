/// A substitute for pairs of papers: whether two texts, read byte by byte, have the same answer to their own questions.
///
/// Each text follows the rule of datasets/verdicts.h. Alone it is independent of the label, and so are byte counts: the
/// Bayes accuracy is 1, logistic regression on counts stays at one half.
#include "datasets/bytes.h"
#include "datasets/source.h"
#include "datasets/verdicts.h"

namespace lra {
namespace {

struct Config {
  long train = 20000, valid = 1000, test = 1000;
  verdicts::Rules rules;
  long seed = 0;

  void fields(auto&& f) {
    f("train", train, "training pairs");
    f("valid", valid, "validation pairs");
    f("test", test, "test pairs");
    f("length", rules.length, "bytes of a text");
    f("subjects", rules.subjects, "subjects that a text judges");
    f("copies", rules.copies, "how often each is judged");
    f("seed", seed, "seed of the generator");
  }
};

Corpus make(const Config& config, const std::filesystem::path&) {
  verdicts::check(config.rules, "retrieval_synthetic");
  const auto write = [&](Sequence& draw, long, Examples& split) {
    const auto one = verdicts::write(config.rules, draw), other = verdicts::write(config.rules, draw);
    split.add(byte_tokens(one.bytes, config.rules.length), byte_tokens(other.bytes, config.rules.length),
              one.praised == other.praised);
  };
  Corpus corpus = generate("retrieval_synthetic", config.seed, {config.train, config.valid, config.test}, write);
  corpus.paired = true;
  return corpus;
}

const RegisterSource<Config> registered{"retrieval_synthetic",
                                        {"pairs of texts that judge several subjects, linked where their answers agree",
                                         "generated here, no licence needed",
                                         "none: made for this project",
                                         1,
                                         {"differ", "agree"}},
                                        no_inputs<Config>,
                                        make};

}  // namespace
}  // namespace lra
