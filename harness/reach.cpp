#include "harness/reach.h"

#include <algorithm>
#include <numeric>

#include "harness/worker_pool.h"
#include "models/autodiff/tape.h"
#include "models/layers/classifier.h"
#include "models/ops/ops.h"
#include "results/tables/text_table.h"

namespace lra {
namespace {

/// One example in which every token has an id of its own, so that the rows of the gradient of the table of embeddings
/// are the tokens' derivatives.
Batch distinct_tokens(long length, bool paired) {
  Batch batch;
  batch.paired = paired;
  batch.ids.resize(std::size_t(paired ? 2 * length : length));
  std::iota(batch.ids.begin(), batch.ids.end(), 0);
  batch.offsets = paired ? std::vector<std::int64_t>{0, length, 2 * length} : std::vector<std::int64_t>{0, length};
  batch.labels = {0};
  batch.examples = {0};
  return batch;
}

std::span<const float> embeddings_in(const Parameters& parameters, std::span<const float> gradients) {
  for (const ParameterInfo& info : parameters.list())
    if (info.name == "embedding.tokens")
      return gradients.subspan(std::size_t(info.offset), std::size_t(info.shape.size()));
  fail("a classifier without the parameter embedding.tokens");
}

/// Marks the tokens that a model with the parameters of `seed` reaches.
void mark_reached(const Experiment& experiment, const EncoderConfig& shape, std::uint64_t seed, const Batch& batch,
                  std::vector<bool>& reached) {
  TaskSpec spec = experiment.plan.spec;
  spec.vocab = batch.tokens();
  spec.deviation = 0;  // what a token reaches does not depend on how it becomes a vector
  const Classifier model(experiment.model, experiment.model_settings, shape, spec, seed);
  std::vector<float> gradients(std::size_t(model.parameters().count()));
  WorkerPool(1).run(1, [&](long) {
    Tape tape(gradients);
    // The weight 0 removes auxiliary losses, which reach tokens that the logits do not depend on.
    (void)cross_entropy(model.forward(batch, 0, 0), batch.labels, 1);
    tape.backward();
  });
  const std::span<const float> embeddings = embeddings_in(model.parameters(), gradients);
  for (std::size_t token = 0; token < reached.size(); ++token) {
    const auto row = embeddings.subspan(token * std::size_t(shape.width), std::size_t(shape.width));
    reached[token] = reached[token] || std::any_of(row.begin(), row.end(), [](float value) { return value != 0; });
  }
}

std::vector<bool> reached_tokens(const Experiment& experiment, const EncoderConfig& shape, long length) {
  constexpr std::uint64_t kDraws = 4;
  const Batch batch = distinct_tokens(length, experiment.plan.spec.paired);
  std::vector<bool> reached(batch.ids.size());
  for (std::uint64_t draw = 0; draw < kDraws && std::count(reached.begin(), reached.end(), false) > 0; ++draw)
    mark_reached(experiment, shape, experiment.seed + draw, batch, reached);
  return reached;
}

constexpr long kMostProbedTokens = 16'384;

/// A shape as narrow as its heads allow: widths change what a pass costs, not which tokens it relates.
EncoderConfig narrow(EncoderConfig shape) {
  constexpr long kOfHead = 8;
  shape.width = shape.qkv = kOfHead * shape.heads;
  shape.ff = shape.head_width = std::max(32L, shape.width);
  return shape;
}

}  // namespace

std::vector<bool> reached_tokens(const Experiment& experiment, long length) {
  const auto shape = parse<EncoderConfig>(experiment.plan.encoder, "encoder");
  try {
    return reached_tokens(experiment, narrow(shape), length);
  } catch (const Error&) {  // the model has a setting that divides a width
    return reached_tokens(experiment, shape, length);
  }
}

std::string switched_off(const Experiment& experiment) {
  const auto shape = parse<EncoderConfig>(experiment.plan.encoder, "encoder");
  const std::string off =
      models().at(experiment.model).switched_off(experiment.model_settings, dims_of(shape, experiment.plan.spec));
  return off.empty() ? "" : "without " + off;
}

std::string reach_caveat(const Experiment& experiment, long length) {
  std::string caveat;
  if (length <= kMostProbedTokens) {
    const std::vector<bool> reached = reached_tokens(experiment, length);
    const long seen = std::count(reached.begin(), reached.end(), true), tokens = long(reached.size());
    if (seen < tokens) caveat = fmt::format("sees {} of {} tokens", grouped(seen), grouped(tokens));
  }
  const std::string off = switched_off(experiment);
  return caveat + (caveat.empty() || off.empty() ? "" : "; ") + off;
}

}  // namespace lra
