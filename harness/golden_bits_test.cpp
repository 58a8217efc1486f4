// A change to the bits of results must raise a revision number; otherwise stored runs are taken for results of the new
// code. The expected digests were recorded when the numbers were last raised, at every level that the recording machine
// could be forced to.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <map>
#include <set>

#include "core/core_testing.h"
#include "core/file.h"
#include "core/json.h"
#include "core/source_folder_testing.h"

namespace lra {
namespace {

const std::string kFile = source_folder() / "harness/golden_bits.json";

struct Level {
  const char *name, *environment;  // the environment variables that force it
};
constexpr std::array kLevels{
    Level{"Own", ""},
    Level{"Avx3Bf16", "LRA_MAX_ISA=AVX3 ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16"},
    Level{"Avx3Vnni", "LRA_MAX_ISA=AVX3 ONEDNN_MAX_CPU_ISA=AVX512_CORE_VNNI"},
    Level{"Avx3", "LRA_MAX_ISA=AVX3 ONEDNN_MAX_CPU_ISA=AVX512_CORE"},
    Level{"Avx2", "LRA_MAX_ISA=AVX2 ONEDNN_MAX_CPU_ISA=AVX2"},
    Level{"Sse4", "LRA_MAX_ISA=SSE4 ONEDNN_MAX_CPU_ISA=SSE41"},
};

/// Runs golden_bits at a level and returns its output; sets `code` to its exit code.
std::string output_of(const std::string& environment, int& code, const std::string& arguments = "") {
  std::FILE* pipe = ::popen(
      ("env -u LRA_MAX_ISA -u ONEDNN_MAX_CPU_ISA " + environment + " " LRA_GOLDEN_BITS + arguments).c_str(), "r");
  std::string text;
  std::array<char, 4096> piece;
  for (std::size_t n; pipe && (n = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;) text.append(piece.data(), n);
  const int status = pipe ? ::pclose(pipe) : -1;
  code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return text;
}

std::string revision_of(const std::string& entry) { return entry.substr(0, entry.find(',')); }

/// Returns what to do about differences in one level's entries; empty if there are none. `command` records the new
/// bits.
std::string advice(const Json& recorded, const Json& now, const std::string& command) {
  std::set<std::string> changed, renumbered;
  std::size_t engine = 0, models = 0;
  for (const auto& [part, entries] : now.items())
    for (const auto& [name, entry] : entries.items()) {
      const std::string before = recorded.at(part).value(name, "");
      const std::string what = part == "engine" ? "engine, " + name : name;
      if (before == entry) continue;
      if (before.empty() || revision_of(before) != revision_of(entry)) {
        renumbered.insert(what);
      } else {
        changed.insert(what);
        ++(part == "engine" ? engine : models);
      }
    }
  for (const auto& [part, entries] : recorded.items())
    for (const auto& [name, entry] : entries.items())
      if (!now.at(part).contains(name)) renumbered.insert(name + " (gone)");
  if (!changed.empty()) {
    // The engine's own entries are runs of `identity`.
    const bool only_identity = models == 1 && changed.contains("identity");
    if ((engine > 0 && !only_identity) || models == now.at("models").size())
      return fmt::format(
          "the engine gives other bits ({}): raise kEngineRevision in harness/revision.h if that is meant, and record "
          "with: {}",
          fmt::join(changed, "; "), command);
    return fmt::format(
        "other bits from {}: if that is meant, raise `revision` in the registration of {}, or kEngineRevision in "
        "harness/revision.h if the change is outside the models' files, and record with: {}",
        fmt::join(changed, ", "), models == 1 ? "this model" : "these models", command);
  }
  if (!renumbered.empty())
    return fmt::format("not recorded under its present revision: {}; record with: {}", fmt::join(renumbered, ", "),
                       command);
  return {};
}

/// Adds to `recorded` the present entries of models that only other levels hold under this revision: whoever added them
/// could not run this level.
void leave_to_other_levels(Json& recorded, const Json& now, const Json& all) {
  for (const auto& [name, entry] : now.at("models").items()) {
    if (recorded["models"].contains(name)) continue;
    for (const Json& level : all)
      if (revision_of(level["models"].value(name, "")) == revision_of(entry)) recorded["models"][name] = entry;
  }
}

class GoldenBits : public testing::TestWithParam<Level> {};

/// Removes models from one level's entries under a sanitizer, where a run of all takes a minute and a half: two of
/// three. Returns the names of the others, or none if all remain.
std::vector<std::string> keep_a_share(Json& recorded) {
  std::vector<std::string> names;
  if (!kSanitised) return names;
  std::size_t number = 0;
  const Json models = recorded.at("models");
  for (const auto& [name, entry] : models.items())
    if (number++ % 3 == 0)
      names.push_back(name);
    else
      recorded["models"].erase(name);
  return names;
}

TEST_P(GoldenBits, AreThoseOfTheirRevision) {
  const std::string environment = GetParam().environment;
  const std::string command = fmt::format("env {} {} --record {}", environment, LRA_GOLDEN_BITS, kFile);
  int code = -1;
  Json all = Json::parse(read_file(kFile));
  std::vector<std::string> names;
  for (Json& entries : all) names = keep_a_share(entries);
  const std::string arguments = fmt::format(" {}", fmt::join(names, " "));
  const Json now = Json::parse(output_of(environment, code, arguments), nullptr, /*allow_exceptions=*/false);
  if (code == 2 && !environment.empty()) GTEST_SKIP() << "this processor cannot do " << environment;
  ASSERT_EQ(code, 0);
  ASSERT_EQ(now.size(), 1u);
  const std::string level = now.begin().key();
  if (!all.contains(level)) {
    const std::string sentence = fmt::format("no bits are recorded of {}; record with: {}", level, command);
    if (environment.empty() && std::getenv("CI")) FAIL() << sentence;
    GTEST_SKIP() << sentence;
  }
  Json recorded = all.at(level);
  leave_to_other_levels(recorded, now.at(level), all);
  EXPECT_EQ(advice(recorded, now.at(level), command), "");
}

/// Under sanitizers only the machine's own level runs, because each takes half a minute.
constexpr std::size_t kLevelsTried = kSanitised ? 1 : kLevels.size();

INSTANTIATE_TEST_SUITE_P(At, GoldenBits, testing::ValuesIn(kLevels.begin(), kLevels.begin() + kLevelsTried),
                         [](const auto& instance) { return instance.param.name; });

TEST(GoldenBitsFile, TakesNoOtherBitsUnderTheSameRevision) {
  Json all = Json::parse(read_file(kFile));
  for (Json& level : all) level["models"]["linear"] = level.at("models").at("axial");  // the revision is the same
  const TemporaryFolder folder;
  const auto path = folder.path() / "bits.json";
  const std::string before = all.dump(1) + "\n";
  write_file(path, before);
  int code = -1;
  (void)output_of("", code, " --record " + path.string() + " linear 2>&1");
  if (code == 0) GTEST_SKIP() << "this machine's own level is not recorded";
  EXPECT_EQ(code, 2);
  EXPECT_EQ(read_file(path), before);
}

TEST(GoldenBitsFile, HoldsLevelsOfAllKindsOfKernels) {
  const std::string text = read_file(kFile);
  for (const char* level : {"\"AVX3 and oneDNN", "\"AVX2 and oneDNN", "\"SSE4 and oneDNN"})
    EXPECT_NE(text.find(level), std::string::npos) << level;
}

TEST(GoldenBitsFile, AModelMayBeRecordedAtOtherLevelsOnly) {
  const Json now{{"models", {{"axial", "revision 1, bits aa"}}}};
  for (const auto& [elsewhere, added] :
       std::map<std::string, bool>{{"revision 1, bits bb", true}, {"revision 0, bits bb", false}}) {
    const Json other{{"models", {{"axial", elsewhere}}}};
    Json recorded{{"models", Json::object()}};
    leave_to_other_levels(recorded, now, {{"here", recorded}, {"other", other}});
    EXPECT_EQ(recorded["models"].contains("axial"), added);
    recorded["models"]["axial"] = "revision 1, bits cc";
    leave_to_other_levels(recorded, now, {{"here", recorded}, {"other", other}});
    EXPECT_EQ(recorded["models"]["axial"], "revision 1, bits cc");
  }
}

TEST(GoldenBitsAdvice, SaysWhichNumberToRaise) {
  const Json before{{"engine", {{"rsqrt", "revision 1, bits aa"}}},
                    {"models", {{"axial", "revision 1, bits bb"}, {"identity", "revision 1, bits cc"}}}};
  const auto said = [&](const char* part, const char* name, const char* entry) {
    Json now = before;
    now[part][name] = entry;
    return advice(before, now, "COMMAND");
  };
  const auto begins = [](const std::string& text, const char* words) { return text.starts_with(words); };
  EXPECT_EQ(advice(before, before, "COMMAND"), "");
  EXPECT_TRUE(begins(said("models", "axial", "revision 1, bits dd"), "other bits from axial: "));
  EXPECT_TRUE(begins(said("engine", "rsqrt", "revision 1, bits dd"), "the engine gives other bits (engine, rsqrt)"));
  EXPECT_TRUE(
      begins(said("models", "axial", "revision 2, bits dd"), "not recorded under its present revision: axial;"));
  EXPECT_TRUE(begins(said("models", "mine", "revision 1, bits dd"), "not recorded under its present revision: mine;"));
  Json all = before, identity = before;
  for (auto& [name, entry] : all["models"].items()) entry = "revision 1, bits ee";
  EXPECT_TRUE(begins(advice(before, all, "COMMAND"), "the engine gives other bits (axial; identity)"));
  identity["models"]["identity"] = identity["engine"]["rsqrt"] = "revision 1, bits ee";
  EXPECT_TRUE(begins(advice(before, identity, "COMMAND"), "other bits from engine, rsqrt, identity"));
}

}  // namespace
}  // namespace lra
