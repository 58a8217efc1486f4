/// Tables of the measurements of `lra bench`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "results/tables/labels.h"

namespace lra {

/// The newest measurements of one model at one length.
struct BenchRow {
  std::string model;
  long length = 0;
  std::map<std::string, double> values;      // by metric
  std::optional<double> speed_up;            // exact attention's median time at this length divided by this model's
  std::optional<double> speed_up_to_stored;  // the same with exact attention that stores its N×N matrix

  /// False when the model was not run because it does not fit in memory; `values` then holds only estimated_bytes.
  bool fits() const { return values.count("median_ms") > 0; }
};

/// The bound of the roofline model, "compute" or "memory": whichever takes longer, a step's operations at the peak rate
/// of matrix products or its traffic at the memory bandwidth. Empty when these were not measured. Williams, Waterman,
/// Patterson. "Roofline." CACM 52(4), 2009.
std::string bound_of(const BenchRow& row);

/// One shape, mode, batch size, machine and number of threads.
struct BenchTable {
  std::string mode, machine;  // the machine's name, with level_name if it has measurements at several levels
  long batch = 0, threads = 0;
  Json settings;
  std::vector<BenchRow> rows;  // by model, then length
  ReferenceModels references;
};

/// Returns one table per measured combination of settings, batch, machine, threads and mode. `environments` must
/// contain every Measurement::environment.
std::vector<BenchTable> bench_tables(const std::vector<Measurement>& measurements,
                                     const std::map<long, Environment>& environments,
                                     const ReferenceModels& references);

}  // namespace lra
