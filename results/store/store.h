/// The database of results. One SQLite file, safe with several writers; every change is one transaction. What is read
/// is checked: numbers that cannot be are a data error that names the run (sound.h).
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

/// Use one Store per thread; any number of threads and processes may have the same file open.
class Store {
 public:
  /// write: the file is made when missing, and must be writable. read: it must exist, may be read-only, and is seen as
  /// it was at this moment, whatever is written meanwhile.
  enum class Access { write, read };

  /// Migrates an older schema, keeping every row. Throws a data error when the file cannot be opened as `access` asks,
  /// is not a database of this program, or has a newer schema, and a usage error when the name can be no database's.
  /// ":memory:" is a database that lives as long as the Store. Whatever writes, and the search for a key, throws a data
  /// error once the file was removed, moved or replaced.
  explicit Store(const std::filesystem::path& path, Access access = Access::write);
  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;

  /// Stores a run with its history and predictions; returns its id. Any run replaces failed or interrupted rows of the
  /// same key. A done one that is there already stays, and its id is returned, unless `force` has it replaced too.
  long add(const StoredRun& run, const Environment& environment, bool force = false);

  /// The done run with this key, history and predictions included.
  std::optional<StoredRun> find(const std::string& key) const;
  /// The run with this id, whatever its status, history and predictions included.
  std::optional<StoredRun> find(long id) const;
  /// Done runs, oldest first, without history and predictions; `id` order.
  std::vector<StoredRun> runs() const;
  /// Failed and interrupted runs whose key has no done run, in the same form.
  std::vector<StoredRun> failures() const;

  /// Which test examples each run had right, by its id; runs without predictions are absent.
  std::map<long, Hits> hits() const;
  /// The values of one series by the run's id, in order of recording.
  std::map<long, std::vector<Metric>> series(const std::string& split, const std::string& name) const;

  /// Removes these runs with their histories and predictions, sound or not; returns how many. Throws a usage error and
  /// removes none when one of them is not there.
  long remove(const std::vector<long>& ids);
  /// Adds what `other` holds and this lacks: done runs of keys that are not done here, failures of unknown keys,
  /// baselines, cautions, measurements. All or nothing. Returns how many runs and measurements were added.
  std::pair<long, long> merge(const Store& other);

  /// By the number in StoredRun::environment and Measurement::environment.
  std::map<long, Environment> environments() const;

  /// Replaces those of the same name.
  void add_baselines(const std::string& variant, const std::string& data_fingerprint, const std::vector<Baseline>& all);
  std::vector<Baseline> baselines(const std::string& variant, const std::string& data_fingerprint) const;
  /// All of them by variant and data fingerprint.
  std::map<std::pair<std::string, std::string>, std::vector<Baseline>> baselines() const;

  /// What whoever reads results on these data must know of them, one sentence each. Replaces what was known.
  void add_cautions(const std::string& variant, const std::string& data_fingerprint,
                    const std::vector<std::string>& sentences);
  std::vector<std::string> cautions(const std::string& variant, const std::string& data_fingerprint) const;

  void add(const std::vector<Measurement>& measurements, const Environment& environment);
  /// Oldest first.
  std::vector<Measurement> measurements() const;

  /// The bytes of the file, or what they would be.
  std::vector<std::byte> image() const;
  /// What whoever writes into this should be told of the place where it lies; mostly nothing.
  std::string caution() const;
  const std::filesystem::path& path() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace lra
