#include "models/testing/bridge.h"

#include <algorithm>
#include <numeric>

#include "models/autodiff/tape.h"
#include "models/layers/blocks.h"
#include "models/layers/classifier.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"

namespace lra::inline LRA_ENGINE {
namespace {

Numbers numbers(const Real* data, long n) { return Numbers(data, data + n); }

void load(Parameters& into, const Named& values) {
  for (const ParameterInfo& p : into.list())
    if (const auto found = values.find(p.name); found != values.end())
      std::copy(found->second.begin(), found->second.end(), into.values().begin() + p.offset);
}

enum class Which { all, trained, states };

Named by_name(const Parameters& parameters, std::span<const Real> flat, Which which = Which::all) {
  Named all;
  for (const ParameterInfo& p : parameters.list())
    if (which == Which::all || (which == Which::states) == bool(p.rule))
      all[p.name] = numbers(flat.data() + p.offset, p.shape.size());
  return all;
}

Tensor matrix(const Numbers& values, long rows, long cols) {
  Tensor t = Tensor::empty({rows, cols});
  std::copy(values.begin(), values.end(), t.data());
  return t;
}

/// A recorded input whose gradient is stored in `out`.
Tensor watched(Tensor x, Tensor& out) {
  return record(std::move(x), [&out](Tensor dx) { out = std::move(dx); });
}

/// Repeats each sequence's row for all of its tokens: (S,C) → (T,C).
Tensor spread(const Tensor& x, const SequenceLayout& layout) {
  std::vector<long> from;
  for (long s = 0; s < layout.count(); ++s) from.insert(from.end(), std::size_t(layout.size(s)), s);
  return gather_rows(x, from);
}

/// A Mixer or Encoder as a function on (T,C).
std::function<Tensor(Tensor, const SequenceLayout&)> build(const MixerCase& c, const LayerDims& dims,
                                                           const ParameterScope& scope) {
  const ModelEntry& entry = models().at(c.model);
  if (entry.mixer) {
    std::shared_ptr<Mixer> mixer = entry.mixer(c.settings, dims, scope);
    return [mixer](Tensor x, const SequenceLayout& layout) { return mixer->forward(std::move(x), layout); };
  }
  std::shared_ptr<Encoder> encoder = entry.encoder(c.settings, dims, scope);
  return [encoder](Tensor x, const SequenceLayout& layout) {
    const PackedSequences states = encoder->forward({std::move(x), layout});
    if (states.layout.count() != layout.count()) fail("{} sequences of {}", states.layout.count(), layout.count());
    if (states.layout.offsets == layout.offsets) return states.x;
    return spread(mean_rows(states.x, states.layout), layout);
  };
}

LayerDims dims_of(const MixerCase& c) {
  LayerDims dims;
  dims.width = c.width, dims.qkv = c.qkv, dims.heads = c.heads;
  dims.length = c.length ? c.length : *std::max_element(c.lengths.begin(), c.lengths.end());
  dims.attention_dropout = dims.dropout = c.attention_dropout;
  dims.ff = c.width + 4, dims.layers = c.layers, dims.layer = c.layer;
  dims.height = c.height, dims.image_width = c.image_width;
  return dims;
}

SequenceLayout layout_of(const MixerCase& c, long length) {
  SequenceLayout layout;
  layout.step = c.step, layout.length = length;
  layout.offsets = {0};
  for (std::size_t s = 0; s < c.lengths.size(); ++s) {
    layout.offsets.push_back(layout.offsets.back() + c.lengths[s]);
    layout.sequences.push_back(c.sequences.empty() ? std::uint32_t(s) : c.sequences[s]);
  }
  return layout;
}

/// The mixer of a case, with its parameters and the sequences that it runs on.
struct MadeMixer {
  explicit MadeMixer(const MixerCase& wanted) : c(wanted) {}

  const MixerCase c;
  const LayerDims dims = dims_of(c);
  const SequenceLayout layout = layout_of(c, dims.length);
  Parameters parameters{1};
  const std::function<Tensor(Tensor, const SequenceLayout&)> model = build(c, dims, ParameterScope(parameters, ""));

  MixerRun run(const Numbers& x, const Numbers& cotangent, const Named& values) {
    load(parameters, values);
    MixerRun run;
    run.parameters = by_name(parameters, parameters.values());
    for (const ParameterInfo& p : parameters.list())
      for (int i = 0; i < p.shape.rank(); ++i) run.shapes[p.name].push_back(p.shape[i]);
    if (c.training)
      train(run, x, cotangent);
    else
      forward(run, matrix(x, layout.tokens(), c.width));
    return run;
  }

 private:
  Tensor forward(MixerRun& run, Tensor x) const {
    Context::current().work = {};
    Tensor y = c.steps.empty() ? model(std::move(x), layout) : stepwise(run, x);
    run.flops = Context::current().work.flops;
    run.result = numbers(y.data(), y.size());
    return y;
  }

  /// Runs the sequences, which have equal lengths, step by step.
  Tensor stepwise(MixerRun& run, const Tensor& x) const {
    Tensor y = Tensor::empty(x.shape());
    StepStates states(layout.count());
    long done = 0;
    for (const long n : c.steps) {
      SequenceLayout step = layout;
      std::vector<long> from;
      for (long s = 0; s < layout.count(); ++s) {
        step.offsets[std::size_t(s) + 1] = step.begin(s) + n;
        for (long i = 0; i < n; ++i) from.push_back(layout.begin(s) + done + i);
      }
      const Tensor tokens = gather_rows(x, from);
      const Continued pass(states, step);
      const Tensor part = model(tokens, step);
      for (std::size_t i = 0; i < from.size(); ++i)
        std::copy_n(part.data() + long(i) * c.width, c.width, y.data() + from[i] * c.width);
      done += n;
    }
    run.state_bytes = states.bytes();
    return y;
  }

  void train(MixerRun& run, const Numbers& x, const Numbers& cotangent) const {
    std::vector<Real> gradients(static_cast<std::size_t>(parameters.count()));
    Context::current().memory.reset_peak();
    const std::int64_t before = Context::current().memory.live();
    Tensor dx;
    std::vector<std::vector<Real>> stopped;
    for (const Numbers& constant : c.stopped) stopped.emplace_back(constant.begin(), constant.end());
    {
      const Training training;
      Tape tape(gradients);
      const Stopped constants(stopped);
      Tensor tokens = matrix(x, layout.tokens(), c.width);
      const Tensor y = forward(run, c.constant ? std::move(tokens) : watched(std::move(tokens), dx));
      run.auxiliary = tape.auxiliary();
      if (cotangent.empty()) return;
      accumulate_gradient(y, matrix(cotangent, layout.tokens(), c.width));
      tape.backward();
    }
    run.peak_bytes = Context::current().memory.peak() - before;
    for (const std::vector<Real>& constant : stopped) run.stopped.emplace_back(constant.begin(), constant.end());
    run.gradients = by_name(parameters, gradients, Which::trained);
    run.sums = by_name(parameters, gradients, Which::states);
    run.gradients["x"] = dx.defined() ? numbers(dx.data(), dx.size()) : Numbers(x.size());
  }
};

}  // namespace

MixerRunner make_mixer(const MixerCase& c) {
  return [made = std::make_shared<MadeMixer>(c)](const Numbers& x, const Numbers& cotangent, const Named& values) {
    return made->run(x, cotangent, values);
  };
}

MixerRun run_mixer(const MixerCase& c, const Numbers& x, const Numbers& cotangent, const Named& values) {
  return make_mixer(c)(x, cotangent, values);
}

ModelRun run_model(const ModelCase& c, const Named& values) {
  Classifier model(c.model, c.settings, parse<EncoderConfig>(c.encoder, "encoder"), c.task, c.seed);
  load(model.parameters(), values);
  ModelRun run;
  run.parameters = by_name(model.parameters(), model.parameters().values());
  const auto forward = [&] {
    const Tensor logits = model.forward(c.batch, c.step, 1.0 / double(c.batch.size()));
    run.logits = numbers(logits.data(), logits.size());
    run.losses = cross_entropy(logits, c.batch.labels, 1.0 / double(c.batch.size())).losses;
  };
  if (!c.training) {
    forward();
    return run;
  }
  std::vector<Real> gradients(static_cast<std::size_t>(model.parameters().count()));
  const Training training;
  Tape tape(gradients);
  forward();
  tape.backward();
  run.gradients = by_name(model.parameters(), gradients, Which::trained);
  return run;
}

std::vector<std::string> model_names() { return models().names(); }

}  // namespace lra::inline LRA_ENGINE
