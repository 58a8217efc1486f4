/// main of the programs that time kernels and ops: oneDNN on one thread, and Google Benchmark's command line.
#include <benchmark/benchmark.h>

#include "models/tensor/detail/onednn.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const lra::Worker onednn;
  benchmark::RunSpecifiedBenchmarks();
}
