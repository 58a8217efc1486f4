/// S5 against the recurrence of its states in std::complex<double>, and its initial values against those of the paper.
#include <gtest/gtest.h>

#include <complex>

#include "core/error.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/compare.h"
#include "models/testing/dense_convolution.h"
#include "models/testing/dense_states.h"

namespace lra {
namespace {

using Complex = std::complex<double>;

constexpr std::size_t kWidth = 6, kStates = 12, kBlocks = 3;

MixerCase s5(std::vector<long> lengths, Json settings) {
  settings["states"] = kStates, settings["blocks"] = kBlocks;
  MixerCase c;
  c.model = "s5", c.settings = std::move(settings), c.lengths = std::move(lengths);
  c.width = c.qkv = long(kWidth);
  return c;
}

Numbers input(long tokens) { return rounded(random_numbers(std::size_t(tokens) * kWidth, "x")); }

/// Smith et al., eq. 3 to 6: the discretised system, 2·Re(C·x) of each direction, and GELU(y) ∘ σ(W·GELU(y) + b).
Numbers model(const Named& parameters, const Numbers& x, bool causal, bool bilinear) {
  DenseStates states;
  for (std::size_t k = 0; k < kStates / 2; ++k) {
    const Complex rate(parameters.at("real")[k], parameters.at("frequency")[k]);
    const double step = std::exp(parameters.at("log_step")[k]);
    const Complex a = rate * step;
    states.powers.push_back(bilinear ? (1.0 + a / 2.0) / (1.0 - a / 2.0) : std::exp(a));
    states.factors.push_back(bilinear ? step / (1.0 - a / 2.0) : (std::exp(a) - 1.0) / rate);
  }
  const Numbers z = tanh_gelu(states.outputs(parameters, x, kWidth, 2, causal));
  Numbers y = z;
  const Numbers gate = linear_layer(parameters, "gate", z, kWidth);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] /= 1 + std::exp(-gate[i]);
  return y;
}

TEST(S5, IsItsRecurrence) {
  const Worker worker;
  for (const bool bilinear : {false, true})
    for (const bool causal : {false, true}) {
      const MixerCase c = s5({1, 2, 37, 130}, {{"discretisation", bilinear ? "bilinear" : "zoh"}, {"causal", causal}});
      const Numbers x = input(170);
      const MixerRun exact = f64::run_mixer(c, x, {});
      const Numbers want =
          by_sequence(c, x, [&](const Numbers& part) { return model(exact.parameters, part, causal, bilinear); });
      EXPECT_LT(relative_error(exact.result, want), 1e-12) << c.settings;
      EXPECT_LT(relative_error(f32::run_mixer(c, x, {}, exact.parameters).result, want), 1e-5) << c.settings;
    }
}

TEST(S5, FloatIsItsRecurrenceAtTheLengthOfPathX) {
  const Worker worker;
  const MixerCase c = s5({16384}, {{"dt_min", 0.0001}});
  const Numbers x = input(16384);
  const MixerRun run = f32::run_mixer(c, x, {});
  EXPECT_LT(relative_error(run.result, model(run.parameters, x, false, false)), 1e-5);
}

// Source: the trace of a matrix and of its square are the sums of its eigenvalues and of their squares. The normal part
// of HiPPO-LegS (Smith et al., appendix B.1.1) of block size n has −½ on the diagonal and ±√((i+½)(j+½)) beside it.
TEST(S5, StartsAtTheEigenvaluesOfLegsInBlocks) {
  const Worker worker;
  const Named parameters = f64::run_mixer(s5({1}, Json::object()), input(1), {}).parameters;
  constexpr std::size_t n = kStates / kBlocks;
  double square = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) square += 2 * (double(i) + 0.5) * (double(j) + 0.5);
  for (std::size_t block = 0; block < kBlocks; ++block) {
    double sum = 0;
    for (std::size_t k = 0; k < n / 2; ++k) {
      const double frequency = parameters.at("frequency")[block * n / 2 + k];
      EXPECT_GT(frequency, 0);
      EXPECT_EQ(frequency, parameters.at("frequency")[k]);
      sum += 2 * frequency * frequency;
    }
    EXPECT_NEAR(sum, square, 1e-12 * square);
  }
  for (const double real : parameters.at("real")) EXPECT_EQ(real, -0.5);
}

// Source: the authors' s5/ssm_init.py and s5/ssm.py at commit 3c18fdb.
TEST(S5, StartsWithTheDistributionsOfTheAuthors) {
  const Worker worker;
  const std::vector<std::pair<std::string, double>> readouts = {
      {"standard", 1 / 256.0}, {"lecun", 1 / (256.0 * 64)}, {"complex", 0.5}};
  for (const auto& [readout, variance] : readouts) {
    MixerCase c = s5({1}, {{"readout", readout}});
    c.settings["states"] = 256, c.settings["blocks"] = 16, c.width = c.qkv = 64;
    const Named parameters = f64::run_mixer(c, random_numbers(64, "x"), {}).parameters;
    const auto mean_square = [&](const char* name) {
      const Numbers& all = parameters.at(name);
      return dot(all, all) / double(all.size());
    };
    EXPECT_NEAR(mean_square("out") / variance, 1, 0.05) << readout;
    EXPECT_NEAR(mean_square("out_reversed") / variance, 1, 0.05) << readout;
    EXPECT_NEAR(mean_square("in") * 2 * 256, 1, 0.05);
    for (const double log_step : parameters.at("log_step")) {
      EXPECT_GE(log_step, std::log(0.001));
      EXPECT_LE(log_step, std::log(0.1));
    }
  }
}

TEST(S5, RefusesSettingsThatDoNotFit) {
  const Worker worker;
  for (const Json& settings :
       {Json{{"readout", "zero"}}, Json{{"discretisation", "euler"}}, Json{{"dt_min", 0.1}, {"dt_max", 0.01}}})
    EXPECT_THROW((void)f32::run_mixer(s5({3}, settings), input(3), {}), Error) << settings;
  MixerCase c = s5({3}, Json::object());
  c.settings["blocks"] = 4;
  EXPECT_THROW((void)f32::run_mixer(c, input(3), {}), Error) << "blocks of 3 states have no pairs";
}

}  // namespace
}  // namespace lra
