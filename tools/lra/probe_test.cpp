// `lra probe` writes what models/README.md documents, which can be checked without this program's code.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "core/safetensors.h"
#include "core/source_folder_testing.h"
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
  std::istringstream readme(contents(source_folder() / "models/README.md"));
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
    // T, S and R depend on the batch.
    if (letter == 'T') text += std::to_string(file.find("probe.tokens")->shape[0]);
    if (letter == 'S') text += std::to_string(file.find("probe.labels")->shape[0]);
    if (letter == 'R')  // with a class token before each sequence
      text += std::to_string(file.find("probe.tokens")->shape[0] + file.find("probe.labels")->shape[0]);
    const auto found = kLetters.find(std::string(1, letter));
    if (found != kLetters.end()) text += std::to_string(found->second);
  }
  return text == "(5+1)" ? "(6)" : text;
}

TEST(Probe, WritesWhatTheTableSays) {
  const Sandbox sandbox;
  const Finished finished = sandbox.lra("probe --model transformer --activations -o p.safetensors " + kShape);
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
  for (const char* other : {"gradient", "state", "drawn"}) expected.erase(fmt::format("probe.{}.NAME", other));
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

/// The file that `lra probe ARGUMENTS` writes for the settings above.
StoredArrays probed(const Sandbox& sandbox, const std::string& arguments) {
  const Finished finished = sandbox.lra("probe -o p.safetensors " + kShape + arguments);
  EXPECT_EQ(finished.code, 0) << finished.err;
  return StoredArrays(sandbox.path("p.safetensors"));
}

/// The largest distance of a row's mean square from 1, which an untrained LayerNorm gives but for its epsilon.
double largest_distance_from_normalized(const std::vector<float>& values, long width) {
  double largest = 0;
  for (std::size_t row = 0; row < values.size(); row += std::size_t(width)) {
    double square = 0;
    for (std::size_t i = row; i < row + std::size_t(width); ++i) square += double(values[i]) * double(values[i]);
    largest = std::max(largest, std::abs(square / double(width) - 1));
  }
  return largest;
}

// Models that change the stack itself report their mixers too. Their blocks normalise what the mixer reads, except
// those of set_transformer, which normalise their results and read each other's.
TEST(Probe, EncodersOfTheirOwnHaveActivations) {
  const Sandbox sandbox;
  for (const std::string model :
       {"glam", "luna", "perceiver", "reversible_reformer", "set_transformer", "transformer_xl"}) {
    const StoredArrays file = probed(sandbox, "--activations --model " + model);
    for (const std::string layer : {"0", "1"})
      for (const std::string side : {"input", "output"}) {
        const std::string inner = model == "perceiver" ? ".blocks.0" : "";
        const std::string name = fmt::format("probe.activation.encoder.{}{}.mixer.{}", layer, inner, side);
        ASSERT_NE(file.find(name), nullptr) << model;
        const double distance = largest_distance_from_normalized(file.values<float>(name), kLetters.at("C"));
        const bool is_normalized = model == "set_transformer" ? side == "output" || layer == "1" : side == "input";
        if (is_normalized)
          EXPECT_LT(distance, 0.01) << model << " " << name;
        else
          EXPECT_GT(distance, 0.1) << model << " " << name;
      }
    if (model != "set_transformer") continue;
    EXPECT_EQ(file.values<float>("probe.activation.encoder.1.mixer.input"),
              file.values<float>("probe.activation.encoder.0.mixer.output"));
  }
}

// Source: central differences along the gradient, whose slope is the gradient's squared length.
TEST(Probe, GradientIsThatOfLossAndAuxiliary) {
  const Sandbox sandbox;
  const std::string model = "--model switch --model-args switch:experts=2 --model-args switch:balance=1 ";
  const std::string name = "encoder.0.feed.router";
  const StoredArrays at = probed(sandbox, model);
  const auto gradient = at.values<float>("probe.gradient." + name);
  std::map<std::string, std::vector<float>> values;
  for (const StoredArray& array : at.all())
    if (!array.name.starts_with("probe.")) values[array.name] = at.values<float>(array.name);
  const auto objective = [&](double along) {
    std::vector<StoredArray> weights;
    weights.reserve(values.size());
    std::vector<float> moved = values.at(name);
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += float(along * double(gradient[i]));
    for (const auto& [of, own] : values)
      weights.push_back(StoredArray::of<float>(of, at.find(of)->shape, of == name ? moved : own));
    write_safetensors(sandbox.path("w.safetensors"), weights);
    const StoredArrays there = probed(sandbox, model + "--weights w.safetensors");
    return std::pair(there.values<double>("probe.loss")[0], there.values<double>("probe.auxiliary")[0]);
  };
  double square = 0;
  for (const float g : gradient) square += double(g) * double(g);
  const double step = 0.001;  // so small that no token changes its expert
  const auto [loss_after, auxiliary_after] = objective(step);
  const auto [loss_before, auxiliary_before] = objective(-step);
  const double of_loss = (loss_after - loss_before) / (2 * step);
  const double of_auxiliary = (auxiliary_after - auxiliary_before) / (2 * step);
  EXPECT_NEAR((of_loss + of_auxiliary) / square, 1, 0.01);
  EXPECT_GT(std::abs(of_auxiliary) / square, 0.05);
  EXPECT_EQ(probed(sandbox, "--model linear").values<double>("probe.auxiliary")[0], 0);
}

// Source: online k-means (models/layers/centroids.h), written out: a token is a member of the centroid whose direction
// has the largest product with it, and a centroid moves to 0.99 of itself and 0.01 of its members' mean.
TEST(Probe, StateOfABufferIsItsValueAfterTheStep) {
  const Sandbox sandbox;
  const StoredArrays file =
      probed(sandbox, "--model clusterformer --model-args clusterformer:clusters=3 --activations");
  const std::string name = "encoder.1.mixer.centroids";
  EXPECT_EQ(file.find("probe.gradient." + name), nullptr);
  constexpr std::size_t kWidth = 12, kClusters = 3;
  const auto before = file.values<float>(name), after = file.values<float>("probe.state." + name);
  const auto x = file.values<float>("probe.activation.encoder.1.mixer.input");
  ASSERT_EQ(before.size(), kClusters * (kWidth + 1));
  std::vector<std::vector<double>> sums(kClusters, std::vector<double>(kWidth + 1));
  for (std::size_t t = 0; t < x.size(); t += kWidth) {
    std::size_t nearest = 0;
    double highest = -INFINITY;
    for (std::size_t k = 0; k < kClusters; ++k) {
      double product = 0, square = 0;
      for (std::size_t i = 0; i < kWidth; ++i) {
        const double mu = double(before[k * (kWidth + 1) + i]);
        product += mu * double(x[t + i]), square += mu * mu;
      }
      if (product / std::sqrt(square) > highest) highest = product / std::sqrt(square), nearest = k;
    }
    for (std::size_t i = 0; i < kWidth; ++i) sums[nearest][i] += double(x[t + i]);
    sums[nearest][kWidth] += 1;
  }
  for (std::size_t k = 0; k < kClusters; ++k) {
    const std::size_t at = k * (kWidth + 1);
    EXPECT_EQ(after[at + kWidth], sums[k][kWidth]);
    for (std::size_t i = 0; i < kWidth && sums[k][kWidth] > 0; ++i)
      EXPECT_NEAR(after[at + i], 0.99 * double(before[at + i]) + 0.01 * sums[k][i] / sums[k][kWidth], 1e-6);
  }
}

TEST(Probe, OnlyTrainedParametersHaveGradients) {
  const Sandbox sandbox;
  for (const char* model : {"routing", "clusterformer", "gshard"}) {
    const StoredArrays file = probed(sandbox, std::string("--model ") + model);
    long states = 0;
    for (const StoredArray& array : file.all()) {
      if (array.name.starts_with("probe.")) continue;
      const bool trained = file.find("probe.gradient." + array.name), state = file.find("probe.state." + array.name);
      EXPECT_NE(trained, state) << array.name;
      const bool buffer = array.name.find("centroids") != std::string::npos || array.name.ends_with(".dropped") ||
                          array.name.ends_with(".balance");
      EXPECT_EQ(state, buffer) << array.name;
      states += state;
    }
    EXPECT_GT(states, 0) << model;
  }
}

/// y (T,out) = x (T,in) · wᵀ.
std::vector<double> linear(const std::vector<double>& x, const std::vector<float>& w, std::size_t in) {
  std::vector<double> y;
  for (std::size_t t = 0; t < x.size(); t += in)
    for (std::size_t o = 0; o < w.size(); o += in) {
      y.push_back(0);
      for (std::size_t i = 0; i < in; ++i) y.back() += x[t + i] * double(w[o + i]);
    }
  return y;
}

std::vector<double> doubles(const std::vector<float>& values) { return {values.begin(), values.end()}; }

/// The score of key j for query i in head h of sequence s, −infinity if it is not seen.
using Score = std::function<double(long s, long h, long i, long j)>;

/// Compares the output of block 0's mixer with Σ softmax(score) v, projected, in plain loops.
void expect_attention(const StoredArrays& file, const Score& score) {
  constexpr long kHeads = 2, kFeatures = 5, kWidth = 12;
  const std::string mixer = "encoder.0.mixer.";
  const auto x = doubles(file.values<float>("probe.activation." + mixer + "input"));
  const auto v = linear(x, file.values<float>(mixer + "value"), kWidth);
  const auto offsets = file.values<std::int64_t>("probe.offsets");
  std::vector<double> mixed(v.size());
  for (long s = 0; s + 1 < long(offsets.size()); ++s) {
    const long begin = offsets[std::size_t(s)] + s, n = offsets[std::size_t(s) + 1] + s + 1 - begin;  // with cls
    for (long h = 0; h < kHeads; ++h)
      for (long i = 0; i < n; ++i) {
        double sum = 0;
        for (long j = 0; j < n; ++j) sum += std::exp(score(s, h, i, j));
        for (long j = 0; j < n; ++j)
          for (long d = 0; d < kFeatures; ++d) {
            const auto at = [&](long row) {
              return std::size_t((begin + row) * kHeads * kFeatures + h * kFeatures + d);
            };
            mixed[at(i)] += std::exp(score(s, h, i, j)) / sum * v[at(j)];
          }
      }
  }
  const auto expected = linear(mixed, file.values<float>(mixer + "out"), kHeads * kFeatures);
  const auto found = file.values<float>("probe.activation." + mixer + "output");
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5);
}

// Source: Tay et al. "Synthesizer", ICML 2021, §3.2: softmax(R) V with random R.
TEST(Probe, ResampledConstantsAreThoseOfThePass) {
  const Sandbox sandbox;
  const StoredArrays file =
      probed(sandbox, "--model synthesizer --model-args synthesizer:kind=fixed_random --activations ");
  const StoredArray* const scores = file.find("probe.drawn.encoder.0.mixer.fixed_random.drawn");
  ASSERT_NE(scores, nullptr);
  ASSERT_EQ(scores->shape, (std::vector<long>{2, 25, 25}));
  const auto r = file.values<float>(scores->name);
  expect_attention(file, [&](long, long h, long i, long j) { return double(r[std::size_t((h * 25 + i) * 25 + j)]); });
}

// Source: Vaswani et al. arXiv:1706.03762, eq. 1, over the pairs in the file.
TEST(Probe, PatternOfBigBirdIsThatOfThePass) {
  const Sandbox sandbox;
  const StoredArrays file =
      probed(sandbox, "--model bigbird --model-args bigbird:block=2 --model-args bigbird:random=1 --activations ");
  const auto rows = file.values<std::int64_t>("probe.drawn.encoder.0.mixer.blocks");
  const auto x = doubles(file.values<float>("probe.activation.encoder.0.mixer.input"));
  const auto q = linear(x, file.values<float>("encoder.0.mixer.query"), 12);
  const auto k = linear(x, file.values<float>("encoder.0.mixer.key"), 12);
  const auto offsets = file.values<std::int64_t>("probe.offsets");
  std::set<std::vector<std::int64_t>> pairs;
  std::int64_t listed = 0;
  for (std::size_t r = 0; r < rows.size(); r += 6)
    for (std::int64_t i = rows[r + 2]; i < rows[r + 3]; ++i)
      for (std::int64_t j = rows[r + 4]; j < rows[r + 5]; ++j, ++listed) pairs.insert({rows[r], rows[r + 1], i, j});
  EXPECT_EQ(listed, long(pairs.size()));  // none twice
  const long tokens = long(x.size()) / 12;
  EXPECT_LT(listed, 2 * tokens * tokens / 5);  // but not all, of five sequences in two heads
  expect_attention(file, [&](long s, long h, long i, long j) {
    if (!pairs.contains({s, h, i, j})) return -double(INFINITY);
    double product = 0;
    const long begin = offsets[std::size_t(s)] + s;
    for (long d = 0; d < 5; ++d)
      product += q[std::size_t((begin + i) * 10 + h * 5 + d)] * k[std::size_t((begin + j) * 10 + h * 5 + d)];
    return product / std::sqrt(5.0);
  });
}

TEST(Probe, StepChoosesBatchAndConstants) {
  const Sandbox sandbox;
  const std::string model = "--model performer --model-args performer:features=4 --model-args performer:redraw=2 ";
  const auto drawn = [&](long step) {
    return probed(sandbox, model + fmt::format("--step {}", step))
        .values<float>("probe.drawn.encoder.0.mixer.directions");
  };
  const auto first = drawn(0);
  EXPECT_EQ(drawn(1), first);
  EXPECT_NE(drawn(2), first);
  // Two steps of five examples take the same ones as one of ten.
  const auto ten = [&] {
    const Finished finished = sandbox.lra("probe -o ten.safetensors --model linear " + kShape + "--set batch=10");
    EXPECT_EQ(finished.code, 0) << finished.err;
    return StoredArrays(sandbox.path("ten.safetensors")).values<std::int64_t>("probe.examples");
  }();
  for (std::size_t step : {0, 1})
    EXPECT_EQ(probed(sandbox, fmt::format("--model linear --step {}", step)).values<std::int64_t>("probe.examples"),
              std::vector(ten.begin() + long(step) * 5, ten.begin() + long(step) * 5 + 5));
}

TEST(Probe, LimitTakesTheFirstExamples) {
  const Sandbox sandbox;
  const StoredArrays all = probed(sandbox, "--model linear"), three = probed(sandbox, "--model linear --limit 3");
  const auto losses = all.values<double>("probe.losses");
  EXPECT_EQ(three.values<double>("probe.losses"), std::vector(losses.begin(), losses.begin() + 3));
  EXPECT_NEAR(three.values<double>("probe.loss")[0], (losses[0] + losses[1] + losses[2]) / 3, 1e-12);
}

TEST(Probe, SplitChoosesTheExamples) {
  const Sandbox sandbox;
  const StoredArrays file = probed(sandbox, "--model linear --split valid --limit 1");
  EXPECT_EQ(file.text().at("split"), "valid");
  const long index = file.values<std::int64_t>("probe.examples")[0];
  const auto shown = [&](const std::string& split) {
    return sandbox.lra(fmt::format("data show lookup --preset smoke --split {} --index {}", split, index)).out;
  };
  const std::string tokens = fmt::format("{}", fmt::join(file.values<std::int32_t>("probe.tokens"), " "));
  EXPECT_NE(shown("valid").find("\n" + tokens), std::string::npos) << tokens;
  EXPECT_EQ(shown("train").find("\n" + tokens), std::string::npos);
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
