/// Multi-query associative recall: pairs of a key and a value, then the keys again as queries.
///
///   Arora, Eyuboglu, Timalsina, Johnson, Poli, Zou, Rudra, Ré. "Zoology: Measuring and Improving Recall in Efficient
///   Language Models." ICLR 2024 (arXiv:2312.04927), section 3 and appendix E.
///
/// Ids of zoology: 0 is blank, 1 … vocab/2 − 1 are keys, the rest are values. An example begins with `pairs` keys, all
/// different, each followed by its value, all different too. Each key is asked for once in what follows. The queries
/// are at distinct slots of two tokens, drawn in turn with probabilities that fall with the distance from the pairs as
/// (slot + 1)^(power − 1); everything else is blank.
///
/// Zoology has a language model answer every query. Here an example has one label, so one query counts: the last, which
/// is the last token of the sequence, where a model can find it; its key is any of the pairs' with equal probability.
/// The label is its value, counted from 0.
///
/// Only a model that relates the query, the key and the value beside it is always right. A count of tokens finds the
/// values that occur and chooses among them: an accuracy of 1 / pairs.
#include <cmath>
#include <numeric>

#include "datasets/source.h"

namespace lra {
namespace {

using Tokens = std::vector<std::uint16_t>;

struct Config {
  long train = 100000, valid = 1000, test = 1000;
  long length = 64, pairs = 4, vocab = 64;
  double power = 0.01;
  long seed = 0;

  void fields(auto&& f) {
    f("train", train, "training examples");
    f("valid", valid, "validation examples");
    f("test", test, "test examples");
    f("length", length, "tokens of an example, at least four for each pair", at_least(4));
    f("pairs", pairs, "pairs of a key and a value", at_least(1));
    f("vocab", vocab, "tokens: a blank, keys up to half of them, values", between(4, 65536));
    f("power", power, "exponent of the power law of the queries' places: 1 is uniform, less is nearer to the pairs",
      between(0, 1));
    f("seed", seed, "seed of the generator");
  }

  long keys() const { return vocab / 2 - 1; }
  long values() const { return vocab - vocab / 2; }
};

void check(const Config& config, const std::filesystem::path&) {
  if (config.pairs > config.keys())
    fail_usage("recall: a vocabulary of {} has {} keys, too few for {} different ones; raise vocab or lower pairs",
               config.vocab, config.keys(), config.pairs);
  if (4 * config.pairs > config.length)
    fail_usage("recall: {} pairs and their queries take {} tokens, but the length is {}; raise length or lower pairs",
               config.pairs, 4 * config.pairs, config.length);
}

/// Return `count` different numbers from `first` to `first + size − 1` in random order.
Tokens choose(Sequence& draw, long first, long size, long count) {
  Tokens all(static_cast<std::size_t>(size));
  std::iota(all.begin(), all.end(), std::uint16_t(first));
  for (std::size_t i = 0; i < std::size_t(count); ++i)
    std::swap(all[i], all[i + draw.below(std::uint32_t(all.size() - i))]);
  all.resize(std::size_t(count));
  return all;
}

/// Return an index with probability proportional to its weight.
std::size_t pick(Sequence& draw, const std::vector<double>& weights) {
  double rest = draw.uniform() * std::accumulate(weights.begin(), weights.end(), 0.0);
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    last = i;
    rest -= weights[i];
    if (rest < 0) break;
  }
  return last;
}

int fill(const Config& config, Sequence& draw, Tokens& tokens) {
  const auto pairs = std::size_t(config.pairs), context = 2 * pairs;
  Tokens keys = choose(draw, 1, config.keys(), config.pairs);
  const Tokens values = choose(draw, config.vocab / 2, config.values(), config.pairs);
  tokens.assign(std::size_t(config.length), 0);
  for (std::size_t i = 0; i < pairs; ++i) tokens[2 * i] = keys[i], tokens[2 * i + 1] = values[i];

  const std::size_t last = draw.below(std::uint32_t(pairs));
  tokens.back() = keys[last];
  keys.erase(keys.begin() + long(last));
  draw.shuffle(keys);
  std::vector<double> weights((tokens.size() - context) / 2);
  for (std::size_t slot = 0; slot < weights.size(); ++slot) weights[slot] = std::pow(slot + 1.0, config.power - 1);
  for (const std::uint16_t key : keys) {
    const std::size_t slot = pick(draw, weights);
    tokens[context + 2 * slot] = key;
    weights[slot] = 0;
  }
  return int(values[last] - config.vocab / 2);
}

Corpus make(const Config& config, const std::filesystem::path& root) {
  check(config, root);
  return generate_distinct(
      "recall", config.seed, {config.train, config.valid, config.test},
      [&](Sequence& draw, Tokens& tokens) { return std::optional(fill(config, draw, tokens)); },
      "hardly any new sequence is left; ask for fewer examples, more pairs or a larger vocabulary");
}

const RegisterSource<Config> registered{
    "recall",
    {"pairs of keys and values, then the keys as queries; the value of the last one is asked for",
     "generated here, no licence needed",
     "Arora et al. Zoology: Measuring and Improving Recall in Efficient Language Models. ICLR 2024"},
    no_inputs<Config>,
    make,
    {},
    check};

}  // namespace
}  // namespace lra
