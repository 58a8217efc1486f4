#include "harness/claim.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "harness/child.h"
#include "results/results_testing.h"

namespace lra {
namespace {

TEST(Claim, IsOneProcesss) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "cell.claim";
  std::optional<Claim> mine = Claim::take(file);
  ASSERT_TRUE(mine);
  EXPECT_FALSE(Claim::take(file));
  EXPECT_NE(Claim::holder(file).find(fmt::format("process {} on ", getpid())), std::string::npos);
  mine->end();
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_TRUE(Claim::take(file));
}

TEST(Claim, EndsWithItsScope) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "cell.claim";
  { const auto mine = Claim::take(file); }
  EXPECT_TRUE(std::filesystem::exists(file));  // left behind, as by a process that died
  EXPECT_TRUE(Claim::take(file));
}

TEST(Claim, LivesAsLongAsTheProcessThatItWasHandedTo) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "cell.claim";
  std::optional<Claim> mine = Claim::take(file);
  Child child({"/bin/sh", "-c", "exec sleep 60"}, "", {mine->descriptor(), {}});
  mine.reset();  // as if this process had died
  EXPECT_FALSE(Claim::take(file));
  child.send_signal(SIGKILL);
  child.wait();
  EXPECT_TRUE(Claim::take(file));
}

TEST(Claim, NamesTheFileThatCannotBeMade) {
  const auto action = [] { Claim::take("/no/such/folder/cell.claim"); };
  EXPECT_NE(sentence_of(action, Kind::failed).find("/no/such/folder/cell.claim"), std::string::npos);
}

TEST(Claim, SaysNothingOfAFileThatIsNotOne) {
  const TemporaryFolder folder;
  EXPECT_EQ(Claim::holder(folder.path() / "none"), "another process");
}

TEST(Claim, FollowsNoLinkAndTouchesNoOtherThing) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "cell.claim", other = folder.path() / "other";
  std::ofstream(other) << "precious";
  std::filesystem::create_symlink(other, file);
  const auto action = [&] { Claim::take(file); };
  EXPECT_NE(sentence_of(action, Kind::failed).find("symbolic link"), std::string::npos);
  EXPECT_EQ(contents(other), "precious");
  EXPECT_EQ(Claim::holder(file), "another process");

  std::filesystem::remove(file);
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
  EXPECT_NE(sentence_of(action, Kind::failed).find("regular"), std::string::npos);
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_NE(sentence_of(action, Kind::failed).find("cell.claim"), std::string::npos);
}

TEST(Claim, SaysWhatTheSystemRefused) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "cell.claim";
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{3, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const std::string said = sentence_of([&] { Claim::take(file); }, Kind::failed);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_NE(said.find("Too many open files; raise the limit of open files (ulimit -n)"), std::string::npos) << said;
}

/// Runs `action` as a user who owns none of these files and returns its result, passed as an exit code.
template <typename Action>
int as_somebody_else(Action action) {
  const pid_t process = fork();
  if (process == 0) {
    constexpr int kNobody = 65534;
    if (setgid(kNobody) != 0 || setuid(kNobody) != 0) _exit(100);
    try {
      _exit(action());
    } catch (const Error&) {
      _exit(101);
    }
  }
  int status = 0;
  waitpid(process, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Claim, OfAnotherUserCountsAsLongAsItIsHeld) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  const TemporaryFolder folder;
  const auto file = folder.path() / "cell.claim";
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  std::optional<Claim> mine = Claim::take(file);
  const auto take = [&] { return Claim::take(file) ? 1 : 0; };
  EXPECT_EQ(as_somebody_else(take), 0) << "left to its holder, without an error";
  mine.reset();
  EXPECT_EQ(as_somebody_else(take), 1) << "what a dead process left is taken over";

  std::filesystem::remove(file);
  const auto perms = std::filesystem::perms::all;
  std::filesystem::permissions(folder.path(), perms & ~std::filesystem::perms::others_write);
  const auto is_explained = [&] {
    const std::string said = sentence_of([&] { Claim::take(file); }, Kind::failed);
    return said.find("Permission denied; get permission to write there") != std::string::npos ? 1 : 0;
  };
  EXPECT_EQ(as_somebody_else(is_explained), 1) << "where nothing may be made";
  std::filesystem::permissions(folder.path(), perms);

  mine = Claim::take(file);
  std::filesystem::permissions(file, std::filesystem::perms::none);
  EXPECT_EQ(as_somebody_else(take), 101) << "nobody can tell whether it is held";
}

}  // namespace
}  // namespace lra
