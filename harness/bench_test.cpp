#include "harness/bench.h"

#include <gtest/gtest.h>

#include <map>

#include "harness/measure.h"

namespace lra {
namespace {

BenchRequest small_request() {
  BenchRequest request;
  request.encoder = {{"width", 16}, {"ff", 32}, {"heads", 2}, {"layers", 1}};
  request.lengths = {512};
  request.batch = 2;
  request.threads = 2;
  request.seconds = 0;
  return request;
}

/// The metrics of each model.
std::map<std::string, std::map<std::string, double>> measured(const BenchRequest& request) {
  std::map<std::string, std::map<std::string, double>> all;
  for (const Measurement& m : bench(request, [](const std::string&) {})) all[m.model][m.metric] = m.value;
  return all;
}

TEST(Bench, FiguresBelongTogether) {
  BenchRequest request = small_request();
  request.models = {"local", "identity"};
  for (const bool training : {true, false}) {
    request.training = training;
    for (const auto& [model, values] : measured(request)) {
      SCOPED_TRACE(model);
      for (const auto& [metric, value] : values) {
        const bool may_be_zero = metric == "gradient_bytes" && !training;
        EXPECT_GE(value, may_be_zero ? 0 : 1e-9) << metric;
      }
      EXPECT_LE(values.at("p10_ms"), values.at("median_ms"));
      EXPECT_LE(values.at("median_ms"), values.at("p90_ms"));
      EXPECT_NEAR(values.at("steps_per_second") * values.at("median_ms"), 1000, 1e-6);
      EXPECT_NEAR(values.at("examples_per_second"), 2 * values.at("steps_per_second"), 1e-6);
      EXPECT_NEAR(values.at("peak_share"), values.at("gflops") / values.at("peak_gflops"), 1e-9);
      // Both examples are in memory at once, as two micro-batches or as one.
      EXPECT_EQ(values.at("activation_bytes"), 2 * values.at("bytes_per_example"));
      // At least the parameters, and in training what Adam reads and writes: seven numbers each.
      EXPECT_GT(values.at("bytes_moved"), (training ? 28 : 4) * values.at("parameters"));
    }
  }
}

// The estimate is counted at a quarter and a half of the length; parameters grow with it for linformer, the square of
// it is held by the materialized transformer. Shorter examples share a micro-batch and need less than each alone.
TEST(Bench, EstimatesMemoryWithoutRunning) {
  BenchRequest request = small_request();
  request.models = {"linear", "linformer", "transformer", "transformer materialized=true"};
  request.lengths = {1024};
  for (const auto& [model, values] : measured(request))
    EXPECT_NEAR(values.at("estimated_bytes") / values.at("peak_bytes"), 1, 0.25) << model;
}

TEST(Bench, RefusesWhatDoesNotFit) {
  BenchRequest request = small_request();
  request.models = {"transformer materialized=true", "linear"};
  request.lengths = {1 << 20};  // the N×N matrix alone takes 8 TiB
  request.max_memory = 1;
  for (const auto& [model, values] : measured(request)) {
    EXPECT_EQ(values.size(), 1u) << model;
    EXPECT_GT(values.at("estimated_bytes"), 1e8) << model;
  }
  EXPECT_GT(double(estimated_bytes(request, request.models[0], 1 << 20, 64 << 20)), 1e12);
}

TEST(Machine, HasMemoryAndBandwidth) {
  EXPECT_GT(available_bytes(0), 0);
  EXPECT_EQ(available_bytes(1), 0) << "this process has more than that already";
  Lanes lanes(2);
  EXPECT_GT(memory_bandwidth(lanes), 1e8);
  EXPECT_GT(gemm_peak_gflops(lanes), 0);
}

TEST(Quantile, IsTheNearestValue) {
  const std::vector<double> values{5, 1, 3, 2, 4};
  EXPECT_EQ(quantile(values, 0), 1);
  EXPECT_EQ(quantile(values, 0.5), 3);
  EXPECT_EQ(quantile(values, 0.9), 5);  // 3.6 is nearer to the fifth value than to the fourth
}

}  // namespace
}  // namespace lra
