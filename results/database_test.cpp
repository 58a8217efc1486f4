#include "results/database.h"

#include <gtest/gtest.h>

#include <fstream>

#include "results/results_testing.h"
#include "results/schema.h"
#include "results/store.h"

namespace lra {
namespace {

TEST(Database, KeepsValuesOfEveryType) {
  const Database database(":memory:", Database::Open::create);
  database.execute("CREATE TABLE t (a, b, c, d, e, f, g)");
  const std::uint64_t wide = 0xffff'ffff'ffff'fff0;
  const std::vector<std::uint8_t> bytes{0, 255, 7};
  const std::string text("a\0b", 3);
  database
      .query("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", wide, 0.1, text, bytes, true, Json{{"k", 1}},
             std::numeric_limits<double>::quiet_NaN())
      .next();
  Statement row = database.query("SELECT * FROM t");
  ASSERT_TRUE(row.next());
  EXPECT_EQ(row.get<std::uint64_t>(0), wide);
  EXPECT_EQ(row.get<double>(1), 0.1);
  EXPECT_EQ(row.get<std::string>(2), text);
  EXPECT_EQ(row.get<std::vector<std::uint8_t>>(3), bytes);
  EXPECT_TRUE(row.get<bool>(4));
  EXPECT_EQ(row.get<Json>(5), (Json{{"k", 1}}));
  EXPECT_TRUE(std::isnan(row.get<double>(6)));
  EXPECT_FALSE(row.next());
}

TEST(Database, FailuresCarrySqlitesWordsAndTheSql) {
  const Database database(":memory:", Database::Open::create);
  EXPECT_EQ(sentence_of([&] { database.query("SELECT x FROM nowhere"); }, Kind::failed),
            "database :memory:: no such table: nowhere (in \"SELECT x FROM nowhere\")");
}

TEST(Database, ATransactionThatIsNotCommittedLeavesNothing) {
  const Database database(":memory:", Database::Open::create);
  database.execute("CREATE TABLE t (a)");
  {
    const Transaction transaction(database);
    database.execute("INSERT INTO t VALUES (1)");
  }
  EXPECT_EQ(database.integer("SELECT count(*) FROM t"), 0);
  Transaction transaction(database);
  database.execute("INSERT INTO t VALUES (1)");
  transaction.commit();
  EXPECT_EQ(database.integer("SELECT count(*) FROM t"), 1);
}

TEST(Schema, FirstVersionIsBroughtUpToDateWithEveryRow) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "old.db";
  {
    const Database old(path, Database::Open::create);
    migrate(old, 1);
    ASSERT_EQ(old.integer("PRAGMA user_version"), 1);
    ASSERT_EQ(old.integer("SELECT count(*) FROM sqlite_master WHERE name = 'measurement'"), 0);
    old.execute(R"(
      INSERT INTO environment VALUES (7, 'hash', 'cpu', 'isa', 'os', 'gcc', '-O3', '2.6', 'abc', 2, 1024, 1);
      INSERT INTO run VALUES (41, 7, 'key', 'configuration', 'listops', 'listops@quick', 'quick', 'linear', 'r1', 3, '{}',
        '{"seed":3}', 'fp', 'done', '', 'lra run', '2026-01-01T00:00:00Z', 1.5, 1, 0, 2, 100, 'digest', 30, 100, 1.25,
        1, 10, 5, 50, 1000, 500, 2000);
      INSERT INTO metric VALUES (41, 0, 200, 'valid', 'accuracy', 0.5);
      INSERT INTO prediction VALUES (41, 3, x'05');
      INSERT INTO baseline VALUES ('listops@quick', 'fp', 'majority', 12, 100))");
  }
  Store store(path);
  ASSERT_EQ(store.runs().size(), 1u);
  const auto run = store.find("key");
  ASSERT_TRUE(run);
  EXPECT_EQ(run->id, 41);
  EXPECT_EQ(run->seed, 3u);
  EXPECT_EQ(run->test_correct, 30);
  EXPECT_EQ(run->history.at(0).value, 0.5);
  EXPECT_EQ(run->test_hits, (std::vector<std::uint8_t>{1, 0, 1}));
  EXPECT_EQ(store.baselines("listops@quick", "fp").at(0).correct, 12);
  EXPECT_EQ(store.environments().at(7).compiler, "gcc");
  store.add({Measurement{}}, Environment{});
  EXPECT_EQ(Database(path, Database::Open::existing).integer("PRAGMA user_version"), schema_version());
}

TEST(Schema, SecondVersionKeepsItsMeasurementsAndGainsSweeps) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "old.db";
  {
    const Database old(path, Database::Open::create);
    migrate(old, 2);
    ASSERT_EQ(old.integer("SELECT count(*) FROM pragma_table_info('run') WHERE name = 'sweep'"), 0);
    old.execute(R"(
      INSERT INTO environment VALUES (7, 'hash', 'cpu', 'isa', 'os', 'gcc', '-O3', '2.6', 'abc', 2, 1024, 1);
      INSERT INTO run VALUES (41, 7, 'key', 'configuration', 'listops', 'listops@quick', 'quick', 'linear', 'r1', 3, '{}',
        '{"seed":3}', 'fp', 'done', '', 'lra run', '2026-01-01T00:00:00Z', 1.5, 1, 0, 2, 100, 'digest', 30, 100, 1.25,
        1, 10, 5, 50, 1000, 500, 2000);
      INSERT INTO run VALUES (42, 7, 'other', 'configuration', 'listops', 'listops@quick', 'quick', 'linear', 'r1', 4, '{}',
        '{"seed":4}', 'fp', 'failed', 'why', 'lra run', '2026-01-01T00:00:00Z', 1.5, 1, 0, 2, 100, '', 0, 0, NULL,
        1, 10, 5, 50, 1000, 500, 2000);
      INSERT INTO measurement VALUES (5, 7, 'linear', 'train', 'median_ms', 1024, 32, 2, '{}', 12.5))");
  }
  const Store store(path, Store::Access::read);
  EXPECT_EQ(store.runs().at(0).id, 41);
  EXPECT_TRUE(store.runs().at(0).sweep.is_null());
  EXPECT_EQ(store.failures().at(0).reason, "why");
  EXPECT_EQ(store.measurements().at(0).value, 12.5);
  EXPECT_EQ(store.environments().at(7).libraries, Json::object());
}

TEST(Schema, ViewsRankConfigurations) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "lra.db";
  Store store(path);
  store.add(sample_run("linear", 0, 0.40), Environment{});
  store.add(sample_run("linear", 1, 0.60), Environment{});
  store.add(sample_run("linformer", 0, 0.45), Environment{});
  const Database database(path, Database::Open::existing);
  Statement best = database.query("SELECT model, seeds, accuracy FROM best");
  ASSERT_TRUE(best.next());
  EXPECT_EQ(best.get<std::string>(0), "linear");
  EXPECT_EQ(best.get<long>(1), 2);
  EXPECT_DOUBLE_EQ(best.get<double>(2), 0.5);
  EXPECT_FALSE(best.next());
  EXPECT_EQ(database.integer("SELECT place FROM leaderboard WHERE model = 'linformer'"), 2);
  EXPECT_EQ(database.integer("SELECT count(*) FROM cost"), 2);
}

TEST(Schema, DamagedRowsAreNamed) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "lra.db";
  lra::Run run = sample_run("linear", 0, 0.40);
  run.test_hits = std::vector<std::uint8_t>(10, 1);
  const long id = Store(path).add(run, Environment{});
  const Database database(path, Database::Open::existing);
  const auto said = [&](const std::string& change, auto&& use) {
    database.execute(change);
    const Store store(path, Store::Access::read);
    return sentence_of([&] { use(store); }, Kind::data);
  };
  const std::string name = "database " + path.string() + " is damaged: ";
  for (const char* examples : {"-1", "8", "17", "9223372036854775807"})
    EXPECT_EQ(said(fmt::format("UPDATE prediction SET examples = {}", examples), [](const Store& s) { s.hits(); }),
              fmt::format("{}a run's predictions are 2 bytes for {} examples", name, examples));
  EXPECT_NE(said("UPDATE prediction SET examples = 30", [&](const Store& s) { s.find(id); }).find("30 examples"),
            std::string::npos);
  EXPECT_EQ(said("UPDATE run SET overrides = '{\"k\":'", [](const Store& s) { s.runs(); }),
            name + "its column 'overrides' holds '{\"k\":', which is not JSON");
}

TEST(Schema, TextThatIsNotUtf8IsReadWithReplacements) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "old.db";
  const Database database(path, Database::Open::create);
  database.execute("CREATE TABLE words (word TEXT); INSERT INTO words VALUES (CAST(X'61FF62' AS TEXT)), ('\u00e9')");
  std::vector<std::string> words;
  Statement rows = database.query("SELECT word FROM words");
  while (rows.next()) words.push_back(rows.get<std::string>(0));
  EXPECT_EQ(words, (std::vector<std::string>{"a\uFFFDb", "\u00e9"}));
}

TEST(Schema, NewerOneIsRefusedAndUntouched) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "new.db";
  { const Store store(path); }
  Database(path, Database::Open::existing).execute("PRAGMA user_version = 99");
  EXPECT_EQ(
      sentence_of([&] { Store store(path); }, Kind::data),
      fmt::format("{} has schema 99, this program knows up to {}: use the newer version of lra that wrote it, or name "
                  "another file with --db",
                  path.string(), schema_version()));
  EXPECT_EQ(Database(path, Database::Open::existing).integer("PRAGMA user_version"), 99);
}

TEST(Schema, AnotherProgramsDatabaseIsRefusedAndUntouched) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "other.db";
  Database(path, Database::Open::create).execute("CREATE TABLE theirs (a)");
  const auto before = contents(path);
  EXPECT_EQ(sentence_of([&] { Store store(path); }, Kind::data),
            path.string() + " is a database of another program; name another file with --db");
  EXPECT_EQ(contents(path), before);
}

TEST(Schema, AFileThatIsNoDatabaseIsRefusedAndUntouched) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "notes.txt";
  const std::string text(5000, 'x');
  std::ofstream(path) << text;
  EXPECT_EQ(
      sentence_of([&] { Store store(path); }, Kind::data),
      fmt::format("database {}: file is not a database (in \"SELECT count(*) FROM sqlite_master\"); name another file "
                  "with --db, or move this one away",
                  path.string()));
  EXPECT_EQ(contents(path), text);
}

TEST(Schema, AnUnwritablePlaceIsASentence) {
  const TemporaryFolder folder;
  for (const auto& path : {folder.path(), folder.path() / "no" / "such" / "folder.db"})
    EXPECT_EQ(
        sentence_of([&] { Store store(path); }, Kind::data),
        fmt::format(
            "database {}: unable to open database file; check that its folder exists and that file and folder may "
            "be written, or name another file with --db",
            path.string()));
}

TEST(Schema, ReadingNeedsAFileThatExists) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "typo.db";
  EXPECT_EQ(sentence_of([&] { Store store(path, Store::Access::read); }, Kind::data),
            "there is no database " + path.string() + ": `lra run` makes one, --db names another");
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace lra
