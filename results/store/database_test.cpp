#include "results/store/database.h"

#include <gtest/gtest.h>

#include <fstream>

#include "results/results_testing.h"
#include "results/store/schema.h"
#include "results/store/store.h"

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

TEST(Database, ErrorsContainSqlitesMessageAndTheSql) {
  const Database database(":memory:", Database::Open::create);
  EXPECT_EQ(sentence_of([&] { database.query("SELECT x FROM nowhere"); }, Kind::failed),
            "database :memory:: no such table: nowhere (in \"SELECT x FROM nowhere\")");
}

TEST(Database, ATransactionThatIsNotCommittedIsRolledBack) {
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

// Sources: linux/magic.h, statfs(2), and the headers of Lustre, GPFS and BeeGFS.
TEST(DatabaseFile, RecognisesNetworkFileSystems) {
  for (const std::int64_t type : {0x6969LL, 0xff534d42LL, 0xfe534d42LL, 0x517bLL, 0x0bd00bd0LL, 0x47504653LL,
                                  0x19830326LL, 0x65735546LL, 0x01021997LL, 0x5346414fLL, 0x00c36400LL})
    EXPECT_TRUE(is_network_file_system(type)) << std::hex << type;
  EXPECT_TRUE(is_network_file_system(std::int32_t(0xff534d42))) << "where the type is a signed word";
  // ext4, XFS, Btrfs, ZFS, tmpfs, overlayfs, F2FS.
  for (const std::int64_t type :
       {0xef53LL, 0x58465342LL, 0x9123683eLL, 0x2fc12fc1LL, 0x01021994LL, 0x794c7630LL, 0xf2f52010LL})
    EXPECT_FALSE(is_network_file_system(type)) << std::hex << type;
  EXPECT_FALSE(is_on_network_file_system("/proc/self/status"));
}

TEST(DatabaseFile, RejectsAnEmptyNameAFolderAndADevice) {
  const TemporaryFolder folder;
  EXPECT_EQ(sentence_of([] { Store store(""); }, Kind::usage),
            "the name of a database is empty: --db and LRA_DB name a file");
  EXPECT_EQ(sentence_of([&] { Store store(folder.path()); }, Kind::usage),
            folder.path().string() + " is a folder, not a database: name a file with --db");
  EXPECT_EQ(sentence_of([] { Store store("/dev/null"); }, Kind::usage),
            "/dev/null is not a regular file and cannot hold a database: name a file with --db");
}

TEST(DatabaseFile, EscapesAnyNameInItsUri) {
  const TemporaryFolder folder;
  const auto path = folder / "50% #1?\xff é.db";
  Store(path).add(sample_run("linear", 0, 0.4), Environment{});
  std::filesystem::create_symlink(path, folder / "link");
  EXPECT_EQ(immutable_uri(folder / "link"), "file:" + folder.path().string() + "/50%25 %231%3f\xff é.db?immutable=1");
}

TEST(Store, ReportsAFileThatWasRemovedMovedOrReplaced) {
  const TemporaryFolder folder;
  const auto path = folder / "lra.db", other = folder / "other.db";
  const auto said = [&](auto&& change) {
    std::filesystem::remove(path);
    Store store(path);
    store.add(sample_run("linear", 0, 0.4), Environment{});
    change();
    std::string sentence = sentence_of([&] { store.add(sample_run("linear", 1, 0.4), Environment{}); }, Kind::data);
    EXPECT_EQ(sentence, sentence_of([&] { store.find("a key"); }, Kind::data)) << "before a cell trains for nothing";
    EXPECT_EQ(sentence, sentence_of([&] { store.add({Measurement{}}, Environment{}); }, Kind::data));
    EXPECT_EQ(sentence, sentence_of([&] { store.remove({1}); }, Kind::data));
    EXPECT_EQ(sentence, sentence_of([&] { store.add_baselines("v", "f", {}); }, Kind::data));
    return sentence;
  };
  const std::string expected =
      "database " + path.string() +
      " is no longer the file that was opened: it was removed, moved or replaced in the meantime, and nothing more can "
      "be stored in it; put it back, or name another with --db, and run the same command again";
  EXPECT_EQ(said([&] { std::filesystem::remove(path); }), expected);
  EXPECT_EQ(said([&] { std::filesystem::rename(path, other); }), expected);
  EXPECT_EQ(said([&] { std::filesystem::rename(other, path); }), expected);
}

TEST(Store, AReaderSeesASnapshot) {
  const TemporaryFolder folder;
  const auto path = folder / "lra.db";
  Store store(path);
  const long id = store.add(sample_run("linear", 0, 0.4), Environment{});
  const Store reader(path, Store::Access::read);
  store.add(sample_run("linear", 1, 0.4), Environment{});
  store.remove({id});
  EXPECT_EQ(reader.runs().size(), 1u);
  EXPECT_EQ(reader.runs().at(0).seed, 0u);
  EXPECT_TRUE(reader.find(id));
  EXPECT_EQ(Store(path, Store::Access::read).runs().at(0).seed, 1u);
}

TEST(Store, ItsImageCanBeOpenedAsADatabase) {
  const TemporaryFolder folder;
  Store store(":memory:");
  store.add(sample_run("linear", 0, 0.4), Environment{});
  const auto image = store.image();
  std::ofstream(folder / "copy.db", std::ios::binary)
      .write(reinterpret_cast<const char*>(image.data()), std::streamsize(image.size()));
  EXPECT_EQ(Store(folder / "copy.db", Store::Access::read).runs().size(), 1u);
}

TEST(Schema, Version1MigratesWithEveryRow) {
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
        '{"seed":3}', 'fp', 'done', '', 'lra run', '2026-01-01T00:00:00Z', 1.5, 1, 0, 2, 100, 'digest', 2, 3, 1.25,
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
  EXPECT_EQ(run->test_correct, 2);
  EXPECT_EQ(run->history.at(0).value, 0.5);
  EXPECT_EQ(run->test_correctness, (std::vector<std::uint8_t>{1, 0, 1}));
  EXPECT_EQ(store.baselines("listops@quick", "fp").at(0).correct, 12);
  EXPECT_EQ(store.environments().at(7).compiler, "gcc");
  store.add({Measurement{}}, Environment{});
  EXPECT_EQ(Database(path, Database::Open::existing).integer("PRAGMA user_version"), schema_version());
}

TEST(Schema, Version2KeepsItsMeasurementsAndGainsSweeps) {
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

TEST(Schema, Version6GetsNumbersForItsHashedRevisions) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "old.db";
  {
    const Database old(path, Database::Open::create);
    migrate(old, 6);
    old.execute(R"(
      INSERT INTO environment (id, hash, cpu, isa, os, compiler, flags, onednn, code_version, cores, memory_bytes, dirty)
        VALUES (7, 'hash', 'cpu', 'isa', 'os', 'gcc', '-O3', '2.6', 'abc', 2, 1024, 1);
      CREATE TEMP TABLE old (id, revision);
      INSERT INTO old VALUES (41, 'bb101ba0bbd9d41a'), (42, '0123456789abcdef');
      INSERT INTO run (id, environment, key, configuration, task, variant, preset, model, model_revision, seed, overrides,
          experiment, data_fingerprint, status, reason, command, started, comparable, shared, threads, parameters,
          parameter_digest, test_correct, test_examples, peak_bytes, activation_bytes, rss_bytes)
        SELECT id, 7, 'key' || id, 'configuration', 'listops', 'listops@quick', 'quick', 'linear', revision, 3, '{}',
          '{}', 'fp', 'failed', '', 'lra run', '2026-01-01T00:00:00Z', 1, 0, 2, 100, 'digest', 2, 3, 1, 1, 1 FROM old)");
  }
  const Store store(path, Store::Access::read);
  EXPECT_EQ(store.find(41)->model_revision, "1.1");
  EXPECT_EQ(store.find(42)->model_revision, "0123456789abcdef");
  EXPECT_EQ(store.find(41)->key, "key41");
}

TEST(Schema, Version4KeepsItsRunsAndGainsTheirConditions) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "old.db";
  {
    const Database old(path, Database::Open::create);
    migrate(old, 4);
    ASSERT_EQ(old.integer("SELECT count(*) FROM pragma_table_info('run') WHERE name = 'timing_flaw'"), 0);
    old.execute(R"(
      INSERT INTO environment VALUES (7, 'hash', 'cpu', 'AVX3', 'os', 'gcc', '-O3', '2.6', 'abc', 2, 1024, 1, '{}');
      INSERT INTO run VALUES (41, 7, 'key', 'configuration', 'listops', 'listops@quick', 'quick', 'linear', 'r1', 3, '{}',
        '{"seed":3}', 'fp', 'done', '', 'lra run', '2026-01-01T00:00:00Z', 1.5, 1, 0, 2, 100, 'digest', 30, 100, NULL,
        1, 10, 5, 50, 1000, 500, 2000, 0.5, 'null'))");
  }
  const Store store(path, Store::Access::read);
  const StoredRun run = store.runs().at(0);
  EXPECT_EQ(run.id, 41);
  EXPECT_EQ(run.data_folder, "");
  EXPECT_EQ(run.timing_flaw, "");
  EXPECT_EQ(run.parts, Json::array());
  EXPECT_EQ(store.environments().at(7).isa, "AVX3");
  EXPECT_EQ(store.environments().at(7).onednn_isa, "");
  EXPECT_EQ(Database(path, Database::Open::existing).integer("SELECT count(*) FROM cost"), 1);
}

TEST(Schema, CostViewLeavesOutRunsWithATimingFlaw) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "lra.db";
  Store store(path);
  StoredRun run = sample_run("linear", 0, 0.40);
  run.timing_flaw = "1 and 2 threads";
  store.add(run, Environment{});
  EXPECT_EQ(Database(path, Database::Open::existing).integer("SELECT count(*) FROM cost"), 0);
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

TEST(Schema, ErrorsNameDamagedRows) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "lra.db";
  StoredRun run = sample_run("linear", 0, 0.40);
  run.test_correctness = std::vector<std::uint8_t>(10, 1), run.test_correct = run.test_examples = 10;
  const long id = Store(path).add(run, Environment{});
  const Database database(path, Database::Open::existing);
  const auto said = [&](const std::string& change, auto&& use) {
    database.execute(change);
    const Store store(path, Store::Access::read);
    return sentence_of([&] { use(store); }, Kind::data);
  };
  const std::string name = "database " + path.string() + " is damaged: ";
  for (const char* examples : {"-1", "8", "17", "9223372036854775807"})
    EXPECT_EQ(
        said(fmt::format("UPDATE prediction SET examples = {}", examples),
             [](const Store& s) { s.correct_examples(); }),
        fmt::format("{0}run {1} has predictions of 2 bytes for {2} examples; `lra runs delete {1} --db {3}` removes it",
                    name, id, examples, path.string()));
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

TEST(Schema, RejectsANewerSchemaAndLeavesItUntouched) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "new.db";
  { const Store store(path); }
  Database(path, Database::Open::existing).execute("PRAGMA user_version = 99");
  EXPECT_EQ(
      sentence_of([&] { Store store(path); }, Kind::data),
      fmt::format("{} has schema version 99, but this program knows versions up to {}: use the newer version of lra "
                  "that wrote it, or name another file with --db",
                  path.string(), schema_version()));
  EXPECT_EQ(Database(path, Database::Open::existing).integer("PRAGMA user_version"), 99);
}

TEST(Schema, RejectsAnotherProgramsDatabaseAndLeavesItUntouched) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "other.db";
  Database(path, Database::Open::create).execute("CREATE TABLE theirs (a)");
  const auto before = contents(path);
  EXPECT_EQ(sentence_of([&] { Store store(path); }, Kind::data),
            path.string() + " belongs to another program; name another file with --db");
  EXPECT_EQ(contents(path), before);
}

TEST(Schema, RejectsAFileThatIsNotADatabaseAndLeavesItUntouched) {
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

TEST(Schema, ErrorForAMissingFolderSaysWhatToDo) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "no" / "such" / "folder.db";
  EXPECT_EQ(sentence_of([&] { Store store(path); }, Kind::data),
            fmt::format("database {}: unable to open database file; check that its folder exists and that file and "
                        "folder are writable, or name another file with --db",
                        path.string()));
}

TEST(Schema, ErrorsNameTheSystemLimitThatWasReached) {
  const TemporaryFolder folder;
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{3, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const std::string said = sentence_of([&] { Store store(folder / "new.db"); }, Kind::data);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_NE(said.find("Too many open files: raise the limit of open files (ulimit -n)"), std::string::npos) << said;

  const FileSizeLimit small(1000);
  const std::string full = sentence_of([&] { Store store(folder / "other.db"); }, Kind::failed);
  EXPECT_NE(full.find("check the file size limit (ulimit -f) and the space left on its disk"), std::string::npos)
      << full;
}

TEST(Schema, ReadingNeedsAFileThatExists) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "typo.db";
  EXPECT_EQ(sentence_of([&] { Store store(path, Store::Access::read); }, Kind::data),
            "there is no database " + path.string() + ": create one with `lra run`, or name another with --db");
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace lra
