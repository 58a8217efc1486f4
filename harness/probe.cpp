#include "harness/probe.h"

#include "harness/weights.h"
#include "harness/worker_pool.h"
#include "models/autodiff/tape.h"
#include "models/ops/ops.h"
#include "tasks/batcher.h"

namespace lra {
namespace {

using Names = std::map<Capture::StreamKey, std::string>;

std::string scope_of(const std::string& name) { return name.substr(0, name.rfind('.')); }

Names names_of_streams(const Parameters& parameters) {
  Names names;
  for (const RandomStream& stream : parameters.streams()) names[stream.key] = stream.name;
  return names;
}

/// For the dropout sites of attention with a random pattern: the name of the stream that chooses the pattern.
Names names_of_patterns(const Parameters& parameters) {
  Names names;
  for (const RandomStream& choice : parameters.streams())
    for (const RandomStream& site : parameters.streams())
      if (choice.purpose == "pattern" && site.purpose == "dropout" && scope_of(choice.name) == scope_of(site.name))
        names[site.key] = choice.name;
  return names;
}

/// Appends the rows of `more`.
void append(Capture::Array& rows, const Capture::Array& more) {
  if (rows.values.empty()) {
    rows = more;
    return;
  }
  rows.shape[0] += more.shape[0];
  rows.values.insert(rows.values.end(), more.values.begin(), more.values.end());
}

/// Collects what a Capture keeps of each example.
class Collector {
 public:
  Collector(const Parameters& parameters, bool activations)
      : streams_(names_of_streams(parameters)), patterns_(names_of_patterns(parameters)) {
    request_.activations = activations;
    for (const auto& [site, name] : patterns_) request_.patterns.insert(site);
  }

  const Capture::Request& request() const { return request_; }

  /// `sequences`: the number of sequences in the examples before.
  void collect(const Capture& capture, long sequences, Probe& probe) const {
    for (const auto& [stream, value] : capture.constants()) probe.constants[streams_.at(stream)] = value;
    for (const auto& [name, value] : capture.activations()) append(probe.activations[name], value);
    for (const auto& [site, blocks] : capture.patterns()) {
      std::vector<std::int64_t>& rows = probe.patterns[patterns_.at(site)];
      for (const Capture::VisibleBlock& b : blocks)
        rows.insert(rows.end(), {sequences + b.sequence, b.head, b.query_begin, b.query_end, b.key_begin, b.key_end});
    }
  }

 private:
  Names streams_, patterns_;
  Capture::Request request_;
};

/// Moves the buffers' sums from `gradients` to `states`, as the values that their update rules make of them.
void move_sums_to_states(const Parameters& parameters, Probe& probe) {
  probe.states.resize(probe.gradients.size());
  for (const ParameterInfo& p : parameters.list()) {
    if (!p.rule) continue;
    const auto part = [&p](auto values) { return values.subspan(std::size_t(p.offset), std::size_t(p.shape.size())); };
    const std::span<float> sums = part(std::span(probe.gradients)), state = part(std::span(probe.states));
    std::ranges::copy(part(parameters.values()), state.begin());
    p.rule(state, sums);
    std::ranges::fill(sums, 0.0f);
  }
}

}  // namespace

Probe probe(const Classifier& model, const Dataset& data, const ProbeRequest& request) {
  Probe result;
  const std::span<const std::uint32_t> examples(request.examples);
  result.batch = make_batch(data, request.split, examples);
  result.gradients.resize(std::size_t(model.parameters().count()));
  const double weight = 1.0 / double(examples.size());
  const Collector collector(model.parameters(), request.activations);
  const auto forward = [&](const Batch& one, long sequences) {
    Capture capture(collector.request());
    Tensor logits = model.forward(one, request.step, weight);
    collector.collect(capture, sequences, result);
    return logits;
  };
  WorkerPool workers(1);
  workers.run(1, [&](long) {
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const Batch one = make_batch(data, request.split, examples.subspan(i, 1));
      const Training training;
      Tape tape(result.gradients);
      const Tensor logits = forward(one, long(i) * one.sequences());
      const Loss loss = cross_entropy(logits, one.labels, weight);
      result.logits.insert(result.logits.end(), logits.data(), logits.data() + logits.size());
      result.losses.push_back(loss.losses[0]);
      result.loss += weight * loss.losses[0];
      result.auxiliary += tape.auxiliary();
      tape.backward();
    }
  });
  move_sums_to_states(model.parameters(), result);
  return result;
}

void write_probe(const std::filesystem::path& path, const Classifier& model, const Probe& probe,
                 const StoredText& text) {
  const Batch& batch = probe.batch;
  const Parameters& parameters = model.parameters();
  const long b = batch.size(), classes = long(probe.logits.size()) / b;
  const std::string beside = kBesideWeights;
  const std::vector<std::int64_t> examples(batch.examples.begin(), batch.examples.end());
  std::vector<StoredArray> arrays = arrays_of(parameters, parameters.values());
  const std::vector<StoredArray> gradients = arrays_of(parameters, probe.gradients, beside + "gradient.");
  const std::vector<StoredArray> states = arrays_of(parameters, probe.states, beside + "state.");
  for (std::size_t i = 0; i < parameters.list().size(); ++i)
    arrays.push_back(parameters.list()[i].rule ? states[i] : gradients[i]);
  const std::string drawn = beside + "drawn.", activation = beside + "activation.";
  for (const auto& [name, constant] : probe.constants)
    arrays.push_back(StoredArray::of<float>(drawn + name, dimensions(constant.shape), constant.values));
  for (const auto& [name, rows] : probe.patterns)
    arrays.push_back(StoredArray::of<std::int64_t>(drawn + name, {long(rows.size()) / 6, 6}, rows));
  for (const auto& [name, value] : probe.activations)
    arrays.push_back(StoredArray::of<float>(activation + name, dimensions(value.shape), value.values));
  arrays.push_back(StoredArray::of<std::int32_t>(beside + "tokens", {batch.tokens()}, batch.ids));
  arrays.push_back(StoredArray::of<std::int64_t>(beside + "offsets", {batch.sequences() + 1}, batch.offsets));
  arrays.push_back(StoredArray::of<std::int32_t>(beside + "labels", {b}, batch.labels));
  arrays.push_back(StoredArray::of<std::int64_t>(beside + "examples", {b}, examples));
  arrays.push_back(StoredArray::of<float>(beside + "logits", {b, classes}, probe.logits));
  arrays.push_back(StoredArray::of<double>(beside + "losses", {b}, probe.losses));
  arrays.push_back(StoredArray::of<double>(beside + "loss", {}, std::span(&probe.loss, 1)));
  arrays.push_back(StoredArray::of<double>(beside + "auxiliary", {}, std::span(&probe.auxiliary, 1)));
  write_safetensors(path, std::move(arrays), text);
}

}  // namespace lra
