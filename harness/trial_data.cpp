#include "harness/trial_data.h"

#include <algorithm>

#include "core/random.h"
#include "datasets/source.h"

namespace lra {
namespace {

constexpr std::array<Split, 3> kSplits{Split::train, Split::valid, Split::test};

/// The number of examples per split, fewer if they are long: a million tokens take a tenth of a second.
long few(const TaskSpec& spec, long most) {
  constexpr long kTokens = 1 << 20;
  return std::clamp(kTokens / spec.length, 2L, most);
}

/// Examples in memory.
class Few final : public Dataset {
 public:
  explicit Few(Corpus corpus) : corpus_(std::move(corpus)) {}
  long size(Split split) const override { return corpus_[split].size(); }
  Example at(Split split, long index) const override { return corpus_[split].at(index); }
  Extent extent(Split split) const override {
    Extent extent;
    for (long i = 0; i < size(split); ++i) extent.include(at(split, i), i == 0);
    return extent;
  }
  const std::string& fingerprint() const override { return fingerprint_; }

 private:
  Corpus corpus_;
  std::string fingerprint_;  // empty: nothing about them is stored
};

bool is_prepared(const TaskPlan& plan, const DataPaths& paths) {
  try {
    return std::filesystem::exists(prepared_file(plan, paths));
  } catch (const Error& error) {  // missing files are not an error here
    if (error.kind() != Kind::data) throw;
    return false;
  }
}

/// The sizes of the splits in the source's settings; 0 if the settings do not say.
std::array<long, 3> sizes_in(const Json& settings) {
  std::array<long, 3> sizes{};
  for (const Split split : kSplits) {
    const Json size = settings.value(name_of(split), Json());
    if (size.is_number_integer()) sizes[std::size_t(split)] = std::max(0L, size.get<long>());
  }
  return sizes;
}

/// Does the source generate its examples one by one, without reading files?
bool is_generator(const std::string& source, const Json& settings, const DataPaths& paths) {
  return sources().contains(source) && settings.contains("train") && settings.contains("test") &&
         sources().at(source).inputs(settings, paths.root).empty();
}

/// The first examples of each split: a generated example does not depend on their number.
Corpus first_few(const TaskSpec& spec, const std::string& source, Json settings, const DataPaths& paths) {
  const long count = few(spec, 256);
  for (const Split split : kSplits) {
    const long wanted = settings.at(name_of(split)).get<long>();
    settings[name_of(split)] = wanted > 0 ? std::min(wanted, count) : count;
  }
  return sources().at(source).make(settings, paths.root);
}

Corpus longest(const TaskSpec& spec) {
  const Random random(0, "trial", "tokens");
  Corpus corpus;
  corpus.paired = spec.paired;
  std::uint64_t drawn = 0;
  const auto sequence = [&] {
    std::vector<std::uint16_t> tokens(static_cast<std::size_t>(spec.length));
    for (std::uint16_t& token : tokens) token = std::uint16_t(random.below(std::uint32_t(spec.vocab), drawn++));
    return tokens;
  };
  const long count = few(spec, 32);
  for (const Split split : kSplits)
    for (long i = 0; i < count; ++i) {
      const int label = int(i % spec.classes);
      if (spec.paired)
        corpus[split].add(sequence(), sequence(), label);
      else
        corpus[split].add(sequence(), label);
    }
  return corpus;
}

}  // namespace

TrialData trial_data(const TaskPlan& plan, const DataPaths& paths) {
  TrialData trial;
  if (is_prepared(plan, paths)) {
    trial.examples = open_data(plan, paths);
    for (const Split split : kSplits) trial.sizes[std::size_t(split)] = trial.examples->size(split);
    trial.basis = "its data";
    return trial;
  }
  const std::string source = plan.data.at("source");
  Json settings = plan.data;
  settings.erase("source");
  trial.sizes = sizes_in(settings);
  const bool has_one_length = plan.spec.height > 0;
  if (!has_one_length && is_generator(source, settings, paths)) {
    trial.examples = std::make_unique<Few>(first_few(plan.spec, source, settings, paths));
    trial.basis = "a few examples, made for this";
  } else {
    trial.examples = std::make_unique<Few>(longest(plan.spec));
    trial.basis = has_one_length ? "images of the one size there is" : "the maximum length, for lack of data";
  }
  return trial;
}

}  // namespace lra
