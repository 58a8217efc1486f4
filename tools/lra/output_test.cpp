// Standard output, output files and pipes that are full, links or closed, and a program that is killed while writing.
#include "tools/lra/output_testing.h"

#include <sys/stat.h>

#include "results/store/database.h"

namespace lra {
namespace {

namespace fs = std::filesystem;

// ---- Standard output.

TEST_F(Output, ReportsAFullStandardOutput) {
  for (const char* command :
       {"report", "report --format json", "report --format html", "runs list", "runs list --json", "runs show 1",
        "runs export", "runs delete 2", "compare linear linear", "data list", "list models", "describe models",
        "describe task listops", "doctor", "--help",
        "bench --models identity --lengths 64 --batch 2 --seconds 0.01 --alone --json --profile",
        "data show lookup --preset smoke", "run --tasks lookup --models linear --preset smoke --dry-run",
        "probe --model linear --task lookup --preset smoke -o probe.safetensors"}) {
    const Finished full = shell(command, ">/dev/full");
    EXPECT_EQ(full.code, 1) << command;
    EXPECT_NE(full.err.find("cannot write standard output: No space left on device"), std::string::npos)
        << command << ": " << full.err;
  }
  const Finished closed = shell("list models", ">&-");
  EXPECT_EQ(closed.code, 1);
  EXPECT_NE(closed.err.find("cannot write standard output: Bad file descriptor"), std::string::npos);
  EXPECT_EQ(shell("report --model none", ">/dev/full").code, 2) << "another failure keeps its code";
}

TEST_F(Output, AFullStandardOutputLosesNoResult) {
  const Finished full = shell(kTraining + "--profile --seeds 0,1", ">/dev/full");
  EXPECT_EQ(full.code, 1);
  EXPECT_NE(full.err.find("No space left on device"), std::string::npos) << full.err;
  EXPECT_EQ(box.lra("runs list --task lookup --json").json().size(), 2u) << "both cells ran, and are stored";
  // A full standard error loses no result either.
  EXPECT_EQ(std::system((box.program() + kTraining + "--seeds 2 >/dev/null 2>/dev/full").c_str()), 0);
  EXPECT_EQ(box.lra("runs list --task lookup --json").json().size(), 3u);
}

TEST_F(Output, AClosedPipeIsNotAnError) {
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

TEST_F(Output, NoFileReusesTheDescriptorOfAClosedStandardOutput) {
  EXPECT_EQ(shell("runs export -o copy.db", ">&- <&-").code, 0);
  EXPECT_EQ(Store(box.path("copy.db"), Store::Access::read).runs().size(), 2u);
  EXPECT_EQ(shell("runs delete 1", ">&- <&-").code, 1);
  EXPECT_EQ(Store(box.path("lra.db"), Store::Access::read).runs().size(), 1u);
}

TEST_F(Output, CsvHasTheSameLineEndingsAsInAFile) {
  ASSERT_EQ(box.lra("report --format csv -o table.csv").code, 0);
  const std::string table = contents(box.path("table.csv"));
  EXPECT_NE(table.find("\r\n"), std::string::npos);
  EXPECT_EQ(box.lra("report --format csv").out, table);
  EXPECT_EQ(box.lra("report --format csv | cat").out, table);
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
  EXPECT_EQ(box.lra("runs export -o out/runs.db").code, 2) << "a database behind a link exists, too";
}

TEST_F(Output, NoDatabaseIsReplaced) {
  fs::create_symlink("lra.db", box.path("link"));
  fs::copy_file(box.path("lra.db"), box.path("other.sqlite"));
  for (const char* command : {"report -o ", "runs export -o ", "data show lookup --preset smoke -o ",
                              "probe --model linear --task lookup --preset smoke -o "})
    for (const char* name : {"lra.db", "link", "other.sqlite"}) {
      const Finished refused = box.lra(std::string(command) + name);
      EXPECT_EQ(refused.code, 2) << command << name << ": " << refused.err;
      EXPECT_EQ(Store(box.path(name), Store::Access::read).runs().size(), 2u) << command << name;
    }
}

TEST_F(Output, RejectsAnExportBesideALeftoverLog) {
  for (const char* suffix : {"-wal", "-shm", "-journal"}) {
    const fs::path left = box.path(std::string("share.db") + suffix);
    std::ofstream(left) << "of another database";
    const Finished refused = box.lra("runs export -o share.db");
    EXPECT_EQ(refused.code, 2) << refused.err;
    EXPECT_NE(refused.err.find("is left over from an earlier database of this name"), std::string::npos) << refused.err;
    EXPECT_FALSE(fs::exists(box.path("share.db")));
    fs::remove(left);
  }
  EXPECT_EQ(box.lra("runs export -o share.db").code, 0);
}

TEST_F(Output, WritesToADeviceWithoutReplacingIt) {
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

// A preloaded library counts the program's writes and ends the program at, or fails, the write of each number in turn.
TEST_F(Output, AKilledOrFullExportLeavesNothing) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "a library cannot be preloaded before AddressSanitizer";
#endif
  for (const char* name : {"copy.db", "copy.json"}) {
    int failed = 0;
    for (const char* what : {"LRA_FAULT_KILL=9", ""})
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

TEST_F(Output, AKilledMergeLeavesTheTargetUnchanged) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "a library cannot be preloaded before AddressSanitizer";
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
        box.lra("runs merge other.db", fmt::format("LRA_FAULT_KILL=9 LD_PRELOAD={} LRA_FAULT_AT={}", LRA_FAULTS, at));
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

TEST_F(Output, ASignalLeavesNoUnfinishedFile) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "a library cannot be preloaded before AddressSanitizer";
#endif
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2})
    for (const char* command : {"report --format html", "runs export", "data show lookup --preset smoke",
                                "probe --model linear --task lookup --preset smoke"}) {
      bool ended = false;
      for (int at = 1; !ended && at < 20; ++at) {
        const Finished finished =
            box.lra(fmt::format("{} -o made", command),
                    fmt::format("LD_PRELOAD={} LRA_FAULT_AT={} LRA_FAULT_KILL={}", LRA_FAULTS, at, signal));
        ended = finished.code == 0;
        fs::remove(box.path("made"));
        for (const std::string& name : names_in(box.path(".")))
          EXPECT_FALSE(name.ends_with(".tmp")) << command << ", signal " << signal << " at write " << at;
      }
    }
}

}  // namespace
}  // namespace lra
