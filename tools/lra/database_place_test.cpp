// Databases that are missing, read-only, on a network file system, or not databases.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <deque>
#include <thread>

#include "results/store/database.h"
#include "tools/lra/output_testing.h"

namespace lra {
namespace {

namespace fs = std::filesystem;

TEST_F(Output, RejectsNamesThatCannotBeDatabases) {
  for (const char* command : {"report", "runs list", "run --preset smoke --tasks lookup --models identity",
                              "bench --models identity --lengths 64 --batch 2 --seconds 0.01", "runs merge lra.db"})
    for (const char* name : {"''", ".", "/dev/null", ":memory:"}) {
      const Finished refused = box.lra(fmt::format("{} --db {}", command, name));
      EXPECT_EQ(refused.code, 2) << command << " " << name << ": " << refused.err << refused.out;
      EXPECT_FALSE((refused.err + refused.out).empty());
    }
}

TEST_F(Output, ReportsARemovedDatabaseAndKeepsTheCell) {
  for (const char* how : {"rm lra.db", "mv lra.db moved.db", "cp lra.db new.db && mv new.db lra.db"}) {
    const Sandbox place;
    ASSERT_EQ(place.lra(kTraining).code, 0);
    const std::string meanwhile =
        fmt::format("( cd {} && until ls lra.db-cells/*.safetensors >/dev/null 2>&1; do sleep 0.01; done; {} ) & ",
                    place.path(".").string(), how);
    const std::string err = place.path("said");
    const std::string line = fmt::format(
        "{}{}run --preset smoke --tasks lookup --models identity --set steps=150 --threads 1 --checkpoint 0.001 "
        ">/dev/null 2>{}",
        meanwhile, place.program(), err);
    const int status = std::system(line.c_str());
    EXPECT_EQ(WEXITSTATUS(status), 3) << how << ": " << contents(err);
    EXPECT_NE(contents(err).find("was removed, moved or replaced"), std::string::npos) << contents(err);
    bool kept = false;
    for (const std::string& name : names_in(place.path("lra.db-cells"))) kept |= name.ends_with(".safetensors");
    EXPECT_TRUE(kept) << "the checkpoint of the cell that could not be stored";
  }
}

TEST_F(Output, NamesThatLookLikeUrisArePlainNames) {
  const std::string name = "file:z?mode=memory";
  EXPECT_EQ(box.lra(kTraining + "--db '" + name + "'").code, 0);
  EXPECT_EQ(Store(box.path(name), Store::Access::read).runs().size(), 1u);
}

/// A user without write permission here.
constexpr const char* kNobody = "setpriv --reuid=65534 --regid=65534 --clear-groups ";

class ReadOnly : public Output {
 protected:
  /// Reads P/lra.db with every command that only reads.
  void expect_readable(const fs::path& database, const std::string& as) {
    { const Store mine(box.path("mine.db")); }
    ::chmod(box.path(".").c_str(), 0777);
    ::chmod(box.path("mine.db").c_str(), 0666);
    const std::string db = " --db " + database.string();
    for (const std::string& command :
         {"report" + db, "report --format html -o page.html" + db, "runs list" + db, "runs show 1" + db,
          "runs export" + db, "runs export -o copy.db" + db, "compare " + database.string() + " " + database.string(),
          "compare linear linear" + db, "runs merge " + database.string() + " --db mine.db"}) {
      const Finished done = run_as(as, command);
      EXPECT_EQ(done.code, 0) << as << command << ": " << done.err;
    }
    EXPECT_EQ(Store(box.path("mine.db"), Store::Access::read).runs().size(), 2u);
    for (const std::string& command : {"runs delete 1" + db, kTraining + db, "runs merge mine.db" + db}) {
      const Finished refused = run_as(as, command);
      EXPECT_EQ(refused.code, 3) << command << ": " << refused.err;
    }
    EXPECT_EQ(names_in(database.parent_path()), std::set<std::string>{"lra.db"}) << "and nothing is left beside it";
  }

  Finished run_as(const std::string& as, const std::string& command) const {
    const std::string program = std::string("exec ") + as + "env XDG_CACHE_HOME=" + box.path("cache").string() +
                                " NO_COLOR=1 " + LRA_PROGRAM + " ";
    const std::string out = box.path("out"), err = box.path("err");
    const int status = std::system(
        ("cd " + box.path(".").string() + " && ( " + program + command + " ) >" + out + " 2>" + err).c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(out), contents(err)};
  }
};

TEST_F(ReadOnly, AnotherUsersDatabaseCanBeRead) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can run as another user";
  if (run_as(kNobody, "--version").code != 0) GTEST_SKIP() << "nobody may not run the program here";
  for (const auto& [folder_mode, file_mode] : {std::pair(0755, 0444), {0755, 0644}, {0555, 0666}, {0777, 0644}}) {
    const fs::path folder = box.path(fmt::format("theirs-{:o}-{:o}", folder_mode, file_mode));
    fs::create_directory(folder);
    fs::copy_file(box.path("lra.db"), folder / "lra.db");
    ::chmod((folder / "lra.db").c_str(), mode_t(file_mode));
    ::chmod(folder.c_str(), mode_t(folder_mode));
    fs::remove(box.path("mine.db"));
    fs::remove(box.path("copy.db"));
    expect_readable(folder / "lra.db", kNobody);
  }
}

TEST_F(ReadOnly, AFileWithoutPermissionIsNotReplaced) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can run as another user";
  if (run_as(kNobody, "--version").code != 0) GTEST_SKIP() << "nobody may not run the program here";
  ::chmod(box.path(".").c_str(), 0777);
  std::ofstream(box.path("page.html")) << "old";
  ::chmod(box.path("page.html").c_str(), 0444);
  const Finished refused = run_as(kNobody, "report --format html -o page.html");
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.err, "lra: cannot write page.html: Permission denied\n");
  EXPECT_EQ(contents(box.path("page.html")), "old");
}

TEST_F(ReadOnly, AReadOnlyFileSystemCanBeRead) {
  const fs::path folder = box.path("mount");
  fs::create_directory(folder);
  fs::copy_file(box.path("lra.db"), folder / "lra.db");
  // A read-only bind mount in a mount namespace that ends with the command.
  const std::string as = fmt::format(
      "unshare -m sh -c 'mount --bind {0} {0} && mount -o remount,ro,bind {0} && exec \"$@\"' sh ", folder.string());
  if (run_as(as, "--version").code != 0) GTEST_SKIP() << "mounting is not permitted here";
  expect_readable(folder / "lra.db", as);
}

TEST_F(ReadOnly, ReadsWhatIsOnlyInTheLog) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can run as another user";
  if (run_as(kNobody, "--version").code != 0) GTEST_SKIP() << "nobody may not run the program here";
  for (const bool with_index : {false, true}) {
    const fs::path folder = box.path(with_index ? "with" : "without");
    fs::create_directory(folder);
    {
      Store store(box.path("lra.db"));  // keeps the log from being written back
      store.add(sample_run("local", with_index, 0.4), Environment{});
      for (const char* suffix : {"", "-wal", "-shm"})
        if (with_index || std::string(suffix) != "-shm")
          fs::copy_file(box.path("lra.db").string() + suffix, (folder / "lra.db").string() + suffix);
    }
    const Finished listed = run_as(kNobody, "runs list --json --db " + (folder / "lra.db").string());
    if (with_index) {
      EXPECT_EQ(listed.code, 0) << listed.err;
      EXPECT_EQ(listed.json().size(), 4u) << "runs that are only in the log are read";
    } else {
      EXPECT_EQ(listed.code, 3) << listed.out;
      EXPECT_NE(listed.err.find("-wal holds changes"), std::string::npos) << listed.err;
    }
  }
}

TEST_F(ReadOnly, AnOlderSchemaNeedsAWritableCopy) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can run as another user";
  if (run_as(kNobody, "--version").code != 0) GTEST_SKIP() << "nobody may not run the program here";
  Database(box.path("lra.db"), Database::Open::existing).execute("PRAGMA user_version = 3");
  const Finished old = run_as(kNobody, "report --db lra.db");
  EXPECT_EQ(old.code, 3);
  EXPECT_NE(old.err.find("older schema and is read-only: make it writable"), std::string::npos) << old.err;
}

TEST_F(Output, UsesARollbackJournalOnANetworkFileSystem) {
  if (kSanitised) GTEST_SKIP() << "nothing can be preloaded before AddressSanitizer";
  const std::string nfs = fmt::format("LD_PRELOAD={} LRA_FAULT_FILE_SYSTEM=0x6969", LRA_FAULTS);
  const auto journal = [&](const std::string& name) { return int(contents(box.path(name)).at(18)); };
  EXPECT_EQ(journal("lra.db"), 2) << "a write-ahead log here";
  EXPECT_EQ(box.lra("runs list", nfs).code, 0);
  EXPECT_EQ(journal("lra.db"), 1) << "and none there, from the first use";
  const Finished fresh = box.lra(kTraining + "--db new.db", nfs);
  EXPECT_EQ(fresh.code, 0) << fresh.err;
  EXPECT_NE(fresh.err.find("network file system"), std::string::npos) << fresh.err;
  EXPECT_NE(fresh.err.find("lra runs merge"), std::string::npos) << fresh.err;
  EXPECT_EQ(journal("new.db"), 1);
  EXPECT_EQ(box.lra("runs merge new.db", nfs).code, 0);
  EXPECT_EQ(box.lra("runs list --json").json().size(), 3u);

  std::vector<std::thread> all;  // concurrent writers, which rely on the file's locks
  all.reserve(4);
  for (int seed = 0; seed < 4; ++seed)
    all.emplace_back([&, seed] {
      const std::string line = box.program(nfs) + kTraining + fmt::format("--seeds {} >/dev/null 2>&1", seed);
      EXPECT_EQ(std::system(line.c_str()), 0);
    });
  for (std::thread& one : all) one.join();
  EXPECT_EQ(box.lra("runs list --task lookup --json").json().size(), 4u);
}

// A writer adds runs one by one, each with as many baselines: an export must never see a partial run.
TEST_F(Output, AnExportIsASnapshotWhileOthersWrite) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    Store store(box.path("lra.db"));
    std::deque<long> ids;
    for (std::uint64_t seed = 100; !stop; ++seed) {
      ids.push_back(store.add(sample_run("linear", seed, 0.4), Environment{}));
      if (ids.size() < 50) continue;
      store.remove({ids.front()});
      ids.pop_front();
    }
  });
  for (int i = 0; i < 15; ++i) {
    const Finished done = box.lra(fmt::format("runs export -o {}.{}", i, i % 2 ? "db" : "json"));
    EXPECT_EQ(done.code, 0) << done.err;
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace lra
