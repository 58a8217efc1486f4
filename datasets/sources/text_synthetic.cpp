/// A substitute for film reviews: whether a text, read byte by byte, praises the subject that its opening asks for. The
/// rule is in datasets/verdicts.h: Bayes accuracy 1, and 0.6875 with 4 subjects for logistic regression on counts.
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
    f("train", train, "training texts");
    f("valid", valid, "validation texts");
    f("test", test, "test texts");
    f("length", rules.length, "bytes of a text");
    f("subjects", rules.subjects, "subjects that a text judges");
    f("copies", rules.copies, "how often each is judged");
    f("seed", seed, "seed of the generator");
  }
};

Corpus make(const Config& config, const std::filesystem::path&) {
  verdicts::check(config.rules, "text_synthetic");
  const auto write = [&](Sequence& draw, long, Examples& split) {
    const auto text = verdicts::write(config.rules, draw);
    split.add(byte_tokens(text.bytes, config.rules.length), text.praised);
  };
  return generate("text_synthetic", config.seed, {config.train, config.valid, config.test}, write);
}

const RegisterSource<Config> registered{"text_synthetic",
                                        {"texts that judge several subjects and ask for one of them",
                                         "generated here, no licence needed",
                                         "none: made for this project",
                                         1,
                                         {"neg", "pos"}},
                                        no_inputs<Config>,
                                        make};

}  // namespace
}  // namespace lra
