// One contract for every model of the registry (models/testing/contract.h). It covers a new file in this folder without
// an edit here.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "core/source_folder_testing.h"
#include "models/testing/bridge.h"
#include "models/testing/contract.h"

namespace lra {
namespace {

// One process per model, not one per check: under a sanitizer starting takes longer than most checks.
class EveryModel : public testing::TestWithParam<std::string> {};

TEST_P(EveryModel, KeepsTheContract) {
  for (const Check& check : contract()) EXPECT_EQ(examine(check.name, GetParam()), "") << check.name;
}

INSTANTIATE_TEST_SUITE_P(All, EveryModel, testing::ValuesIn(f32::model_names()),
                         [](const auto& instance) { return instance.param; });

const std::vector<std::filesystem::path> kFolders = {source_folder() / "models/attention",
                                                     source_folder() / "models/encoders"};

/// The names of all files in the models' folders.
std::vector<std::filesystem::path> files_of_models() {
  std::vector<std::filesystem::path> all;
  for (const auto& folder : kFolders)
    for (const auto& file : std::filesystem::directory_iterator(folder)) all.push_back(file.path());
  return all;
}

bool is_test(const std::filesystem::path& file) { return file.stem().string().ends_with("_test"); }

TEST(Registry, HoldsEveryFileOfTheFolder) {
  std::set<std::string> files;
  for (const auto& file : files_of_models())
    if (file.extension() == ".cpp" && !is_test(file)) files.insert(file.stem());
  const std::vector<std::string> names = f32::model_names(), exact = f64::model_names();
  EXPECT_EQ(files, std::set<std::string>(names.begin(), names.end()));
  EXPECT_EQ(names, exact);
  int cases = 0;
  const testing::UnitTest& program = *testing::UnitTest::GetInstance();
  for (int i = 0; i < program.total_test_suite_count(); ++i)
    if (const testing::TestSuite& suite = *program.GetTestSuite(i); suite.name() == std::string("All/EveryModel"))
      cases += suite.total_test_count();
  EXPECT_EQ(cases, int(names.size()));
}

// The checks above cannot know a paper's formula; that needs a dense evaluation written for the model.
TEST(Registry, HasAnExactnessTestForEveryModel) {
  std::string tests;
  for (const auto& file : files_of_models()) {
    if (!is_test(file) || file.stem() == "conformance_test") continue;
    std::ifstream text(file);
    tests.append(std::istreambuf_iterator<char>(text), {});
  }
  for (const std::string& name : f32::model_names())
    EXPECT_NE(tests.find("\"" + name + "\""), std::string::npos) << name;
}

}  // namespace
}  // namespace lra
