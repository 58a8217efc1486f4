#include "harness/measure.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <cmath>
#include <fstream>
#include <string>

#include "core/clock.h"
#include "core/random.h"
#include "harness/lane_executor.h"
#include "models/tensor/context.h"
#include "models/tensor/detail/kernels.h"
#include "results/tables/text_table.h"

namespace lra {
namespace {

constexpr int kRounds = 4;  // of one measurement of the machine; the first is a warm-up

/// Calls work(0) … work(threads − 1), each in its own worker, all at the same time.
void in_each_worker(WorkerPool& workers, const std::function<void(long)>& work) {
  std::barrier all(workers.threads());
  workers.run(workers.threads(), [&](long worker) {
    all.arrive_and_wait();
    work(worker);
  });
}

/// Rounds per second, where every worker does its work once per round; the median of several rounds.
double rate(WorkerPool& workers, const std::function<void(long)>& work) {
  std::vector<double> rates;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = Clock::now();
    in_each_worker(workers, work);
    rates.push_back(1 / seconds_since(start));
  }
  rates.erase(rates.begin());
  return quantile(rates, 0.5);
}

}  // namespace

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[std::size_t(std::lround(share * double(values.size() - 1)))];
}

double gemm_peak_gflops(WorkerPool& workers) {
  constexpr long kRows = 2000, kInner = 512, kCols = 512;
  constexpr double kFlops = 2.0 * kRows * kInner * kCols;
  struct Operands {
    std::vector<float> a = std::vector<float>(kRows * kInner, 0.5f), b = std::vector<float>(kInner * kCols, 0.25f),
                       c = std::vector<float>(kRows * kCols);
  };
  std::vector<Operands> operands(std::size_t(workers.threads()));
  return 1e-9 * kFlops * double(workers.threads()) * rate(workers, [&](long worker) {
           Operands& o = operands[std::size_t(worker)];
           kernels::gemm({o.a.data(), kRows, kInner, kInner}, false, {o.b.data(), kInner, kCols, kCols}, false,
                         {o.c.data(), kRows, kCols, kCols});
         });
}

double memory_bandwidth(WorkerPool& workers, std::int64_t limit) {
  // Total bytes, far beyond the cache; kLeast if the system does not report the cache's size. The thread sanitizer
  // needs another four times as much memory and minutes to fill it, and its figures mean nothing.
#ifdef __SANITIZE_THREAD__
  constexpr std::int64_t kLeast = 1 << 20, kMost = kLeast;
#else
  constexpr std::int64_t kLeast = 64 << 20, kMost = 1 << 30;
#endif
  const std::int64_t allowed = std::max<std::int64_t>(available_bytes(limit) / 4, 1 << 20);
  const std::int64_t bytes =
      std::min(allowed, std::clamp<std::int64_t>(4 * sysconf(_SC_LEVEL3_CACHE_SIZE), kLeast, kMost));
  const std::size_t count = std::size_t(bytes) / sizeof(float) / 2 / std::size_t(workers.threads());
  struct Operands {
    std::vector<float> x, y;
  };
  std::vector<Operands> operands(std::size_t(workers.threads()));
  const double bytes_a_round = 3.0 * sizeof(float) * double(count) * double(workers.threads());
  return bytes_a_round * rate(workers, [&](long worker) {
           auto& [x, y] = operands[std::size_t(worker)];
           if (x.empty()) x.assign(count, 0.5f), y.assign(count, 0.25f);  // first use places the pages near the worker
           kernels::add_scaled(x.data(), 0.5f, y.data(), long(count));
         });
}

std::int64_t peak_resident_bytes() { return process_bytes("VmHWM"); }

void reset_peak_resident_bytes() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::int64_t available_bytes(std::int64_t limit) {
  const std::int64_t available = available_memory();
  if (limit <= 0) return available;
  return std::min(available, std::max<std::int64_t>(0, limit - process_bytes("VmRSS")));
}

std::optional<MemoryLimit> refusing_limit(std::int64_t max_memory) {
  auto limit = memory_limit();
  if (limit && limit->is_groups) limit.reset();
  if (max_memory > 0 && (!limit || max_memory < limit->bytes))
    limit = MemoryLimit{max_memory, 0, "--max-memory", false};
  return limit;
}

std::string out_of_memory(std::int64_t max_memory, std::int64_t needed) {
  const auto limit = refusing_limit(max_memory);
  const bool is_known = needed > 0 && (!limit || needed > limit->bytes);
  return fmt::format("not enough memory: {}, and {} needed",
                     limit ? fmt::format("{} allows {}", limit->name, human_bytes(limit->bytes))
                           : fmt::format("{} are free", human_bytes(available_memory())),
                     is_known ? fmt::format("about {} are", human_bytes(needed)) : "more is");
}

std::optional<double> cpu_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_CPU, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return double(limit.rlim_cur);
}

std::string why_killed() {
  const auto limit = cpu_limit();
  return "perhaps for lack of memory" +
         (limit ? fmt::format(", or because it may have no more than {} s on a CPU (ulimit -t)", *limit) : "");
}

void trim_memory(WorkerPool& workers) {
  in_each_worker(workers, [](long) { Context::current().memory.trim(); });
  malloc_trim(0);
}

ExampleCost cost_of_example(const Classifier& model, const TaskSpec& spec) {
  const Random random(0, "cost", "tokens");
  Batch batch;
  batch.paired = spec.paired;
  batch.offsets.push_back(0);
  for (long sequence = 0; sequence < (spec.paired ? 2 : 1); ++sequence) {
    for (long i = 0; i < spec.length; ++i)
      batch.ids.push_back(std::int32_t(random.below(std::uint32_t(spec.vocab), std::uint64_t(batch.ids.size()))));
    batch.offsets.push_back(std::int64_t(batch.ids.size()));
  }
  batch.labels = {0};
  batch.examples = {0};
  LaneExecutor lanes(1);
  const PassResult inference = lanes.evaluate(model, plan_micro_batches(batch, spec.length)),
                   training = lanes.train(model, plan_micro_batches(batch, spec.length), 0);
  return {inference.flops, training.flops, inference.activation_bytes, training.activation_bytes};
}

}  // namespace lra
