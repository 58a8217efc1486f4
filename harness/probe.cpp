#include "harness/probe.h"

#include "harness/weights.h"
#include "harness/worker_pool.h"
#include "models/autodiff/tape.h"
#include "models/ops/ops.h"
#include "tasks/batcher.h"

namespace lra {

Probe probe(const Classifier& model, const Dataset& data, std::span<const std::uint32_t> examples) {
  Probe result;
  result.batch = make_batch(data, Split::train, examples);
  result.gradients.resize(std::size_t(model.parameters().count()));
  const double weight = 1.0 / double(examples.size());
  WorkerPool workers(1);
  workers.run(1, [&](long) {
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const Batch one = make_batch(data, Split::train, examples.subspan(i, 1));
      const Training training;
      Tape tape(result.gradients);
      const Tensor logits = model.forward(one, 0, weight);
      const Loss loss = cross_entropy(logits, one.labels, weight);
      result.logits.insert(result.logits.end(), logits.data(), logits.data() + logits.size());
      result.losses.push_back(loss.losses[0]);
      result.loss += weight * loss.losses[0];
      tape.backward();
    }
  });
  return result;
}

void write_probe(const std::filesystem::path& path, const Classifier& model, const Probe& probe,
                 const StoredText& text) {
  const Batch& batch = probe.batch;
  const long b = batch.size(), classes = long(probe.logits.size()) / b;
  const std::string beside = kBesideWeights;
  const std::vector<std::int64_t> examples(batch.examples.begin(), batch.examples.end());
  std::vector<StoredArray> arrays = arrays_of(model.parameters(), model.parameters().values());
  for (StoredArray& gradient : arrays_of(model.parameters(), probe.gradients, beside + "gradient."))
    arrays.push_back(std::move(gradient));
  arrays.push_back(StoredArray::of<std::int32_t>(beside + "tokens", {batch.tokens()}, batch.ids));
  arrays.push_back(StoredArray::of<std::int64_t>(beside + "offsets", {batch.sequences() + 1}, batch.offsets));
  arrays.push_back(StoredArray::of<std::int32_t>(beside + "labels", {b}, batch.labels));
  arrays.push_back(StoredArray::of<std::int64_t>(beside + "examples", {b}, examples));
  arrays.push_back(StoredArray::of<float>(beside + "logits", {b, classes}, probe.logits));
  arrays.push_back(StoredArray::of<double>(beside + "losses", {b}, probe.losses));
  arrays.push_back(StoredArray::of<double>(beside + "loss", {}, std::span(&probe.loss, 1)));
  write_safetensors(path, std::move(arrays), text);
}

}  // namespace lra
