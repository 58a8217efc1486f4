#include "harness/limited_memory.h"

#include <gtest/gtest.h>

#include "core/machine.h"

namespace lra {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

TEST(LimitedMemory, RefusesMemoryAndRestoresTheLimit) {
  {
    const LimitedMemory limited(process_bytes("VmData") + 16 * kMiB);
    EXPECT_TRUE(can_have(8 * kMiB));
    EXPECT_FALSE(can_have(17 * kMiB));
  }
  EXPECT_TRUE(can_have(64 * kMiB));
}

TEST(LimitedMemory, AllowsWhatTheMachineHas) {
  const std::int64_t all = limit_within_machine(), had = process_bytes("VmData");
  EXPECT_GT(all, had + 256 * kMiB);
  EXPECT_NEAR(double(all), double(had + available_memory() + 256 * kMiB), 0.2 * double(all))
      << "other processes allocate too";
}

}  // namespace
}  // namespace lra
