/// Tables of what `lra bench` measured.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "results/tables/labels.h"

namespace lra {

/// Figures of `lra bench`, the newest of each kind.
struct BenchRow {
  std::string model;
  long length = 0;
  std::map<std::string, double> values;      // by metric
  std::optional<double> speed_up;            // exact attention's median time over this one's, same length
  std::optional<double> speed_up_to_stored;  // the same against exact attention that stores its N×N matrix

  /// False when it was refused for want of memory: then `values` has estimated_bytes alone.
  bool fits() const { return values.count("median_ms") > 0; }
};

/// The verdict of the roofline, "compute" or "memory": which of a step's operations at the rate of matrix products and
/// its traffic at the rate of memory takes longer. Empty where these were not measured. Williams, Waterman, Patterson.
/// "Roofline." CACM 52(4), 2009.
std::string bound_of(const BenchRow& row);

/// One shape, mode, batch size, machine and number of threads.
struct BenchTable {
  std::string mode, machine;  // the machine's name, with level_name where it has figures of several levels
  long batch = 0, threads = 0;
  Json settings;
  std::vector<BenchRow> rows;  // by model, then length
  ReferenceModels references;
};

/// Every combination of settings, batch, machine, threads and mode that was measured. `environments` holds those that
/// Measurement::environment names.
std::vector<BenchTable> bench_tables(const std::vector<Measurement>& measurements,
                                     const std::map<long, Environment>& environments,
                                     const ReferenceModels& references);

}  // namespace lra
