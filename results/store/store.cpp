#include "results/store/store.h"

#include <algorithm>
#include <tuple>

#include "core/digest.h"
#include "results/store/database.h"
#include "results/store/database_file.h"
#include "results/store/schema.h"
#include "results/store/validation.h"

namespace lra {
namespace {

std::string column_list(auto&& columns) {
  std::string list;
  columns([&](const char* name, auto&) { list += (list.empty() ? "" : ", ") + std::string(name); });
  return list;
}

std::string insert_into(const char* table, auto&& columns) {
  std::string marks;
  columns([&](const char*, auto&) { marks += marks.empty() ? "?" : ", ?"; });
  return fmt::format("INSERT INTO {} ({}) VALUES ({})", table, column_list(columns), marks);
}

std::vector<std::uint8_t> packed(const std::vector<std::uint8_t>& correctness) {
  std::vector<std::uint8_t> bits((correctness.size() + 7) / 8);
  for (std::size_t i = 0; i < correctness.size(); ++i)
    if (correctness[i]) bits[i / 8] = static_cast<std::uint8_t>(bits[i / 8] | (1u << (i % 8)));
  return bits;
}

std::vector<std::uint8_t> unpacked(const CorrectExamples& packed) {
  std::vector<std::uint8_t> correctness(std::size_t(packed.examples));
  for (std::size_t i = 0; i < correctness.size(); ++i) correctness[i] = (packed.bits[i / 8] >> (i % 8)) & 1;
  return correctness;
}

/// Reads and validates the predictions of run `id` from a row of (examples, hits).
CorrectExamples correct_examples_of(const Database& database, const Statement& row, long id, long test_correct,
                                    long test_examples) {
  CorrectExamples correctness{row.get<long>(0), row.get<std::vector<std::uint8_t>>(1)};
  validate(correctness, id, test_correct, test_examples, database.path());
  return correctness;
}

std::string configuration_of(const StoredRun& run) {
  Json experiment = run.experiment;
  if (experiment.is_object()) experiment.erase("seed");
  return sha256(experiment.dump());
}

std::string hash_of(const Environment& environment) {
  Json content;
  Environment::fields(environment, [&](const char* name, const auto& value) { content[name] = value; });
  return sha256(content.dump());
}

long environment_row(const Database& database, const Environment& environment) {
  const auto columns = [&](auto&& f) { Environment::fields(environment, f); };
  const std::string hash = hash_of(environment);
  if (auto row = database.query("SELECT id FROM environment WHERE hash = ?", hash); row.next()) return row.get<long>(0);
  const auto with_hash = [&](auto&& f) { f("hash", hash), columns(f); };
  Statement insert = database.query(insert_into("environment", with_hash));
  int parameter = 0;
  with_hash([&](const char*, const auto& value) { insert.bind(++parameter, value); });
  insert.next();
  return database.last_insert_id();
}

long insert_run(const Database& database, const StoredRun& run) {
  const auto columns = [&](auto&& f) { StoredRun::fields(run, f); };
  Statement insert = database.query(insert_into("run", columns));
  int parameter = 0;
  columns([&](const char*, const auto& value) { insert.bind(++parameter, value); });
  insert.next();
  const long id = database.last_insert_id();

  Statement metric =
      database.query("INSERT INTO metric (run, position, step, split, name, value) VALUES (?, ?, ?, ?, ?, ?)");
  for (std::size_t i = 0; i < run.history.size(); ++i) {
    const Metric& m = run.history[i];
    metric.run(id, i, m.step, m.split, m.name, m.value);
  }
  if (!run.test_correctness.empty())
    database
        .query("INSERT INTO prediction (run, examples, hits) VALUES (?, ?, ?)", id, run.test_correctness.size(),
               packed(run.test_correctness))
        .next();
  return id;
}

/// Runs without history and predictions; `rest` follows "FROM run".
template <typename... Values>
std::vector<StoredRun> select_runs(const Database& database, const std::string& rest, const Values&... values) {
  StoredRun blank;
  const auto columns = [&](auto&& f) { StoredRun::fields(blank, f); };
  std::vector<StoredRun> all;
  Statement row = database.query(fmt::format("SELECT id, {} FROM run {}", column_list(columns), rest), values...);
  while (row.next()) {
    StoredRun run;
    run.id = row.get<long>(0);
    int column = 0;
    StoredRun::fields(run, [&](const char*, auto& value) { value = row.get<std::decay_t<decltype(value)>>(++column); });
    if (run.status == "done") validate(run, database.path());
    all.push_back(std::move(run));
  }
  return all;
}

/// A run with its history and predictions.
template <typename... Values>
std::optional<StoredRun> first_full_run(const Database& database, const std::string& rest, const Values&... values) {
  auto found = select_runs(database, rest, values...);
  if (found.empty()) return std::nullopt;
  StoredRun run = std::move(found.front());
  auto metric = database.query("SELECT step, split, name, value FROM metric WHERE run = ? ORDER BY position", run.id);
  while (metric.next())
    run.history.push_back(
        {metric.get<long>(0), metric.get<std::string>(1), metric.get<std::string>(2), metric.get<double>(3)});
  auto prediction = database.query("SELECT examples, hits FROM prediction WHERE run = ?", run.id);
  if (prediction.next())
    run.test_correctness =
        unpacked(correct_examples_of(database, prediction, run.id, run.test_correct, run.test_examples));
  return run;
}

/// Store::add inside a transaction; returns the id and whether the row is new.
std::pair<long, bool> put(const Database& database, const StoredRun& run, const Environment& environment, bool force) {
  if (run.status == "done" && !force)
    if (auto row = database.query("SELECT id FROM run WHERE key = ? AND status = 'done'", run.key); row.next())
      return {row.get<long>(0), false};
  database.query("DELETE FROM run WHERE key = ? AND (status <> 'done' OR ?)", run.key, run.status == "done").next();
  StoredRun stored = run;
  stored.environment = environment_row(database, environment);
  stored.configuration = configuration_of(run);
  return {insert_run(database, stored), true};
}

void put(const Database& database, Measurement measurement, long environment) {
  measurement.environment = environment;
  const auto columns = [&](auto&& f) { Measurement::fields(measurement, f); };
  Statement insert = database.query(insert_into("measurement", columns));
  int parameter = 0;
  columns([&](const char*, const auto& value) { insert.bind(++parameter, value); });
  insert.next();
}

void put(const Database& database, const std::string& variant, const std::string& data_fingerprint,
         const std::vector<Baseline>& all) {
  Statement insert = database.query(
      "INSERT OR REPLACE INTO baseline (variant, data_fingerprint, name, correct, examples) VALUES (?, ?, ?, ?, ?)");
  for (const Baseline& b : all) insert.run(variant, data_fingerprint, b.name, b.correct, b.examples);
}

void put_cautions(const Database& database, const std::string& variant, const std::string& data_fingerprint,
                  const std::vector<std::string>& sentences) {
  database.query("DELETE FROM caution WHERE variant = ? AND data_fingerprint = ?", variant, data_fingerprint).next();
  Statement insert =
      database.query("INSERT INTO caution (variant, data_fingerprint, position, sentence) VALUES (?, ?, ?, ?)");
  for (std::size_t i = 0; i < sentences.size(); ++i) insert.run(variant, data_fingerprint, i, sentences[i]);
}

}  // namespace

struct Store::Rep {
  Rep(const std::filesystem::path& path, Access access)
      : database(path, access == Access::write ? Database::Open::create : Database::Open::read) {
    check_schema(database);
    const bool old = database.integer("PRAGMA user_version") != schema_version();
    if (database.read_only() && old)
      fail_data("database {} has an older schema and is read-only: make it writable, or name a writable copy with --db",
                path.string());
    if (access == Access::write || old || (database.on_network() && !database.read_only())) database.choose_journal();
    if (access == Access::write || old) migrate(database);
    if (access == Access::read) snapshot.emplace(database);
  }
  Database database;
  std::optional<Snapshot> snapshot;
};

Store::Store(const std::filesystem::path& path, Access access) : rep_(std::make_unique<Rep>(path, access)) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

long Store::add(const StoredRun& run, const Environment& environment, bool force) {
  Transaction transaction(rep_->database);
  const auto [id, is_new] = put(rep_->database, run, environment, force);
  if (is_new) transaction.commit();
  return id;
}

std::optional<StoredRun> Store::find(const std::string& key) const {
  rep_->database.check_in_place();
  return first_full_run(rep_->database, "WHERE key = ? AND status = 'done'", key);
}

std::optional<StoredRun> Store::find(long id) const { return first_full_run(rep_->database, "WHERE id = ?", id); }

std::vector<StoredRun> Store::runs() const {
  auto all = select_runs(rep_->database, "WHERE status = 'done' ORDER BY id");
  std::map<long, double> validated;
  auto row = rep_->database.query(
      "SELECT run, max(value) FROM metric WHERE split = 'valid' AND name = 'accuracy' "
      "AND run IN (SELECT id FROM run WHERE sweep <> 'null') GROUP BY run");
  while (row.next()) {
    const double best = validated[row.get<long>(0)] = row.get<double>(1);
    validate_accuracy(best, row.get<long>(0), path());
  }
  if (validated.empty()) return all;
  for (StoredRun& run : all)
    if (const auto found = validated.find(run.id); found != validated.end()) run.valid_accuracy = found->second;
  return all;
}

std::vector<StoredRun> Store::failures() const {
  return select_runs(rep_->database,
                     "WHERE status <> 'done' AND key NOT IN (SELECT key FROM run WHERE status = 'done') "
                     "ORDER BY id");
}

std::map<long, Environment> Store::environments() const {
  Environment blank;
  const auto columns = [&](auto&& f) { Environment::fields(blank, f); };
  std::map<long, Environment> all;
  Statement row = rep_->database.query(fmt::format("SELECT id, {} FROM environment", column_list(columns)));
  while (row.next()) {
    int column = 0;
    Environment::fields(all[row.get<long>(0)],
                        [&](const char*, auto& value) { value = row.get<std::decay_t<decltype(value)>>(++column); });
  }
  return all;
}

void Store::add_baselines(const std::string& variant, const std::string& data_fingerprint,
                          const std::vector<Baseline>& all) {
  Transaction transaction(rep_->database);
  put(rep_->database, variant, data_fingerprint, all);
  transaction.commit();
}

std::vector<Baseline> Store::baselines(const std::string& variant, const std::string& data_fingerprint) const {
  std::vector<Baseline> all;
  auto row = rep_->database.query(
      "SELECT name, correct, examples FROM baseline WHERE variant = ? AND data_fingerprint = ? ORDER BY name", variant,
      data_fingerprint);
  while (row.next()) {
    all.push_back({row.get<std::string>(0), row.get<long>(1), row.get<long>(2)});
    validate(all.back(), variant, path());
  }
  return all;
}

void Store::add_cautions(const std::string& variant, const std::string& data_fingerprint,
                         const std::vector<std::string>& sentences) {
  if (cautions(variant, data_fingerprint) == sentences) return;
  Transaction transaction(rep_->database);
  put_cautions(rep_->database, variant, data_fingerprint, sentences);
  transaction.commit();
}

std::vector<std::string> Store::cautions(const std::string& variant, const std::string& data_fingerprint) const {
  std::vector<std::string> all;
  auto row =
      rep_->database.query("SELECT sentence FROM caution WHERE variant = ? AND data_fingerprint = ? ORDER BY position",
                           variant, data_fingerprint);
  while (row.next()) all.push_back(row.get<std::string>(0));
  return all;
}

void Store::add(const std::vector<Measurement>& measurements, const Environment& environment) {
  if (measurements.empty()) return;
  const Database& database = rep_->database;
  Transaction transaction(database);
  const long row = environment_row(database, environment);
  for (const Measurement& measurement : measurements) put(database, measurement, row);
  transaction.commit();
}

std::vector<Measurement> Store::measurements() const {
  Measurement blank;
  const auto columns = [&](auto&& f) { Measurement::fields(blank, f); };
  std::vector<Measurement> all;
  Statement row = rep_->database.query(fmt::format("SELECT {} FROM measurement ORDER BY id", column_list(columns)));
  while (row.next()) {
    int column = -1;
    Measurement::fields(all.emplace_back(),
                        [&](const char*, auto& value) { value = row.get<std::decay_t<decltype(value)>>(++column); });
    validate(all.back(), path());
  }
  return all;
}

std::map<std::pair<std::string, std::string>, std::vector<Baseline>> Store::baselines() const {
  std::map<std::pair<std::string, std::string>, std::vector<Baseline>> all;
  auto row =
      rep_->database.query("SELECT variant, data_fingerprint, name, correct, examples FROM baseline ORDER BY name");
  while (row.next()) {
    auto& of_data = all[{row.get<std::string>(0), row.get<std::string>(1)}];
    of_data.push_back({row.get<std::string>(2), row.get<long>(3), row.get<long>(4)});
    validate(of_data.back(), row.get<std::string>(0), path());
  }
  return all;
}

std::map<long, CorrectExamples> Store::correct_examples() const {
  std::map<long, CorrectExamples> all;
  auto row = rep_->database.query(
      "SELECT examples, hits, run, test_correct, test_examples FROM prediction JOIN run ON run.id = prediction.run");
  while (row.next())
    all[row.get<long>(2)] =
        correct_examples_of(rep_->database, row, row.get<long>(2), row.get<long>(3), row.get<long>(4));
  return all;
}

std::map<long, std::vector<Metric>> Store::series(const std::string& split, const std::string& name) const {
  std::map<long, std::vector<Metric>> all;
  auto row = rep_->database.query(
      "SELECT run, step, value FROM metric WHERE split = ? AND name = ? ORDER BY run, position", split, name);
  while (row.next()) {
    all[row.get<long>(0)].push_back({row.get<long>(1), split, name, row.get<double>(2)});
    if (name == "accuracy") validate_accuracy(row.get<double>(2), row.get<long>(0), path());
  }
  return all;
}

long Store::remove(const std::vector<long>& ids) {
  Transaction transaction(rep_->database);
  long removed = 0;
  for (const long id : ids) {
    auto row = rep_->database.query("DELETE FROM run WHERE id = ? RETURNING id", id);
    if (!row.next())
      fail_usage("{} has no run {}; `{}` shows all runs", path().string(), id, command_on(path(), "runs list"));
    ++removed;
  }
  transaction.commit();
  return removed;
}

std::pair<long, long> Store::merge(const Store& other) {
  const auto environments = other.environments();
  auto arriving = other.runs();
  for (StoredRun& run : other.failures()) arriving.push_back(std::move(run));
  Transaction transaction(rep_->database);
  long runs_added = 0, measurements_added = 0;
  for (const StoredRun& run : arriving) {
    auto here = rep_->database.query("SELECT 1 FROM run WHERE key = ? AND (status = 'done' OR ?)", run.key,
                                     run.status != "done");
    if (here.next()) continue;
    runs_added += put(rep_->database, other.find(run.id).value(), environments.at(run.environment), false).second;
  }
  for (const auto& [data, all] : other.baselines()) put(rep_->database, data.first, data.second, all);
  auto data = other.rep_->database.query("SELECT DISTINCT variant, data_fingerprint FROM caution");
  while (data.next()) {
    const auto variant = data.get<std::string>(0), fingerprint = data.get<std::string>(1);
    put_cautions(rep_->database, variant, fingerprint, other.cautions(variant, fingerprint));
  }
  const auto measured = measurements();
  const auto environments_here = this->environments();  // ids differ between databases, so compare contents
  const auto same = [&](const Measurement& a, const Measurement& b) {
    return std::tie(a.model, a.mode, a.metric, a.length, a.batch, a.threads, a.settings, a.value) ==
               std::tie(b.model, b.mode, b.metric, b.length, b.batch, b.threads, b.settings, b.value) &&
           hash_of(environments.at(a.environment)) == hash_of(environments_here.at(b.environment));
  };
  for (const Measurement& m : other.measurements()) {
    if (std::any_of(measured.begin(), measured.end(), [&](const Measurement& mine) { return same(m, mine); })) continue;
    put(rep_->database, m, environment_row(rep_->database, environments.at(m.environment)));
    ++measurements_added;
  }
  transaction.commit();
  return {runs_added, measurements_added};
}

std::vector<std::byte> Store::image() const { return rep_->database.image(); }

std::string Store::caution() const {
  if (!rep_->database.on_network()) return "";
  return fmt::format(
      "{} is, or may be, on a network file system: it uses a rollback journal, which is slower and relies on that file "
      "system's locks; on a cluster it is safer to give each job a database on a local disk and to combine them with "
      "`lra runs merge`",
      path().string());
}

const std::filesystem::path& Store::path() const { return rep_->database.path(); }

}  // namespace lra
