// Adding a figure takes two edits: its struct and a step of the schema. After both edits in a copy of the tree, the
// figure must be in the database, in JSON and in CSV.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "core/source_folder_testing.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

namespace fs = std::filesystem;

void replace_once(const fs::path& file, const std::string& old, const std::string& text) {
  std::string all = contents(file);
  const std::size_t at = all.find(old);
  ASSERT_NE(at, std::string::npos) << file << " does not contain " << old;
  std::ofstream(file, std::ios::binary) << all.replace(at, old.size(), text);
}

/// Copies the parts of the tree that results/ needs, and writes a program that stores a run and prints it in every
/// form.
void copy_tree(const fs::path& to) {
  const fs::path from = source_folder();
  for (const char* folder : {"harness", "tools"}) fs::create_directory(to / folder);
  for (const char* folder : {"harness/core", "results", "tools/cmake"})
    fs::copy(from / folder, to / folder, fs::copy_options::recursive);
  std::ofstream(to / "CMakeLists.txt") << R"(cmake_minimum_required(VERSION 3.25)
project(field LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 20)
include(CTest)
include(tools/cmake/dependencies.cmake)
include(tools/cmake/targets.cmake)
add_subdirectory(harness/core)
add_subdirectory(results)
add_executable(field field.cpp)
target_link_libraries(field PRIVATE lra_options reports results core)
)";
  std::ofstream(to / "field.cpp") << R"(#include <iostream>
#include "results/tables/report.h"
#include "results/results_testing.h"
int main() {
  lra::Store store("field.db");
  lra::StoredRun run = lra::sample_run("linear", 1, 0.5);
  run.joules = 12.5;
  store.add(run, {});
  for (const char* format : {"json", "csv"}) lra::report_formats().at(format).write(store, {}, std::cout);
}
)";
}

int run_in(const fs::path& folder, const std::string& command) {
  const int status = std::system(("cd " + folder.string() + " && (" + command + ") >out 2>&1").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(SlowField, IsAddedByTwoEdits) {
  const TemporaryFolder folder;
  const fs::path& tree = folder.path();
  copy_tree(tree);
  replace_once(tree / "results/store/record.h", "  long parameters = 0;\n",
               "  long parameters = 0;\n  double joules = 0;\n");
  replace_once(tree / "results/store/record.h", "    f(\"parameters\", self.parameters)",
               "    f(\"joules\", self.joules), f(\"parameters\", self.parameters)");
  replace_once(tree / "results/store/schema.cpp", "\n};",  // the end of the list of steps
               "\n    \"ALTER TABLE run ADD COLUMN joules REAL NOT NULL DEFAULT 0\",\n};");
  const std::string build = fmt::format("{0} -S . -B build -G Ninja && {0} --build build --target field", LRA_CMAKE);
  ASSERT_EQ(run_in(tree, build + " && build/field"), 0) << contents(tree / "out");
  const std::string out = contents(tree / "out");
  EXPECT_NE(out.find("\"joules\": 12.5"), std::string::npos) << out;
  EXPECT_NE(out.find(",joules,"), std::string::npos) << out;
  EXPECT_NE(out.find(",12.5,"), std::string::npos) << out;
  ASSERT_EQ(run_in(tree, "sqlite3 field.db 'SELECT joules FROM run'"), 0) << contents(tree / "out");
  EXPECT_EQ(contents(tree / "out"), "12.5\n");
}

}  // namespace
}  // namespace lra
