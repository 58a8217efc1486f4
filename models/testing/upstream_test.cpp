// Models against numbers of public implementations: a file of upstream/ has the source, the settings, the parameters,
// the input, and what the public code computed of them in double precision: the result and the gradients of Σ result ∘
// cotangent.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/file.h"
#include "core/json.h"
#include "core/source_folder_testing.h"
#include "models/testing/bridge.h"
#include "models/testing/compare.h"

namespace lra {
namespace {

std::vector<std::filesystem::path> files() {
  std::vector<std::filesystem::path> all;
  for (const auto& file : std::filesystem::directory_iterator(source_folder() / "models/testing/upstream"))
    all.push_back(file.path());
  return all;
}

class Upstream : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Upstream, GivesTheSameNumbers) {
  const Json file = Json::parse(read_file(GetParam()));
  MixerCase c;
  c.model = file.at("model"), c.settings = file.at("settings"), c.lengths = file.at("lengths").get<std::vector<long>>();
  c.width = c.qkv = file.at("width"), c.heads = file.at("heads"), c.layers = file.at("layers");
  const Named parameters = file.at("parameters"), gradients = file.at("gradients");
  const MixerRun run = f64::run_mixer(c, file.at("x"), file.at("cotangent"), parameters);
  EXPECT_EQ(run.parameters, parameters) << "the model has other parameters";
  EXPECT_LT(relative_error(run.result, file.at("result").get<Numbers>()), 1e-8);
  for (const auto& [name, gradient] : gradients)
    EXPECT_LT(relative_error(run.gradients.at(name), gradient), 1e-7) << name;
}

INSTANTIATE_TEST_SUITE_P(All, Upstream, testing::ValuesIn(files()),
                         [](const auto& instance) { return instance.param.stem().string(); });

}  // namespace
}  // namespace lra
