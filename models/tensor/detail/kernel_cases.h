/// One table of inputs for every kernel, compiled once for each engine, so that a test can compare their outputs.
#pragma once

#include <string>
#include <vector>

#include "models/tensor/real.h"

namespace lra {

struct KernelOutput {
  std::string name;
  std::vector<double> values;
  double tolerance;  // relative L2 distance allowed to the double engine; 0: equal
};

inline namespace LRA_ENGINE {

/// Runs every kernel but gemm on random arrays of length (or rows of width) n.
std::vector<KernelOutput> kernel_outputs(long n);

/// As kernel_outputs, with values at the limits of the range of float, for the kernels that are defined there.
std::vector<KernelOutput> extreme_outputs();

}  // namespace LRA_ENGINE
}  // namespace lra
