/// main of the benchmarks of kernels and ops: limits oneDNN to one thread and parses Google Benchmark's options.
#include <benchmark/benchmark.h>

#include "models/tensor/detail/onednn.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const lra::Worker onednn;
  benchmark::RunSpecifiedBenchmarks();
}
