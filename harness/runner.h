/// A matrix of cells: prepared, run one process a cell, committed one by one.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "harness/train.h"
#include "results/store/store.h"

namespace lra {

/// An experiment whose data has been seen.
struct Cell {
  Experiment experiment;
  std::string data_fingerprint;
  Json canonical;   // see experiment.h
  std::string key;  // of the canonical form
  Json overrides;   // what differs from the preset
  bool comparable = true;
  double expected_seconds = 0;  // what it will take with all threads to itself; 0: not known
};

/// How a cell ended: a stored run, new or found in the store.
struct Outcome {
  Cell cell;
  StoredRun run;                            // status: done | failed | interrupted
  bool skipped = false;                     // found in the store
  std::optional<StepProfile> profile = {};  // of a new one, when it was asked for
};

struct MatrixOptions {
  DataPaths paths;
  CellOptions cell;                // of each; `threads` are those of all cells together, `shared` is decided for each
  bool more_than_machine = false;  // threads than CPUs: all timings are stored as shared
  /// Cells at a time, cell.threads / jobs each; with more than one, timings are stored as shared. 0: cells that are
  /// expected to take less than kShortCell seconds go first, as many at a time as there are threads; the others have
  /// all threads, one by one.
  long jobs = 1;
  bool force = false;
  std::filesystem::path state;  // folder of claims, checkpoints and logs of cells; empty: none are kept
  double max_seconds = 0;       // a cell may take; 0: no limit
  std::string command;          // stored with the runs
  std::vector<std::string> program = {"/proc/self/exe", "cell"};  // what a cell's process runs
  const std::atomic<bool>* stop = nullptr;                        // set: cells are told to end, none is started
};

/// Seconds below which a cell is worth running beside others.
inline constexpr double kShortCell = 60;

/// Told what happens, in the thread that runs the matrix.
class MatrixObserver {
 public:
  virtual ~MatrixObserver() = default;
  virtual void noticed(const std::string&) {}  // a sentence on data being prepared, or on a cell that others run
  virtual void started(const Cell&) {}
  virtual void progressed(const Cell&, const Progress&) {}
  virtual void ended(const Outcome&) {}
};

/// Opens the data of each task once, to know its fingerprint; stores its baselines when they are not there yet. Keeps
/// the order. Throws a data error before anything is trained when data is missing or corrupt.
std::vector<Cell> prepare(const std::vector<Experiment>& experiments, const DataPaths& paths, Store& store,
                          MatrixObserver& observer);

/// Runs the cells that the store has no done run of (all when forced), and stores each when it ends. A cell that
/// crashes, fails, takes too much, talks nonsense or cannot be started is stored as failed with the reason, and the
/// others go on. A checkpoint that cannot be read is set aside, and its cell starts over. Cells that another process
/// has claimed are left to it, and taken over when it ends without a result. One outcome a cell, in the cells' order;
/// cells that `stop` kept from starting have status "interrupted" and are not stored.
std::vector<Outcome> run_cells(const std::vector<Cell>& cells, Store& store, const Environment& environment,
                               const MatrixOptions& options, MatrixObserver& observer);

}  // namespace lra
