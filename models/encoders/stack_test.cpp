/// The forms of a stack's blocks against blocks composed by hand in double.
#include <gtest/gtest.h>

#include <complex>

#include "core/error.h"
#include "models/testing/dense_blocks.h"

namespace lra {
namespace {

constexpr long kHeads = 3, kLayers = 3;

Trial stack_of(const Json& settings, const std::vector<long>& lengths) {
  Trial trial("stack", settings, lengths);
  trial.c.layers = kLayers;
  trial.set({});
  trial.fill_zeros();
  return trial;
}

/// A stack of exact attention, or of other mixers: mix(normed tokens, path of the mixer, index of the block).
using Mix = std::function<Dense(const Dense&, const std::string&, long)>;

/// The stack that the settings of a trial describe, with the parts of block l at the path of block l mod `distinct`.
struct HandMade {
  const Trial& trial;
  Mix mix;
  long distinct = kLayers;
  DenseLayers layers{trial};

  std::string setting(const char* name, const char* usual) const { return trial.c.settings.value(name, usual); }

  Dense feed(const Dense& x, const std::string& path) const {
    const std::string kind = setting("feed", "gelu");
    if (kind == "gelu") return layers.feed(x, path);
    Dense hidden = layers.affine(x, path + ".in");
    if (kind == "relu")
      for (double& value : hidden.v) value = std::max(value, 0.0);
    if (kind == "swiglu") {
      const Dense gate = layers.affine(x, path + ".gate");
      for (std::size_t i = 0; i < hidden.v.size(); ++i) hidden.v[i] *= gate.v[i] / (1 + std::exp(-gate.v[i]));
    }
    return layers.affine(hidden, path + ".out");
  }

  Dense operator()(Dense x) const {
    const bool after = setting("norm", "before") == "after", feeds = setting("feed", "gelu") != "none";
    for (long l = 0; l < kLayers; ++l) {
      const std::string path = std::to_string(l % distinct);
      const auto norm = [&](const Dense& of, const char* name) { return layers.norm(of, path + name); };
      const auto mixed = [&](const Dense& of) { return mix(of, path + ".mixer", l); };
      const auto fed = [&](const Dense& of) { return feed(of, path + ".feed"); };
      if (trial.c.settings.value("parallel", false)) {
        const Dense read = after ? x : norm(x, ".mixer_norm");
        x = DenseLayers::sum(x, mixed(read));
        if (feeds) x = DenseLayers::sum(x, fed(read));
        if (after) x = norm(x, ".mixer_norm");
      } else if (after) {
        x = norm(DenseLayers::sum(x, mixed(x)), ".mixer_norm");
        if (feeds) x = norm(DenseLayers::sum(x, fed(x)), ".feed_norm");
      } else {
        x = DenseLayers::sum(x, mixed(norm(x, ".mixer_norm")));
        if (feeds) x = DenseLayers::sum(x, fed(norm(x, ".feed_norm")));
      }
    }
    return after ? x : layers.norm(x, "norm");
  }
};

Mix exact_attention(const Trial& trial, bool causal = false) {
  return [&trial, causal](const Dense& x, const std::string& path, long) {
    return DenseLayers{trial}.attention(x, x, path, kHeads, visible_if(causal));
  };
}

TEST(Stack, HasTheChosenForm) {
  for (const char* norm : {"before", "after"})
    for (const char* feed : {"gelu", "relu", "swiglu", "none"})
      for (const bool parallel : {false, true})
        for (const bool tied : {false, true}) {
          const Json settings = {
              {"blocks", "transformer"}, {"norm", norm}, {"feed", feed}, {"parallel", parallel}, {"tied", tied}};
          const Trial trial = stack_of(settings, {5, 1, 9});
          trial.expect_rows(HandMade{trial, exact_attention(trial), tied ? 1 : kLayers});
        }
}

// Blocks 0 and 2 attend within pairs of tokens, block 1 to all.
TEST(Stack, TakesItsMixersInTurn) {
  for (const bool tied : {false, true}) {
    const Trial trial = stack_of({{"blocks", "local(block=2),transformer"}, {"tied", tied}}, {5, 1, 8});
    const Mix mix = [&](const Dense& x, const std::string& path, long l) {
      const Visible pairs = [](long i, long j) { return i / 2 == j / 2; };
      return DenseLayers{trial}.attention(x, x, path, kHeads, l == 1 ? visible_if(false) : pairs);
    };
    trial.expect_rows(HandMade{trial, mix, tied ? 2 : kLayers});
  }
}

TEST(Stack, MakesEveryMixerCausal) {
  const Trial trial = stack_of({{"blocks", "transformer"}, {"causal", true}}, {5, 1, 9});
  trial.expect_rows(HandMade{trial, exact_attention(trial, true)});
}

/// Su et al. arXiv:2104.09864, eq. 34: pairs of features as complex numbers, times e^(i·t·θ).
Dense turned(Dense x) {
  const long features = x.cols / kHeads;
  for (long t = 0; t < x.rows; ++t)
    for (long h = 0; h < kHeads; ++h)
      for (long c = 0; c + 1 < features; c += 2) {
        double &re = x.at(t, h * features + c), &im = x.at(t, h * features + c + 1);
        const std::complex<double> z =
            std::complex(re, im) * std::polar(1.0, double(t) * std::pow(10000.0, -double(c) / double(features)));
        re = z.real(), im = z.imag();
      }
  return x;
}

TEST(Stack, TurnsQueriesAndKeys) {
  const Trial trial = stack_of({{"blocks", "transformer"}, {"rotary", true}}, {5, 1, 9});
  trial.expect_rows(HandMade{trial, [&](const Dense& x, const std::string& path, long) {
                               const auto w = [&](const char* name) { return trial.weights(path + name); };
                               return project(
                                   attend(turned(project(x, w(".query"))), turned(project(x, w(".key"))),
                                          project(x, w(".value")), kHeads, softmax_weight, visible_if(false)),
                                   w(".out"));
                             }});
}

TEST(Stack, NamesWhatItCannotBuild) {
  const auto message = [](const Json& settings) -> std::string {
    try {
      stack_of(settings, {5});
    } catch (const std::exception& error) {
      return error.what();
    }
    return "no error";
  };
  const auto expect = [&](const Json& settings, const char* words) {
    EXPECT_NE(message(settings).find(words), std::string::npos) << message(settings);
  };
  expect({{"blocks", "transformer,linaer"}}, "linear");
  expect({{"blocks", "transformer,"}}, "''");
  expect({{"blocks", "transformer,funnel"}}, "funnel is a stack of its own");
  expect({{"blocks", "local(block=2"}}, "lacks a ')'");
  expect({{"blocks", "local(block=2)linear"}}, "needs a comma");
  expect({{"blocks", "local(block)"}}, "key=value");
  expect({{"blocks", "local(blocks=2)"}}, "block");
  expect({{"blocks", "local(block=2)"}, {"norm", "middle"}}, "before or after");
  expect({{"blocks", "linear"}, {"feed", "gulu"}}, "gelu, relu, swiglu or none");
  expect({{"blocks", "s4d"}, {"rotary", true}}, "none of 's4d'");
  expect({{"blocks", "linformer"}, {"causal", true}}, "no causal form");
}

}  // namespace
}  // namespace lra
