#include "core/machine.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace lra {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMega = 1 << 20;

/// A folder that replaces the root of the file system, with the files that a test writes.
class Root {
 public:
  Root() {
    std::string name = fs::temp_directory_path() / "lra_machine_XXXXXX";
    path_ = mkdtemp(name.data());
    write("proc/meminfo", "MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable:    8192000 kB\n");
    write("proc/self/status",
          "Name:\tlra\nVmSize:\t  204800 kB\nVmHWM:\t 51200 kB\nVmRSS:\t 51200 kB\nVmData:\t 1024 kB\n");
  }
  ~Root() { fs::remove_all(path_); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file) << text;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Return the number of CPUs in the current affinity mask, which a test cannot raise.
long cpus_of_mask() {
  cpu_set_t mask;
  return sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 1;
}

TEST(Machine, WithoutControlGroupsTheAffinityMaskDecides) {
  const Root root;
  EXPECT_EQ(usable_cpus(root.path()), cpus_of_mask());
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_cpus(root.path()), 1);
  EXPECT_EQ(usable_cpus(), 1);
  sched_setaffinity(0, sizeof before, &before);
}

TEST(Machine, TheQuotaOfAnyGroupAroundCounts) {
  if (cpus_of_mask() < 2) GTEST_SKIP() << "one CPU is the least anyway";
  const Root root;
  root.write("proc/self/cgroup", "0::/slice/job/step\n");
  root.write("sys/fs/cgroup/slice/job/step/cpu.max", "max 100000\n");
  root.write("sys/fs/cgroup/slice/job/cpu.max", "150000 100000\n");
  EXPECT_EQ(usable_cpus(root.path()), 1);
  root.write("sys/fs/cgroup/slice/job/cpu.max", "20000000 100000\n");
  EXPECT_EQ(usable_cpus(root.path()), cpus_of_mask()) << "no quota makes more of the mask";
  root.write("sys/fs/cgroup/slice/job/cpu.max", "20000 100000\n");
  EXPECT_EQ(usable_cpus(root.path()), 1) << "never none";
}

TEST(Machine, VersionOneHasItsQuotaInTwoFiles) {
  if (cpus_of_mask() < 2) GTEST_SKIP() << "one CPU is the least anyway";
  const Root root;
  root.write("proc/self/cgroup", "7:memory:/a\n3:cpu,cpuacct:/a/b\n0::/\n");
  root.write("sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
  root.write("sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(usable_cpus(root.path()), cpus_of_mask());
  root.write("sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "199999\n");
  EXPECT_EQ(usable_cpus(root.path()), 1);
}

// The path is valid on the host only; the container sees only its own group, as the root of the tree.
TEST(Machine, InAContainerTheOutermostGroupIsItsOwn) {
  const Root root;
  root.write("proc/self/cgroup", "0::/kubepods/pod1234/container\n");
  root.write("sys/fs/cgroup/cpu.max", "100000 100000\n");
  root.write("sys/fs/cgroup/memory.max", "104857600\n");
  root.write("sys/fs/cgroup/memory.current", "52428800\n");
  EXPECT_EQ(usable_cpus(root.path()), 1);
  EXPECT_EQ(available_memory(root.path()), 50 * kMega);
}

TEST(Machine, FreeIsWhatTheTightestLimitLeaves) {
  const Root root;
  EXPECT_EQ(available_memory(root.path()), 8000 * kMega);
  root.write("proc/self/cgroup", "0::/slice/job\n");
  root.write("sys/fs/cgroup/slice/job/memory.max", "max\n");
  root.write("sys/fs/cgroup/slice/memory.max", "1048576000\n");
  root.write("sys/fs/cgroup/slice/memory.current", "524288000\n");
  EXPECT_EQ(available_memory(root.path()), 500 * kMega);
  root.write("sys/fs/cgroup/slice/memory.stat", "anon 1\nfile 209715200\ninactive_file 104857600\n");
  EXPECT_EQ(available_memory(root.path()), 600 * kMega) << "what caches hold can be had back";
  root.write("sys/fs/cgroup/slice/memory.current", "2000000000\n");
  EXPECT_EQ(available_memory(root.path()), 0);
}

TEST(Machine, VersionOneLimitsMemoryToo) {
  const Root root;
  root.write("proc/self/cgroup", "4:memory:/job\n0::/\n");
  root.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(available_memory(root.path()), 8000 * kMega);
  root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "104857600\n");
  root.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "94371840\n");
  root.write("sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 20971520\n");
  EXPECT_EQ(available_memory(root.path()), 30 * kMega);
  const auto limit = memory_limit(root.path());
  ASSERT_TRUE(limit);
  EXPECT_EQ(limit->bytes, 100 * kMega);
  EXPECT_TRUE(limit->is_groups);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their shadow memory exceeds any limit
TEST(Machine, TheProcesssOwnLimitsCount) {
  const Root root;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlimit limit{rlim_t(4000 * kMega), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  EXPECT_EQ(available_memory(root.path()), 3800 * kMega) << "of the address space 200 are taken";
  ASSERT_TRUE(memory_limit(root.path()));
  EXPECT_EQ(memory_limit(root.path())->name, "ulimit -v");
  setrlimit(RLIMIT_AS, &before);
}
#endif

TEST(Machine, NamesTheMemoryOfThisProcess) {
  const Root root;
  EXPECT_EQ(process_bytes("VmHWM", root.path()), 50 * kMega);
  EXPECT_EQ(process_bytes("VmH", root.path()), 0);
  EXPECT_GT(process_bytes("VmRSS"), 0);
  EXPECT_TRUE(can_have(std::size_t(kMega)));
  EXPECT_FALSE(can_have(std::size_t{1} << 62));
}

}  // namespace
}  // namespace lra
