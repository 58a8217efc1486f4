#include "results/store/schema.h"

#include <array>

#include "core/error.h"
#include "results/store/hashed_revisions.h"

namespace lra {
namespace {

constexpr std::int64_t kApplicationId = 0x4c524131;  // "LRA1"

constexpr std::array kSteps{
    // 1: training.
    R"(
CREATE TABLE environment (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,          -- SHA-256 of the other columns
  cpu TEXT NOT NULL, isa TEXT NOT NULL, os TEXT NOT NULL, compiler TEXT NOT NULL, flags TEXT NOT NULL,
  onednn TEXT NOT NULL, code_version TEXT NOT NULL,
  cores INTEGER NOT NULL, memory_bytes INTEGER NOT NULL, dirty INTEGER NOT NULL
);
CREATE TABLE run (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  environment INTEGER NOT NULL REFERENCES environment(id),
  key TEXT NOT NULL,                  -- SHA-256 of experiment
  configuration TEXT NOT NULL,        -- SHA-256 of experiment without its seed
  task TEXT NOT NULL, variant TEXT NOT NULL, preset TEXT NOT NULL, model TEXT NOT NULL, model_revision TEXT NOT NULL,
  seed INTEGER NOT NULL, overrides TEXT NOT NULL, experiment TEXT NOT NULL, data_fingerprint TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('done', 'failed', 'interrupted')),
  reason TEXT NOT NULL, command TEXT NOT NULL, started TEXT NOT NULL, seconds REAL,
  comparable INTEGER NOT NULL, shared INTEGER NOT NULL, threads INTEGER NOT NULL,
  parameters INTEGER NOT NULL, parameter_digest TEXT NOT NULL,
  test_correct INTEGER NOT NULL, test_examples INTEGER NOT NULL, test_loss REAL,
  train_seconds REAL, examples_per_second REAL, gflops REAL, gemm_peak_gflops REAL,
  peak_bytes INTEGER NOT NULL, activation_bytes INTEGER NOT NULL, rss_bytes INTEGER NOT NULL
);
CREATE UNIQUE INDEX run_done ON run(key) WHERE status = 'done';
CREATE INDEX run_key ON run(key);
CREATE TABLE metric (
  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,          -- in order of recording
  step INTEGER NOT NULL, split TEXT NOT NULL, name TEXT NOT NULL, value REAL,
  PRIMARY KEY (run, position)
) WITHOUT ROWID;
CREATE TABLE prediction (
  run INTEGER PRIMARY KEY REFERENCES run(id) ON DELETE CASCADE,
  examples INTEGER NOT NULL,
  hits BLOB NOT NULL                  -- bit i % 8 (lowest first) of byte i / 8: test example i was right
);
CREATE TABLE baseline (
  variant TEXT NOT NULL, data_fingerprint TEXT NOT NULL, name TEXT NOT NULL,
  correct INTEGER NOT NULL, examples INTEGER NOT NULL,
  PRIMARY KEY (variant, data_fingerprint, name)
) WITHOUT ROWID;
)",
    // 2: bench.
    R"(
CREATE TABLE measurement (
  id INTEGER PRIMARY KEY,
  environment INTEGER NOT NULL REFERENCES environment(id),
  model TEXT NOT NULL, mode TEXT NOT NULL, metric TEXT NOT NULL,
  length INTEGER NOT NULL, batch INTEGER NOT NULL, threads INTEGER NOT NULL, settings TEXT NOT NULL, value REAL
);
)",
    // 3: the part of train_seconds that steps waited for data.
    R"(
ALTER TABLE run ADD COLUMN data_seconds REAL NOT NULL DEFAULT 0;
)",
    // 4: sweeps, and the libraries that a result was made with.
    R"(
ALTER TABLE run ADD COLUMN sweep TEXT NOT NULL DEFAULT 'null';  -- what was tried of each key
ALTER TABLE environment ADD COLUMN libraries TEXT NOT NULL DEFAULT '{}';
)",
    // 5: what bits and timings depend on, and where the data were.
    R"(
ALTER TABLE environment ADD COLUMN onednn_isa TEXT NOT NULL DEFAULT '';  -- empty: not known
ALTER TABLE run ADD COLUMN data_folder TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN parts TEXT NOT NULL DEFAULT '[]';       -- what each process did of it, and how
ALTER TABLE run ADD COLUMN timing_flaw TEXT NOT NULL DEFAULT '';   -- why its timings are not one figure
)",
    // 6: what readers of results must know of their data.
    R"(
CREATE TABLE caution (
  variant TEXT NOT NULL, data_fingerprint TEXT NOT NULL, position INTEGER NOT NULL,
  sentence TEXT NOT NULL,             -- "6 of 6 test texts are also training texts"
  PRIMARY KEY (variant, data_fingerprint, position)
) WITHOUT ROWID;
)",
    // 7: numbered revisions, see number_revisions.
    "",
};
constexpr int kNumberedRevisions = 7;

/// Replaces hashed revisions by their number.
void number_revisions(const Database& database) {
  for (const HashedRevision& hashed : kHashedRevisions)
    database
        .query("UPDATE run SET model_revision = ? WHERE model_revision = ?", std::string(kFirstRevision),
               std::string(hashed.hash))
        .next();
}

constexpr std::array kViews{"best", "leaderboard", "cost"};

constexpr const char* kCreateViews = R"(
-- One row a configuration, seeds averaged; place 1 is the most accurate of its preset, task variant and data.
CREATE VIEW leaderboard AS
  SELECT preset, variant, data_fingerprint,
         rank() OVER (PARTITION BY preset, variant, data_fingerprint
                      ORDER BY avg(1.0 * test_correct / test_examples) DESC) AS place,
         model, overrides, model_revision, configuration, count(*) AS seeds,
         avg(1.0 * test_correct / test_examples) AS accuracy,
         min(1.0 * test_correct / test_examples) AS lowest, max(1.0 * test_correct / test_examples) AS highest
  FROM run WHERE status = 'done' AND comparable AND test_examples > 0
  GROUP BY preset, variant, data_fingerprint, model, overrides, model_revision, configuration;
CREATE VIEW best AS SELECT * FROM leaderboard WHERE place = 1;
-- What a configuration costs, from runs that had the machine to themselves from begin to end.
CREATE VIEW cost AS
  SELECT preset, variant, model, overrides, model_revision, configuration, environment, threads, count(*) AS seeds,
         max(parameters) AS parameters, avg(train_seconds) AS train_seconds,
         avg(examples_per_second) AS examples_per_second, avg(gflops) AS gflops,
         avg(gflops / nullif(gemm_peak_gflops, 0)) AS peak_share,
         max(peak_bytes) AS peak_bytes, max(activation_bytes) AS activation_bytes
  FROM run WHERE status = 'done' AND NOT shared AND timing_flaw = ''
  GROUP BY preset, variant, model, overrides, model_revision, configuration, environment, threads;
)";

}  // namespace

int schema_version() { return static_cast<int>(kSteps.size()); }

void check_schema(const Database& database) {
  const std::string file = database.path().string();
  // One statement, so that the values are consistent even while another process creates the file.
  Statement marks = database.query(
      "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master) "
      "FROM pragma_application_id, pragma_user_version");
  if (!marks.next()) fail("database {}: the query of its header returned no row", file);
  const auto application = marks.get<std::int64_t>(0), version = marks.get<std::int64_t>(1);
  const bool empty = marks.get<std::int64_t>(2) == 0;
  if (application != kApplicationId) {
    if (version == 0 && empty) return;
    fail_data("{} belongs to another program; name another file with --db", file);
  }
  if (version > schema_version())
    fail_data(
        "{} has schema version {}, but this program knows versions up to {}: use the newer version of lra that wrote "
        "it, or name another file with --db",
        file, version, schema_version());
}

void migrate(const Database& database, int version) {
  Transaction transaction(database);
  check_schema(database);  // again under the lock, because another process may have migrated it first
  const auto old_version = static_cast<int>(database.integer("PRAGMA user_version"));
  if (old_version < version) {
    for (const char* view : kViews) database.execute(fmt::format("DROP VIEW IF EXISTS {}", view));
    for (int step = old_version; step < version; ++step) database.execute(kSteps.at(static_cast<std::size_t>(step)));
    if (old_version < kNumberedRevisions && version >= kNumberedRevisions) number_revisions(database);
    database.execute(kCreateViews);
    database.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, version));
  }
  transaction.commit();
}

}  // namespace lra
