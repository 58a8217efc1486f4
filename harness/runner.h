/// Prepares a matrix of cells, runs each in its own process, and stores each result when its cell ends.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "harness/train.h"
#include "results/store/store.h"

namespace lra {

/// An experiment with the fingerprint of its data.
struct Cell {
  Experiment experiment;
  std::string data_fingerprint;
  Json canonical;   // see experiment.h
  std::string key;  // of the canonical form
  Json overrides;   // what differs from the preset
  bool comparable = true;
  double expected_seconds = 0;  // forecast with all threads to itself; 0: not known
};

/// How a cell ended: a stored run, new or found in the store.
struct Outcome {
  Cell cell;
  StoredRun run;                            // status: done | failed | interrupted
  bool skipped = false;                     // found in the store
  std::optional<StepProfile> profile = {};  // of a new run, if one was requested
};

struct MatrixOptions {
  DataPaths paths;
  CellOptions cell;                // of each cell; `threads` is the total, `shared` is set for each cell
  bool more_than_machine = false;  // more threads than CPUs: all timings are stored as shared
  /// Cells that run at a time, each with cell.threads / jobs threads; with more than one, timings are stored as shared.
  /// 0: cells that are expected to take less than kShortCell seconds run first, as many at a time as there are threads;
  /// then the others run one by one with all threads.
  long jobs = 1;
  bool force = false;           // run all cells again, without their checkpoints
  std::filesystem::path state;  // folder for claims, checkpoints and logs of cells; empty: none are kept
  double max_seconds = 0;       // time limit of a cell; 0: no limit
  std::string command;          // stored with the runs
  std::vector<std::string> program = {"/proc/self/exe", "cell"};  // command line of a cell's process
  const std::atomic<bool>* stop = nullptr;  // when it becomes true, cells are told to end and none is started
};

/// Cells expected to take fewer seconds run beside others if `jobs` is 0.
inline constexpr double kShortCell = 60;

/// Receives the events of a matrix, in the thread that runs it.
class MatrixObserver {
 public:
  virtual ~MatrixObserver() = default;
  virtual void noticed(const std::string&) {}  // on data preparation, a damaged checkpoint, or another process's cell
  virtual void started(const Cell&) {}
  virtual void progressed(const Cell&, const Progress&) {}
  virtual void ended(const Outcome&) {}
};

/// Opens the data of each task once for its fingerprint, and stores its baselines if they are missing. Keeps the order.
/// Throws a data error before any training when data is missing or corrupt.
std::vector<Cell> prepare(const std::vector<Experiment>& experiments, const DataPaths& paths, Store& store,
                          MatrixObserver& observer);

/// Runs the cells that have no completed run in the store (all cells if forced), and stores each when it ends. A cell
/// that crashes, fails, exceeds its time limit, sends an invalid message or cannot be started is stored as failed with
/// the reason, and the others continue. A checkpoint that cannot be read is set aside, and its cell starts over. Cells
/// that another process has claimed are left to it, and taken over if it ends without a result. Returns one outcome per
/// cell, in the order of `cells`; cells that `stop` kept from starting have the status "interrupted" and are not
/// stored.
std::vector<Outcome> run_cells(const std::vector<Cell>& cells, Store& store, const Environment& environment,
                               const MatrixOptions& options, MatrixObserver& observer);

}  // namespace lra
