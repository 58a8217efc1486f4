// What the program leaves in files, databases and pipes when they are full, linked, read-only, gone or it is killed.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <deque>
#include <thread>

#include "results/store/database.h"
#include "results/store/store.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

namespace fs = std::filesystem;

const std::string kTraining = "run --preset smoke --tasks lookup --models identity --set steps=5 --threads 1 ";

/// A sandbox whose database holds two finished runs, which nobody had to train.
class Output : public testing::Test {
 protected:
  Output() {
    ::chmod(box.path(".").c_str(), 0755);
    Store store(box.path("lra.db"));
    for (const char* model : {"linear", "transformer"}) {
      StoredRun run = sample_run(model, 0, 0.4);
      run.history = std::vector<Metric>(200, {1, "valid", "accuracy", 0.4});
      run.test_hits = std::vector<std::uint8_t>(std::size_t(run.test_examples), 0);
      std::fill_n(run.test_hits.begin(), run.test_correct, std::uint8_t{1});
      store.add(run, Environment{});
    }
  }

  /// `lra ARGUMENTS REDIRECTIONS`; the exit code and what was said on stderr.
  Finished shell(const std::string& arguments, const std::string& redirections) const {
    const std::string err = box.path("said");
    const std::string line = "( " + box.program() + arguments + " 2>" + err + " ) " + redirections;
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), "", contents(err)};
  }

  Sandbox box;
};

// ---- Standard output.

TEST_F(Output, AFullStandardOutputIsSaid) {
  for (const char* command :
       {"report", "report --format json", "report --format html", "runs list", "runs list --json", "runs show 1",
        "runs export", "runs delete 2", "compare linear linear", "data list", "list models", "describe models",
        "describe task listops", "doctor", "--help",
        "bench --models identity --lengths 64 --batch 2 --seconds 0.01 --alone --json --profile",
        "data show lookup --preset smoke", "run --tasks lookup --models linear --preset smoke --dry-run",
        "probe --model linear --task lookup --preset smoke -o probe.safetensors"}) {
    const Finished full = shell(command, ">/dev/full");
    EXPECT_EQ(full.code, 1) << command;
    EXPECT_NE(full.err.find("standard output could not be written: No space left on device"), std::string::npos)
        << command << ": " << full.err;
  }
  const Finished closed = shell("list models", ">&-");
  EXPECT_EQ(closed.code, 1);
  EXPECT_NE(closed.err.find("standard output could not be written: Bad file descriptor"), std::string::npos);
  EXPECT_EQ(shell("report --model none", ">/dev/full").code, 2) << "another failure keeps its code";
}

TEST_F(Output, AFullStandardOutputLosesNoResult) {
  const Finished full = shell(kTraining + "--profile --seeds 0,1", ">/dev/full");
  EXPECT_EQ(full.code, 1);
  EXPECT_NE(full.err.find("No space left on device"), std::string::npos) << full.err;
  EXPECT_EQ(box.lra("runs list --task lookup --json").json().size(), 2u) << "both cells ran, and are stored";
  // What is only told while it runs, least of all.
  EXPECT_EQ(std::system((box.program() + kTraining + "--seeds 2 >/dev/null 2>/dev/full").c_str()), 0);
  EXPECT_EQ(box.lra("runs list --task lookup --json").json().size(), 3u);
}

TEST_F(Output, AReaderThatGoesAwayIsNoError) {
  for (const char* command :
       {"runs export", "list models --json", "report --format html", "runs export -o /dev/stdout"}) {
    const Finished left = shell(command, "| head -c 1 >/dev/null");
    EXPECT_EQ(left.err, "") << command;
  }
  const std::string code = box.path("code");
  ASSERT_EQ(
      std::system(
          ("{ ( " + box.program() + "runs export 2>&1 ); echo $? >" + code + "; } | head -c 1 >/dev/null").c_str()),
      0);
  EXPECT_EQ(contents(code), "0\n");
}

TEST_F(Output, AClosedStandardOutputIsNotGivenToAFile) {
  EXPECT_EQ(shell("runs export -o copy.db", ">&- <&-").code, 0);
  EXPECT_EQ(Store(box.path("copy.db"), Store::Access::read).runs().size(), 2u);
  EXPECT_EQ(shell("runs delete 1", ">&- <&-").code, 1);
  EXPECT_EQ(Store(box.path("lra.db"), Store::Access::read).runs().size(), 1u);
}

// ---- Files.

TEST_F(Output, EveryOutputFollowsLinksAndKeepsThem) {
  fs::create_directories(box.path("real"));
  fs::create_directories(box.path("out"));
  for (const auto& [command, name] : std::vector<std::pair<std::string, std::string>>{
           {"report --format html -o out/", "page.html"},
           {"runs export -o out/", "runs.json"},
           {"runs export -o out/", "runs.db"},
           {"data show lookup --preset smoke -o out/", "text"},
           {"probe --model linear --task lookup --preset smoke -o out/", "probe.safetensors"}}) {
    if (!name.ends_with(".db")) std::ofstream(box.path("real/" + name)) << "old";
    fs::create_symlink("../real/" + name, box.path("out/" + name));
    const Finished done = box.lra(command + name);
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_TRUE(fs::is_symlink(box.path("out/" + name))) << name;
    EXPECT_GT(contents(box.path("real/" + name)).size(), 10u) << name;
  }
  EXPECT_EQ(names_in(box.path("out")).size(), names_in(box.path("real")).size());
  EXPECT_EQ(box.lra("runs export -o out/runs.db").code, 2) << "a database behind a link is there already, too";
}

TEST_F(Output, ADeviceIsWrittenIntoAndStays) {
  ASSERT_EQ(::symlink("/dev/full", box.path("full.db").c_str()), 0);
  for (const char* command :
       {"report -o /dev/full", "runs export -o /dev/full", "data show lookup --preset smoke -o /dev/full",
        "runs export -o full.db", "probe --model linear --task lookup --preset smoke -o /dev/full"}) {
    const Finished full = box.lra(command);
    EXPECT_EQ(full.code, 1) << command;
    EXPECT_NE(full.err.find("No space left on device"), std::string::npos) << full.err;
    ASSERT_TRUE(fs::is_character_file("/dev/full")) << command;
  }
  EXPECT_EQ(box.lra("report -o /dev/stdout").out, box.lra("report").out);
  EXPECT_EQ(box.lra("report -o /dev/stdout | cat").out, box.lra("report").out);
}

std::string integrity(const fs::path& path) {
  const Database database(path, Database::Open::existing);
  Statement answer = database.query("PRAGMA integrity_check");
  return answer.next() ? answer.get<std::string>(0) : "";
}

// The writes of the program are counted by what is preloaded; that of each number ends it at once.
TEST_F(Output, AKilledOrFullExportLeavesNothing) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "nothing can be preloaded before AddressSanitizer";
#endif
  for (const char* name : {"copy.db", "copy.json"}) {
    int failed = 0;
    for (const char* what : {"LRA_FAULT_KILL=1", ""})
      for (int at = 1; at <= 40; ++at) {
        const Finished ended = box.lra(fmt::format("runs export -o {}", name),
                                       fmt::format("{} LD_PRELOAD={} LRA_FAULT_AT={}", what, LRA_FAULTS, at));
        if (fs::remove(box.path(name))) {
          ASSERT_EQ(ended.code, 0) << "write " << at;
          break;
        }
        ASSERT_NE(ended.code, 0) << "write " << at;
        ++failed;
      }
    EXPECT_GE(failed, 4) << name;
    EXPECT_EQ(box.lra(fmt::format("runs export -o {}", name)).code, 0);
    for (const std::string& left : names_in(box.path("."))) EXPECT_EQ(left.find(".tmp"), std::string::npos) << left;
  }
  EXPECT_EQ(integrity(box.path("copy.db")), "ok");
}

TEST_F(Output, AKilledMergeLeavesTheTargetAsItWas) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "nothing can be preloaded before AddressSanitizer";
#endif
  {
    Store other(box.path("other.db"));
    for (std::uint64_t seed = 10; seed < 40; ++seed) {
      StoredRun run = sample_run("linear", seed, 0.4);
      run.history = std::vector<Metric>(500, {1, "valid", "accuracy", 0.4});
      other.add(run, Environment{});
    }
  }
  int killed = 0;
  for (int at = 1; at <= 400; at += 7) {
    const Finished ended =
        box.lra("runs merge other.db", fmt::format("LRA_FAULT_KILL=1 LD_PRELOAD={} LRA_FAULT_AT={}", LRA_FAULTS, at));
    if (ended.code == 0) break;
    ++killed;
    ASSERT_EQ(integrity(box.path("lra.db")), "ok");
    const std::size_t runs = Store(box.path("lra.db"), Store::Access::read).runs().size();
    ASSERT_TRUE(runs == 2 || runs == 32) << runs << " after write " << at;
    if (runs == 32) break;  // killed after the commit
  }
  EXPECT_GE(killed, 3);
  EXPECT_EQ(box.lra("runs merge other.db").code, 0);
  EXPECT_EQ(Store(box.path("lra.db"), Store::Access::read).runs().size(), 32u);
  EXPECT_EQ(box.lra("runs merge lra.db").code, 2) << "into itself";
}

// ---- Databases.

TEST_F(Output, WhatCanBeNoDatabaseIsRefused) {
  for (const char* command : {"report", "runs list", "run --preset smoke --tasks lookup --models identity",
                              "bench --models identity --lengths 64 --batch 2 --seconds 0.01", "runs merge lra.db"})
    for (const char* name : {"''", ".", "/dev/null"}) {
      const Finished refused = box.lra(fmt::format("{} --db {}", command, name));
      EXPECT_EQ(refused.code, 2) << command << " " << name << ": " << refused.err << refused.out;
      EXPECT_FALSE((refused.err + refused.out).empty());
    }
}

TEST_F(Output, ADatabaseThatIsGoneIsSaidAndTheCellIsNotLost) {
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

TEST_F(Output, ANameThatSqliteWouldInterpretIsAName) {
  const std::string name = "file:z?mode=memory";
  EXPECT_EQ(box.lra(kTraining + "--db '" + name + "'").code, 0);
  EXPECT_EQ(Store(box.path(name), Store::Access::read).runs().size(), 1u);
}

/// Whoever may write nowhere here.
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

TEST_F(ReadOnly, ADatabaseOfSomebodyElseCanBeRead) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
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
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
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
  // Bound onto itself and then read-only, in a mount namespace that ends with the command.
  const std::string as = fmt::format(
      "unshare -m sh -c 'mount --bind {0} {0} && mount -o remount,ro,bind {0} && exec \"$@\"' sh ", folder.string());
  if (run_as(as, "--version").code != 0) GTEST_SKIP() << "nothing may be mounted here";
  expect_readable(folder / "lra.db", as);
}

TEST_F(ReadOnly, ALogThatWaitsIsNotOverlooked) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
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
      EXPECT_EQ(listed.json().size(), 4u) << "what is in the log alone is seen";
    } else {
      EXPECT_EQ(listed.code, 3) << listed.out;
      EXPECT_NE(listed.err.find("-wal holds changes"), std::string::npos) << listed.err;
    }
  }
}

TEST_F(ReadOnly, AnOlderSchemaNeedsAWritableCopy) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  if (run_as(kNobody, "--version").code != 0) GTEST_SKIP() << "nobody may not run the program here";
  Database(box.path("lra.db"), Database::Open::existing).execute("PRAGMA user_version = 3");
  const Finished old = run_as(kNobody, "report --db lra.db");
  EXPECT_EQ(old.code, 3);
  EXPECT_NE(old.err.find("older schema and is read-only: open a writable copy"), std::string::npos) << old.err;
}

TEST_F(Output, OnANetworkFileSystemThereIsARollbackJournal) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "nothing can be preloaded before AddressSanitizer";
#endif
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

  std::vector<std::thread> all;  // which share it by its locks
  all.reserve(4);
  for (int seed = 0; seed < 4; ++seed)
    all.emplace_back([&, seed] {
      const std::string line = box.program(nfs) + kTraining + fmt::format("--seeds {} >/dev/null 2>&1", seed);
      EXPECT_EQ(std::system(line.c_str()), 0);
    });
  for (std::thread& one : all) one.join();
  EXPECT_EQ(box.lra("runs list --task lookup --json").json().size(), 4u);
}

// A writer adds runs one by one, each with as many baselines: an export must never see half of one.
TEST_F(Output, AnExportIsOfOneMomentWhileOthersWrite) {
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
