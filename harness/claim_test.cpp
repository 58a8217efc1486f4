#include "harness/claim.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

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

}  // namespace
}  // namespace lra
