// Parses amounts of memory and time as users and batch systems write them.
#include "tools/lra/amount.h"

#include <gtest/gtest.h>

#include "core/core_testing.h"

namespace lra {
namespace {

constexpr double kMinute = 60, kHour = 3600, kDay = 86400;

TEST(Amount, MemoryAcceptsCommonUnits) {
  constexpr std::int64_t kKibi = 1024, kGibi = kKibi * kKibi * kKibi;
  for (const char* text : {"4g", "4G", "4GB", "4gb", "4GiB", "4 GiB", "4096M", "4194304k"})
    EXPECT_EQ(parse_bytes(text, "--m"), 4 * kGibi) << text;
  EXPECT_EQ(parse_bytes("1T", "--m"), kKibi * kGibi);
  EXPECT_EQ(parse_bytes("1.5G", "--m"), 3 * kGibi / 2);
  EXPECT_EQ(parse_bytes("100", "--m"), 100);
  EXPECT_EQ(parse_bytes("100B", "--m"), 100);
  EXPECT_EQ(parse_bytes("", "--m"), 0);
  for (const char* text : {"4X", "G", "0", "-4G", "4GG", "4Gi5", "1e30G", "nan", "inf", "0x10", "4iB", "4,5G"}) {
    const std::string said = sentence_of([&] { parse_bytes(text, "--max-memory"); }, Kind::usage);
    EXPECT_NE(said.find(std::string("--max-memory: '") + text + "'"), std::string::npos) << said;
    EXPECT_NE(said.find("such as 800M, 4G"), std::string::npos) << said;
  }
}

TEST(Amount, TimeAcceptsUnitsSumsAndClockTimes) {
  EXPECT_EQ(parse_seconds("90", "--t"), 90);
  EXPECT_EQ(parse_seconds("90s", "--t"), 90);
  EXPECT_EQ(parse_seconds("1.5h", "--t"), 1.5 * kHour);
  EXPECT_EQ(parse_seconds("2d", "--t"), 2 * kDay);
  EXPECT_EQ(parse_seconds("2 days", "--t"), 2 * kDay);
  EXPECT_EQ(parse_seconds("30min", "--t"), 30 * kMinute);
  EXPECT_EQ(parse_seconds("1h30m", "--t"), 1.5 * kHour);
  EXPECT_EQ(parse_seconds("1H 30M", "--t"), 1.5 * kHour);
  EXPECT_EQ(parse_seconds("500ms", "--t"), 0.5);
  EXPECT_EQ(parse_seconds("1s500ms", "--t"), 1.5);
  for (const char* text : {"2s", "2sec", "2secs", "2 seconds"}) EXPECT_EQ(parse_seconds(text, "--t"), 2) << text;
  for (const char* text : {"2h", "2hour", "2hours"}) EXPECT_EQ(parse_seconds(text, "--t"), 2 * kHour) << text;
  // The formats of sbatch --time.
  EXPECT_EQ(parse_seconds("1:30:00", "--t"), 1.5 * kHour);
  EXPECT_EQ(parse_seconds("1-00:00:00", "--t"), kDay);
  EXPECT_EQ(parse_seconds("2-12:30:05", "--t"), 2 * kDay + 12 * kHour + 30 * kMinute + 5);
  EXPECT_EQ(parse_seconds("", "--t"), 0);
  // 1:30 is ambiguous: minutes or hours.
  for (const char* text :
       {"1:30", "1:60:00", "1h30", "h", "2w", "0", "-1h", "1-2", "1:2:3:4", "1e400", "2ss", "2hs", "2ds", "2us"}) {
    const std::string said = sentence_of([&] { parse_seconds(text, "--max-time"); }, Kind::usage);
    EXPECT_NE(said.find("such as 90s, 30m, 1h30m"), std::string::npos) << text << ": " << said;
  }
}

}  // namespace
}  // namespace lra
