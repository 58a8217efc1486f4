/// A question and its answer at random places among noise: the smallest task that requires a model to relate tokens.
///
/// The first token asks for one of `keys` keys. Every key has a bit; half of the keys have 1. For each key, `copies`
/// tokens that represent (key, its bit) are at random places among random filler tokens. The label is the bit of the
/// requested key, so a model that looks it up is always right.
///
/// A weighted count of tokens, or a single position, cannot beat an accuracy of one half: the question and the bits are
/// drawn independently, each token by itself occurs as often under either label, and a sum of weights over tokens
/// cannot express "this question with that answer".
#include <algorithm>
#include <numeric>

#include "core/random.h"
#include "datasets/source.h"

namespace lra {
namespace {

struct Config {
  long train = 20000, valid = 1000, test = 1000;
  long length = 64;
  long keys = 4, copies = 4, fillers = 8;
  long seed = 0;

  void fields(auto&& f) {
    f("train", train, "training examples");
    f("valid", valid, "validation examples");
    f("test", test, "test examples");
    f("length", length, "tokens of an example");
    f("keys", keys, "keys that can be asked for, an even number");
    f("copies", copies, "tokens that tell a key's bit");
    f("fillers", fillers, "different filler tokens");
    f("seed", seed, "seed of the generator");
  }
};

/// Ids: questions, then (key, 0) and (key, 1) for each key, then fillers.
void fill(const Config& config, Sequence& draw, std::vector<std::uint16_t>& tokens, int& label) {
  std::vector<std::uint16_t> bits(std::size_t(config.keys));
  for (std::size_t key = 0; key < bits.size(); ++key) bits[key] = std::uint16_t(key % 2);
  draw.shuffle(bits);
  const auto asked = draw.below(std::uint32_t(config.keys));
  std::vector<std::uint16_t> body;
  for (long key = 0; key < config.keys; ++key)
    body.insert(body.end(), std::size_t(config.copies), std::uint16_t(config.keys + 2 * key + bits[std::size_t(key)]));
  while (long(body.size()) < config.length - 1)
    body.push_back(std::uint16_t(3 * config.keys + draw.below(std::uint32_t(config.fillers))));
  draw.shuffle(body);
  tokens.assign(1, std::uint16_t(asked));
  tokens.insert(tokens.end(), body.begin(), body.end());
  label = bits[asked];
}

Corpus make(const Config& config, const std::filesystem::path&) {
  if (config.keys < 2 || config.keys % 2 != 0 || config.copies < 1 || config.fillers < 1 ||
      config.length < 1 + config.keys * config.copies)
    fail_usage("lookup: impossible settings {}", to_json(config).dump());
  std::vector<std::uint16_t> tokens;
  const auto write = [&](Sequence& draw, long, Examples& split) {
    int label = 0;
    fill(config, draw, tokens, label);
    split.add(tokens, label);
  };
  return generate("lookup", config.seed, {config.train, config.valid, config.test}, write);
}

const RegisterSource<Config> registered{
    "lookup",
    {"a question and its answer among noise, for checks that a model relates tokens",
     "generated here, no licence needed", "none: made for this project"},
    no_inputs<Config>,
    make};

}  // namespace
}  // namespace lra
