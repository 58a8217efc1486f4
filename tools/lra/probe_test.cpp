// `lra probe` writes what models/README.md documents, which can be checked without this program's code.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <sstream>

#include "core/safetensors.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

/// Settings in which all letters of the README's table are different numbers.
const std::string kShape =
    "--preset smoke --task lookup --set width=12 --set qkv=10 --set ff=22 --set heads=2 --set layers=2 --set "
    "positions=learned --set head_width=9 --set batch=5 ";
const std::map<std::string, long> kLetters = {{"V", 20}, {"P", 25}, {"C", 12}, {"Q", 10},
                                              {"F", 22}, {"W", 9},  {"K", 2},  {"B", 5}};

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

/// Shapes by name as in the README, such as "encoder.I.norm.gamma" → "(C)".
std::map<std::string, std::string> documented() {
  std::map<std::string, std::string> rows;
  std::istringstream readme(contents(std::string(LRA_SOURCE_DIR) + "/models/README.md"));
  bool inside = false;
  for (std::string line; std::getline(readme, line);) {
    if (line.starts_with("| tensor |")) inside = true;
    if (line.empty()) inside = false;
    if (!inside || !line.starts_with("| `")) continue;
    std::istringstream cells(line.substr(1));
    std::string name, shape;
    std::getline(cells, name, '|'), std::getline(cells, shape, '|');
    name = trimmed(name);
    rows[name.substr(1, name.size() - 2)] = trimmed(shape);
  }
  return rows;
}

std::string numbers_of(const std::string& shape, const StoredArrays& file) {
  std::string text;
  for (const char letter : shape) {
    if (!std::isupper(static_cast<unsigned char>(letter))) {
      text += letter;
      continue;
    }
    // T and S depend on the batch.
    if (letter == 'T') text += std::to_string(file.find("probe.tokens")->shape[0]);
    if (letter == 'S') text += std::to_string(file.find("probe.labels")->shape[0]);
    const auto found = kLetters.find(std::string(1, letter));
    if (found != kLetters.end()) text += std::to_string(found->second);
  }
  return text == "(5+1)" ? "(6)" : text;
}

TEST(Probe, WritesWhatTheTableSays) {
  const Sandbox sandbox;
  const Finished finished = sandbox.lra("probe --model transformer -o p.safetensors " + kShape);
  ASSERT_EQ(finished.code, 0) << finished.err;
  const StoredArrays file(sandbox.path("p.safetensors"));
  std::map<std::string, std::string> expected;
  for (const auto& [name, shape] : documented()) {
    const std::size_t layer = name.find(".I.");
    for (const char* number : {"0", "1"}) {
      std::string parameter = name;
      if (layer != std::string::npos) parameter.replace(layer + 1, 1, number);
      expected[parameter] = numbers_of(shape, file);
      if (!name.starts_with("probe.")) expected["probe.gradient." + parameter] = expected[parameter];
    }
  }
  expected.erase("probe.gradient.NAME");
  std::map<std::string, std::string> found;
  for (const StoredArray& array : file.all()) found[array.name] = fmt::format("({})", fmt::join(array.shape, ","));
  EXPECT_EQ(found, expected);
  EXPECT_EQ(file.text().at("model"), "transformer");
}

// Sources: the definition of cross-entropy, and its derivative: the head's last bias gets the mean of softmax − onehot.
TEST(Probe, LossAndGradientFollowFromLogits) {
  const Sandbox sandbox;
  const Finished finished = sandbox.lra("probe --model linear --json -o p.safetensors " + kShape);
  ASSERT_EQ(finished.code, 0) << finished.err;
  const StoredArrays file(sandbox.path("p.safetensors"));
  const auto logits = file.values<float>("probe.logits");
  const auto labels = file.values<std::int32_t>("probe.labels");
  double loss = 0;
  std::vector<double> gradient(2);
  for (std::size_t b = 0; b < labels.size(); ++b) {
    const double a = std::exp(double(logits[2 * b])), z = a + std::exp(double(logits[2 * b + 1]));
    const double p[] = {a / z, 1 - a / z};
    loss -= std::log(p[labels[b]]) / 5;
    for (int k = 0; k < 2; ++k) gradient[std::size_t(k)] += (p[k] - (labels[b] == k)) / 5;
  }
  EXPECT_NEAR(file.values<double>("probe.loss")[0], loss, 1e-6);
  EXPECT_NEAR(finished.json().at("loss").get<double>(), loss, 1e-6);
  const auto bias = file.values<float>("probe.gradient.head.1.bias");
  for (std::size_t k = 0; k < 2; ++k) EXPECT_NEAR(bias[k], gradient[k], 1e-6);
}

TEST(Probe, ReadsWeightsAndWritesThemBack) {
  const Sandbox sandbox;
  const std::string probe = "probe --model local " + kShape;
  ASSERT_EQ(sandbox.lra(probe + "-o a.safetensors").code, 0);
  const StoredArrays a(sandbox.path("a.safetensors"));
  std::vector<std::vector<float>> values;
  std::vector<StoredArray> weights;
  values.reserve(a.all().size());
  for (StoredArray array : a.all()) {
    if (array.name.starts_with("probe.")) continue;
    values.push_back(a.values<float>(array.name));
    for (float& value : values.back()) value = 0.5f * value + 0.01f;
    array.bytes = std::as_bytes(std::span(values.back()));
    weights.push_back(array);
  }
  write_safetensors(sandbox.path("w.safetensors"), weights);
  const Finished finished = sandbox.lra(probe + "--weights w.safetensors -o b.safetensors");
  ASSERT_EQ(finished.code, 0) << finished.err;
  const StoredArrays b(sandbox.path("b.safetensors"));
  for (const StoredArray& array : weights)
    EXPECT_TRUE(std::equal(array.bytes.begin(), array.bytes.end(), b.find(array.name)->bytes.begin())) << array.name;
  EXPECT_NE(a.values<float>("probe.logits"), b.values<float>("probe.logits"));
  ASSERT_EQ(sandbox.lra(probe + "--weights b.safetensors -o c.safetensors").code, 0);
  EXPECT_EQ(contents(sandbox.path("b.safetensors")), contents(sandbox.path("c.safetensors")));
}

TEST(Probe, NamesTheWeightThatDoesNotFit) {
  const Sandbox sandbox;
  const std::string probe = "probe --model identity " + kShape;
  ASSERT_EQ(sandbox.lra(probe + "-o a.safetensors").code, 0);
  const StoredArrays a(sandbox.path("a.safetensors"));
  std::vector<StoredArray> weights;
  for (const StoredArray& array : a.all())
    if (!array.name.starts_with("probe.")) weights.push_back(array);
  const auto said = [&](const std::vector<StoredArray>& arrays) {
    write_safetensors(sandbox.path("w.safetensors"), arrays);
    const Finished finished = sandbox.lra(probe + "--weights w.safetensors -o b.safetensors");
    EXPECT_EQ(finished.code, 3);
    EXPECT_FALSE(std::filesystem::exists(sandbox.path("b.safetensors")));
    return finished.err;
  };
  const auto tokens = std::find_if(weights.begin(), weights.end(),
                                   [](const StoredArray& array) { return array.name == "embedding.tokens"; });
  const StoredArray right = *tokens;
  tokens->shape = {right.shape[1], right.shape[0]};
  EXPECT_NE(said(weights).find("'embedding.tokens' has the shape (12,20)"), std::string::npos);
  tokens->shape = right.shape, tokens->name = "embedding.tokenz";
  EXPECT_NE(said(weights).find("has no parameter 'embedding.tokens'"), std::string::npos);
  tokens->name = right.name, weights.push_back(right), weights.back().name = "embedding.token";
  EXPECT_NE(said(weights).find("no parameter 'embedding.token', did you mean 'embedding.tokens'?"), std::string::npos);
  EXPECT_NE(sandbox.lra(probe + "--weights none.safetensors -o b.safetensors").err.find("none.safetensors"),
            std::string::npos);
}

}  // namespace
}  // namespace lra
