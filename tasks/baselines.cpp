#include "tasks/baselines.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <utility>

#include "tasks/batcher.h"

namespace lra {
namespace {

using Predictor = std::function<long(const Example&)>;

long argmax(const auto& values) { return std::max_element(values.begin(), values.end()) - values.begin(); }

Predictor majority(const Dataset& data, const TaskSpec& spec) {
  std::vector<long> counts(std::size_t(spec.classes));
  for (long i = 0; i < data.size(Split::train); ++i) ++counts[std::size_t(data.at(Split::train, i).label)];
  return [label = argmax(counts)](const Example&) { return label; };
}

Predictor first_token(const Dataset& data, const TaskSpec& spec) {
  const auto key = [](const Example& e) {
    return std::pair(e.tokens.front(), e.second.empty() ? std::uint16_t{0} : e.second.front());
  };
  std::map<std::pair<std::uint16_t, std::uint16_t>, std::vector<long>> counts;
  for (long i = 0; i < data.size(Split::train); ++i) {
    const Example example = data.at(Split::train, i);
    auto& of_key = counts[key(example)];
    of_key.resize(std::size_t(spec.classes));
    ++of_key[std::size_t(example.label)];
  }
  return [counts, key, otherwise = majority(data, spec)](const Example& example) {
    const auto found = counts.find(key(example));
    return found == counts.end() ? otherwise(example) : argmax(found->second);
  };
}

/// The nonzero token frequencies of an example.
class Bag {
 public:
  struct Entry {
    std::size_t feature;
    double share;
  };

  explicit Bag(const TaskSpec& spec) : vocab_(std::size_t(spec.vocab)), counts_(features(spec)) {}
  static std::size_t features(const TaskSpec& spec) { return std::size_t(spec.vocab * (spec.paired ? 2 : 1)); }

  const std::vector<Entry>& of(const Example& example) {
    entries_.clear();
    collect(example.tokens, 0);
    collect(example.second, vocab_);
    return entries_;
  }

 private:
  void collect(std::span<const std::uint16_t> sequence, std::size_t base) {
    if (sequence.empty()) return;
    for (const std::uint16_t token : sequence) ++counts_[base + token];
    for (std::size_t f = base; f < base + vocab_; ++f)
      if (counts_[f] > 0) entries_.push_back({f, double(std::exchange(counts_[f], 0)) / double(sequence.size())});
  }

  std::size_t vocab_;
  std::vector<long> counts_;
  std::vector<Entry> entries_;
};

/// Softmax regression on token frequencies divided by their root mean square, trained with Adam on mini-batches.
class BagOfTokens {
 public:
  BagOfTokens(const Dataset& data, const TaskSpec& spec)
      : bag_(spec),
        classes_(std::size_t(spec.classes)),
        scale_(Bag::features(spec)),
        weights_((Bag::features(spec) + 1) * classes_) {
    measure(data);
    fit(data);
  }

  long predict(const Example& example) { return argmax(logits(bag_.of(example))); }

 private:
  static constexpr long kBatch = 64, kExamples = 200000;  // examples seen in training, whatever the split's size
  static constexpr double kRate = 0.02, kBeta1 = 0.9, kBeta2 = 0.999;

  void measure(const Dataset& data) {
    const long n = data.size(Split::train);
    for (long i = 0; i < n; ++i)
      for (const auto& [feature, share] : bag_.of(data.at(Split::train, i))) scale_[feature] += share * share;
    for (double& s : scale_) s = s > 0 ? 1 / std::sqrt(s / double(n)) : 0;
  }

  std::vector<double> logits(const std::vector<Bag::Entry>& bag) const {
    const std::span bias = std::span(weights_).last(classes_);
    std::vector<double> out(bias.begin(), bias.end());
    for (const auto& [feature, share] : bag)
      for (std::size_t c = 0; c < classes_; ++c) out[c] += weights_[feature * classes_ + c] * share * scale_[feature];
    return out;
  }

  /// Adds the gradient of one example's cross-entropy.
  void add_gradient(const Example& example, std::vector<double>& gradient) {
    const auto& bag = bag_.of(example);
    std::vector<double> p = logits(bag);
    const double top = *std::max_element(p.begin(), p.end());
    double sum = 0;
    for (double& v : p) sum += v = std::exp(v - top);
    for (double& v : p) v /= sum;
    p[std::size_t(example.label)] -= 1;
    for (const auto& [feature, share] : bag)
      for (std::size_t c = 0; c < classes_; ++c) gradient[feature * classes_ + c] += p[c] * share * scale_[feature];
    for (std::size_t c = 0; c < classes_; ++c) gradient[gradient.size() - classes_ + c] += p[c];
  }

  void fit(const Dataset& data) {
    EpochSampler order(data.size(Split::train), kBatch, /*seed=*/0);
    std::vector<double> gradient(weights_.size()), mean(weights_.size()), square(weights_.size());
    const long steps = kExamples / kBatch;
    for (long step = 0; step < steps; ++step) {
      std::fill(gradient.begin(), gradient.end(), 0.0);
      for (const std::uint32_t i : order.indices(step)) add_gradient(data.at(Split::train, i), gradient);
      const double rate = kRate * (1 - double(step) / double(steps)) *
                          std::sqrt(1 - std::pow(kBeta2, double(step + 1))) / (1 - std::pow(kBeta1, double(step + 1)));
      for (std::size_t w = 0; w < weights_.size(); ++w) {
        const double g = gradient[w] / double(kBatch);
        mean[w] = kBeta1 * mean[w] + (1 - kBeta1) * g;
        square[w] = kBeta2 * square[w] + (1 - kBeta2) * g * g;
        weights_[w] -= rate * mean[w] / (std::sqrt(square[w]) + 1e-8);
      }
    }
  }

  Bag bag_;
  std::size_t classes_;
  std::vector<double> scale_, weights_;
};

BaselineScore score(const std::string& name, const Dataset& data, const Predictor& predict) {
  BaselineScore result{name, 0, data.size(Split::test)};
  for (long i = 0; i < result.examples; ++i) {
    const Example example = data.at(Split::test, i);
    result.correct += predict(example) == example.label;
  }
  return result;
}

}  // namespace

std::vector<BaselineScore> score_baselines(const Dataset& data, const TaskSpec& spec) {
  BagOfTokens bag(data, spec);
  return {score("majority", data, majority(data, spec)), score("first_token", data, first_token(data, spec)),
          score("bag_of_tokens", data, [&bag](const Example& example) { return bag.predict(example); })};
}

}  // namespace lra
