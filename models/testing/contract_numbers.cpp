/// Checks of values: derivatives, the two engines against each other, a sequence alone and packed with others.
#include <cmath>

#include "models/tensor/detail/onednn.h"
#include "models/testing/contract.h"
#include "models/testing/contract_cases.h"

namespace lra {
namespace {

constexpr double kStep = 1e-5;  // step of central differences
constexpr long kWideHead = 8;   // features per head of the second comparison in float

/// A small classifier on three ragged examples of distinct tokens, so that the gradient of the embedding is the
/// gradient of the input.
ModelCase classifier(const std::string& model, const Json& settings, double dropout) {
  ModelCase c;
  c.model = model, c.settings = settings;
  c.encoder = Json{{"width", 12},
                   {"ff", 20},
                   {"heads", 3},
                   {"layers", 2},
                   {"pool", "mean"},
                   {"dropout", dropout},
                   {"attention_dropout", dropout}};
  c.task = {"test", "test", 40, 20, 3, false, 0, 0};
  c.batch.ids.resize(30);
  std::iota(c.batch.ids.begin(), c.batch.ids.end(), 2);
  c.batch.offsets = {0, 11, 12, 30};
  c.batch.labels = {2, 0, 2};  // not each class once, which would nearly cancel the gradient of the last bias
  c.batch.examples = {7, 3, 5};
  return c;
}

/// Reports gradients that differ by more than 1e-5. A gradient that is zero in exact arithmetic (such as that of a
/// common shift of keys) has no relative error.
Verdict compare_gradients(const Named& shipped, const Named& exact, const std::string& where) {
  for (const auto& [name, gradient] : exact) {
    const double error = dot(gradient, gradient) < 1e-20 ? 0 : relative_error(shipped.at(name), gradient);
    if (!(error < 1e-5)) return fmt::format("the gradient of {} is off by {:.1e} in float{}", name, error, where);
  }
  return {};
}

/// Σ result ∘ dy plus the model's auxiliary loss.
double objective(const MixerRunner& mixer, const Numbers& x, const Numbers& dy, const Named& parameters) {
  const MixerRun run = mixer(x, {}, parameters);
  return dot(run.result, dy) + run.auxiliary;
}

/// The values that have a gradient: all except buffers.
Named trained(const MixerRun& run) {
  Named values;
  for (const auto& [name, numbers] : run.parameters)
    if (run.gradients.contains(name)) values[name] = numbers;
  return values;
}

/// Moves every tensor of a case by `distance` along a random unit direction.
struct Moved {
  Numbers x;
  Named parameters;

  Moved(const Numbers& x_at, const Named& parameters_at, long direction, double distance)
      : x(x_at), parameters(parameters_at) {
    move(x, "x", direction, distance);
    for (auto& [name, values] : parameters) move(values, name, direction, distance);
  }
  static Numbers along(std::size_t n, const std::string& name, long direction) {
    Numbers way = random_numbers(n, fmt::format("{} {}", name, direction));
    const double norm = std::sqrt(dot(way, way));
    for (double& value : way) value /= norm;
    return way;
  }

 private:
  static void move(Numbers& values, const std::string& name, long direction, double distance) {
    const Numbers way = along(values.size(), name, direction);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += distance * way[i];
  }
};

}  // namespace

// Source: (f(x + h) − f(x − h)) / 2h of the model's own forward pass in double, for some elements of each tensor, with
// the dropout of a fixed step.
Verdict check_differences(const std::string& model) {
  for (const Json& variant : variants(model)) {
    const Json settings = shrunk(model, variant);
    MixerCase c = mixer_case(model, {5, 1, 9}, settings, 0.2);
    Numbers x = tokens_of(c, "x");
    const Numbers dy = tokens_of(c, "dy");
    const MixerRun run = f64::run_mixer(c, x, dy);
    c.stopped = run.stopped;
    const MixerRunner mixer = f64::make_mixer(c);
    Named parameters = trained(run);
    const std::size_t looks = std::clamp<std::size_t>(160 / (parameters.size() + 1), 4, 16);
    const auto error_at = [&](double step, Numbers& values, const Numbers& gradient) {
      Numbers expected, actual;
      for (std::size_t e = 0; e < values.size(); e += std::max<std::size_t>(1, values.size() / looks)) {
        const double value = values[e];
        values[e] = value + step;
        const double above = objective(mixer, x, dy, parameters);
        values[e] = value - step;
        const double below = objective(mixer, x, dy, parameters);
        values[e] = value;
        expected.push_back((above - below) / (2 * step));
        actual.push_back(gradient.at(e));
      }
      return relative_error(actual, expected);
    };
    // The objective's rounding, over the step, may exceed a millionth of a very small gradient. A wrong gradient is off
    // at any step.
    const auto error = [&](Numbers& values, const Numbers& gradient) {
      const double off = error_at(kStep, values, gradient);
      return off < 1e-6 ? off : std::min(off, error_at(32 * kStep, values, gradient));
    };
    const auto say = [&](const std::string& name, double off) {
      return fmt::format("the gradient of {} is off by {:.1e}{}", name, off, with(settings));
    };
    if (const double off = error(x, run.gradients.at("x")); !(off < 1e-6)) return say("x", off);
    for (auto& [name, values] : parameters)
      if (const double off = error(values, run.gradients.at(name)); !(off < 1e-6)) return say(name, off);
  }
  return {};
}

double error_along_directions(MixerCase c) {
  constexpr long kDirections = 2;
  const Numbers x = tokens_of(c, "x"), dy = tokens_of(c, "dy");
  const MixerRun run = f64::run_mixer(c, x, dy);
  c.stopped = run.stopped;
  const MixerRunner mixer = f64::make_mixer(c);
  const auto error = [&](double step) {
    Numbers expected, actual;
    for (long d = 0; d < kDirections; ++d) {
      const auto at = [&](double distance) {
        const Moved moved(x, trained(run), d, distance);
        return objective(mixer, moved.x, dy, moved.parameters);
      };
      expected.push_back((at(step) - at(-step)) / (2 * step));
      double slope = 0;
      for (const auto& [name, gradient] : run.gradients) slope += dot(gradient, Moved::along(gradient.size(), name, d));
      actual.push_back(slope);
    }
    return relative_error(actual, expected);
  };
  // Within the step a model may choose other keys or experts, and jump there. A hundredth of the step hardly ever meets
  // a jump, and does not hide a wrong gradient.
  const double off = error(kStep);
  return off < 1e-6 ? off : std::min(off, error(kStep / 100));
}

double error_in_float(const MixerCase& c) {
  const Worker worker;
  const Numbers x = tokens_of(c, "x"), dy = tokens_of(c, "dy");
  const MixerRun shipped = f32::run_mixer(c, x, dy), exact = f64::run_mixer(c, x, dy, shipped.parameters);
  double largest = relative_error(shipped.result, exact.result);
  for (const auto& [name, gradient] : exact.gradients)
    if (dot(gradient, gradient) > 1e-20)
      largest = std::max(largest, relative_error(shipped.gradients.at(name), gradient));
  return largest;
}

// Source: the same along random directions of all tensors, at lengths that cross every block and window.
Verdict check_directions(const std::string& model) {
  for (const Json& settings : variants(model)) {
    const double off = error_along_directions(mixer_case(model, long_lengths(model, settings), settings, 0.2));
    if (!(off < 1e-6)) return fmt::format("gradients are off by {:.1e} along directions{}", off, with(settings));
  }
  return {};
}

namespace {

Verdict compare_classifier_in_float(const ModelCase& c, const std::string& where) {
  const ModelRun shipped = f32::run_model(c), exact = f64::run_model(c, shipped.parameters);
  const double off = relative_error(shipped.logits, exact.logits);
  if (!(off < 1e-5)) return fmt::format("logits are off by {:.1e} in float{}", off, where);
  return compare_gradients(shipped.gradients, exact.gradients, where);
}

Verdict compare_mixer_in_float(const MixerCase& c, const std::string& where) {
  const Numbers x = tokens_of(c, "x"), dy = tokens_of(c, "dy");
  const MixerRun shipped = f32::run_mixer(c, x, dy), exact = f64::run_mixer(c, x, dy, shipped.parameters);
  const double off = relative_error(shipped.result, exact.result);
  if (!(off < 1e-5)) return fmt::format("the result of long sequences is off by {:.1e}{}", off, where);
  return compare_gradients(shipped.gradients, exact.gradients, " at long sequences" + where);
}

}  // namespace

// Source: the same model in double with reference loops, from the same float32 weights. A model that is off is compared
// again with wider heads and other parameters: a norm of each head cancels the score of a token's only key, and with
// few features most of their differences, so that the gradient of some draws is mostly rounding. A defect is off in
// all.
Verdict check_float(const std::string& model) {
  const Worker worker;
  for (const Json& settings : variants(model)) {
    for (const double dropout : {0.0, 0.2}) {
      const std::string where = fmt::format(", dropout {}{}", dropout, with(settings));
      ModelCase c = classifier(model, settings, dropout);
      if (compare_classifier_in_float(c, where).empty()) continue;
      c.encoder["qkv"] = 3 * kWideHead, c.seed = 2;
      if (Verdict verdict = compare_classifier_in_float(c, where); !verdict.empty()) return verdict;
    }
    MixerCase c = mixer_case(model, long_lengths(model, settings), settings, 0.2);
    if (compare_mixer_in_float(c, with(settings)).empty()) continue;
    c.qkv = c.heads * kWideHead;
    if (Verdict verdict = compare_mixer_in_float(c, with(settings)); !verdict.empty()) return verdict;
  }
  return {};
}

namespace {

/// Compares each sequence alone, and all in reverse order, with `together`.
Verdict compare_packing(const MixerCase& together, const std::string& where) {
  const Numbers x = tokens_of(together, "x"), dy = tokens_of(together, "dy");
  const MixerRun whole = f64::run_mixer(together, x, dy);
  MixerCase reversed = together;
  reversed.lengths.clear(), reversed.sequences.clear();
  Numbers reversed_x, reversed_dy, reversed_y;
  Named sums;
  double auxiliary = 0;
  for (std::size_t s = together.lengths.size(), end = x.size(); s-- > 0;) {
    const std::size_t begin = end - std::size_t(together.lengths[s] * together.width);
    const auto part = [&](const Numbers& all) { return Numbers(all.begin() + long(begin), all.begin() + long(end)); };
    MixerCase alone = together;
    alone.lengths = {together.lengths[s]}, alone.sequences = {std::uint32_t(s)};
    const MixerRun run = f64::run_mixer(alone, part(x), part(dy));
    const double off = std::max(relative_error(run.result, part(whole.result)),
                                relative_error(run.gradients.at("x"), part(whole.gradients.at("x"))));
    if (!(off < 1e-12))
      return fmt::format("a sequence of {} tokens has a result that differs by {:.1e} when packed with others{}",
                         together.lengths[s], off, where);
    auxiliary += run.auxiliary;
    for (const Named& parts : {run.gradients, run.sums})
      for (const auto& [name, values] : parts) {
        if (name == "x") continue;
        Numbers& sum = sums.try_emplace(name, values.size()).first->second;
        for (std::size_t i = 0; i < values.size(); ++i) sum[i] += values[i];
      }
    reversed.lengths.push_back(together.lengths[s]), reversed.sequences.push_back(std::uint32_t(s));
    for (const auto& [from, to] : {std::pair{&x, &reversed_x}, {&dy, &reversed_dy}, {&whole.result, &reversed_y}})
      to->insert(to->end(), from->begin() + long(begin), from->begin() + long(end));
    end = begin;
  }
  for (const auto& [name, sum] : sums) {
    const Numbers& all = whole.sums.contains(name) ? whole.sums.at(name) : whole.gradients.at(name);
    if (dot(sum, sum) > 1e-20 && !(relative_error(sum, all) < 1e-10))
      return fmt::format("the gradient of {} is not the sum over sequences{}", name, where);
  }
  if (std::abs(auxiliary - whole.auxiliary) > 1e-10 * std::abs(auxiliary))
    return "the loss of its own is not the sum over sequences" + where;
  if (!(relative_error(f64::run_mixer(reversed, reversed_x, reversed_dy).result, reversed_y) < 1e-12))
    return "the order of sequences changes the result" + where;
  return {};
}

}  // namespace

// Source: the model itself, on each sequence alone.
Verdict check_packing(const std::string& model) {
  for (const Json& settings : variants(model))
    for (const auto& lengths : {std::vector<long>{5, 1, 9}, long_lengths(model, settings)}) {
      MixerCase c = mixer_case(model, lengths, settings, 0.2);
      c.sequences = {0, 1, 2};
      Verdict verdict = compare_packing(c, with(settings));
      if (!verdict.empty()) return verdict;
    }
  return {};
}

}  // namespace lra
