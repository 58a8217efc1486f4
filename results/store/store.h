/// The results database: one SQLite file, safe with several writers. Every change is one transaction. Reading throws a
/// data error that names the run when stored numbers are impossible (validation.h).
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "results/store/record.h"

namespace lra {

/// Use one Store per thread; any number of threads and processes can open the same file.
class Store {
 public:
  /// write: creates the file when it is missing; it must be writable. read: the file must exist and may be read-only;
  /// the Store sees it as it was at construction, whatever others write later.
  enum class Access { write, read };

  /// Opens the file and migrates an older schema, keeping every row. ":memory:" is a database that lives as long as the
  /// Store. Throws a data error when the file cannot be opened with this access, is not a database of this program, or
  /// has a newer schema, and a usage error when `path` cannot name a database. Once the file has been removed, moved or
  /// replaced, every function that writes, and find(key), throws a data error.
  explicit Store(const std::filesystem::path& path, Access access = Access::write);
  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;

  /// Stores a run with its history and predictions, and returns its id. It replaces failed and interrupted runs of the
  /// same key. If both `run` and a stored run of its key are done, the stored one is kept and its id returned; with
  /// `force` it is replaced.
  long add(const StoredRun& run, const Environment& environment, bool force = false);

  /// The done run with this key, with history and predictions.
  std::optional<StoredRun> find(const std::string& key) const;
  /// The run with this id, whatever its status, with history and predictions.
  std::optional<StoredRun> find(long id) const;
  /// All done runs, ordered by id (oldest first), without history and predictions.
  std::vector<StoredRun> runs() const;
  /// Failed and interrupted runs whose key has no done run, likewise.
  std::vector<StoredRun> failures() const;

  /// Which test examples each run classified correctly, by run id. Runs without predictions are absent.
  std::map<long, CorrectExamples> correct_examples() const;
  /// The metric `name` on `split` of every run, by run id, in the order of recording.
  std::map<long, std::vector<Metric>> series(const std::string& split, const std::string& name) const;

  /// Removes these runs with their histories and predictions, even if they are damaged, and returns their number.
  /// Throws a usage error and removes none when an id does not exist.
  long remove(const std::vector<long>& ids);
  /// Adds what `other` has and this lacks: done runs whose key is not done here, failures of unknown keys, baselines,
  /// cautions and measurements, in one transaction. Returns the numbers of runs and of measurements added.
  std::pair<long, long> merge(const Store& other);

  /// All environments by id, as in StoredRun::environment and Measurement::environment.
  std::map<long, Environment> environments() const;

  /// Stores baselines for one version of a variant's data, replacing those with the same name.
  void add_baselines(const std::string& variant, const std::string& data_fingerprint, const std::vector<Baseline>& all);
  std::vector<Baseline> baselines(const std::string& variant, const std::string& data_fingerprint) const;
  /// All baselines by variant and data fingerprint.
  std::map<std::pair<std::string, std::string>, std::vector<Baseline>> baselines() const;

  /// Stores caveats that readers of results on these data should know, one sentence each, replacing earlier ones.
  void add_cautions(const std::string& variant, const std::string& data_fingerprint,
                    const std::vector<std::string>& sentences);
  std::vector<std::string> cautions(const std::string& variant, const std::string& data_fingerprint) const;

  void add(const std::vector<Measurement>& measurements, const Environment& environment);
  /// All measurements, oldest first.
  std::vector<Measurement> measurements() const;

  /// The contents of the database file, also for ":memory:".
  std::vector<std::byte> image() const;
  /// A warning for those who write to a database on a network file system; otherwise empty.
  std::string caution() const;
  const std::filesystem::path& path() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace lra
