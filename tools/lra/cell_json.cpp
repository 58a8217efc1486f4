#include "tools/lra/cell_json.h"

#include <algorithm>

namespace lra {
namespace {

/// The last value of (split, name) in a run's history, or null.
Json last_value(const Run& run, const std::string& split, const std::string& name) {
  const auto found = std::find_if(run.history.rbegin(), run.history.rend(),
                                  [&](const Metric& metric) { return metric.split == split && metric.name == name; });
  return found == run.history.rend() ? Json() : Json(found->value);
}

Json history_json(const Run& run) {
  Json all = Json::array();
  for (const Metric& metric : run.history)
    all.push_back({{"step", metric.step}, {"split", metric.split}, {"name", metric.name}, {"value", metric.value}});
  return all;
}

Json figures_json(const Run& run) {
  Json json{{"parameters", run.parameters},
            {"parameter_digest", run.parameter_digest},
            {"accuracy", accuracy(run)},
            {"test_correct", run.test_correct},
            {"test_examples", run.test_examples},
            {"test_loss", run.test_loss},
            {"train_loss", last_value(run, "train", "loss")},
            {"valid_loss", last_value(run, "valid", "loss")},
            {"valid_accuracy", last_value(run, "valid", "accuracy")},
            {"train_seconds", run.train_seconds},
            {"data_share", data_share(run)},
            {"examples_per_second", run.examples_per_second},
            {"gflops", run.gflops},
            {"gemm_peak_gflops", run.gemm_peak_gflops},
            {"peak_bytes", run.peak_bytes},
            {"activation_bytes", run.activation_bytes},
            {"rss_bytes", run.rss_bytes},
            {"history", history_json(run)}};
  if (run.status != "done")
    for (Json& value : json) value = nullptr;
  return json;
}

}  // namespace

Json cell_json(const Outcome& outcome, const std::vector<Baseline>& baselines) {
  const Run& run = outcome.run;
  Json json = figures_json(run);
  json.update({{"run", run.key},
               {"task", run.task},
               {"variant", run.variant},
               {"preset", run.preset},
               {"model", run.model},
               {"model_revision", run.model_revision},
               {"seed", run.seed},
               {"status", run.status},
               {"reason", run.reason},
               {"skipped", outcome.skipped},
               {"overrides", run.overrides},
               {"comparable", run.comparable},
               {"shared", run.shared},
               {"timing_flaw", run.timing_flaw},
               {"parts", run.parts},
               {"threads", run.threads},
               {"started", run.started},
               {"seconds", run.seconds},
               {"data_fingerprint", run.data_fingerprint},
               {"experiment", run.experiment}});
  if (outcome.profile) json["profile"] = encode(*outcome.profile);
  json["baselines"] = Json::object();
  json["baseline"] = nullptr;  // the best of them
  for (const Baseline& baseline : baselines) {
    const double score = baseline.examples ? double(baseline.correct) / double(baseline.examples) : 0;
    json["baselines"][baseline.name] = score;
    if (json["baseline"].is_null() || score > json["baseline"].get<double>()) json["baseline"] = score;
  }
  return json;
}

}  // namespace lra
