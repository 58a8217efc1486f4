#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "models/optim/adam.h"
#include "models/optim/schedule.h"

namespace lra {
namespace {

Recipe recipe(const char* schedule, double lr, double warmup, long steps) {
  Recipe r;
  r.schedule = schedule, r.lr = lr, r.warmup = warmup, r.steps = steps;
  return r;
}

// Source: LRA's configurations evaluated by hand: base · min(1, step/w) / √max(step, w).
TEST(Schedule, RsqrtOfLra) {
  const Recipe listops = recipe("rsqrt", 0.05, 1000, 5000), text = recipe("rsqrt", 0.05, 8000, 20000);
  EXPECT_DOUBLE_EQ(learning_rate(listops, 0), 0);
  EXPECT_NEAR(learning_rate(listops, 1), 1.581e-6, 1e-9);
  EXPECT_NEAR(learning_rate(listops, 1000), 1.5811e-3, 1e-7);
  EXPECT_NEAR(learning_rate(listops, 4999), 7.072e-4, 1e-7);
  EXPECT_NEAR(learning_rate(text, 8000), 5.590e-4, 1e-7);
  EXPECT_NEAR(learning_rate(text, 20000), 3.536e-4, 1e-7);
  EXPECT_NEAR(learning_rate(recipe("rsqrt", 0.05, 8000, 5000), 4999), 3.493e-4, 1e-7);
}

TEST(Schedule, CosineOfLra) {
  Recipe image = recipe("cosine", 5e-4, 175, 35000);
  image.cycle = 35000;
  EXPECT_NEAR(learning_rate(image, 175), 5e-4, 1e-9);
  EXPECT_NEAR(learning_rate(image, 17500), 2.54e-4, 1e-6);
}

TEST(Schedule, LinearRisesAndFallsToZero) {
  const Recipe r = recipe("linear", 1e-3, 0.1, 1000);
  EXPECT_DOUBLE_EQ(learning_rate(r, 50), 0.5e-3);
  EXPECT_DOUBLE_EQ(learning_rate(r, 100), 1e-3);
  EXPECT_DOUBLE_EQ(learning_rate(r, 550), 0.5e-3);
  EXPECT_DOUBLE_EQ(learning_rate(r, 1000), 0);
}

// The limit applies to the peak, wherever the schedule has it, and scales the whole schedule.
TEST(Schedule, CanBeLimited) {
  for (const auto& [r, peak] : {std::pair{recipe("linear", 1e-2, 0.1, 1000), 100L},
                                {recipe("cosine", 1e-2, 100, 1000), 100L},
                                {recipe("constant", 1e-2, 0, 1000), 500L},
                                {recipe("rsqrt", 0.05, 100, 1000), 100L}})
    for (const long step : {0L, 1L, 50L, 100L, 101L, 999L}) {
      const double free = learning_rate(r, step), highest = learning_rate(r, peak);
      EXPECT_EQ(learning_rate(r, step, INFINITY), free) << r.schedule;
      EXPECT_EQ(learning_rate(r, step, 1), free) << r.schedule;
      EXPECT_NEAR(learning_rate(r, step, 1e-3), free / highest * 1e-3, 1e-15) << r.schedule << step;
    }
}

TEST(Schedule, RefusesWhatCannotBe) {
  EXPECT_THROW((void)learning_rate(recipe("cosin", 1, 1, 1), 0), Error);
  for (const auto& spoil :
       {+[](Recipe& r) { r.steps = 0; }, +[](Recipe& r) { r.batch = 0; }, +[](Recipe& r) { r.lr = NAN; },
        +[](Recipe& r) { r.beta2 = 1; }, +[](Recipe& r) { r.selection = "first"; }}) {
    Recipe r;
    spoil(r);
    EXPECT_THROW(check(r), Error);
  }
}

// Source: Kingma and Ba, algorithm 1, with the decoupled decay added, in double, element by element.
TEST(Adam, FollowsThePaper) {
  Recipe r;
  r.weight_decay = 0.1, r.beta1 = 0.9, r.beta2 = 0.98, r.epsilon = 1e-9;
  const long n = 37;
  Adam adam(n, r);
  std::vector<float> p(n), g(n);
  std::vector<double> exact(n), m(n), v(n);
  for (long i = 0; i < n; ++i) exact[std::size_t(i)] = p[std::size_t(i)] = float(std::sin(double(i)));
  for (long t = 1; t <= 5; ++t) {
    for (long i = 0; i < n; ++i) g[std::size_t(i)] = float(std::cos(double(i * t)));
    adam.apply(adam.at(t - 1, 1e-2, 0.5), g, p, 0, 20);
    adam.apply(adam.at(t - 1, 1e-2, 0.5), g, p, 20, n);
    for (std::size_t i = 0; i < std::size_t(n); ++i) {
      const double gradient = 0.5 * double(g[i]);
      m[i] = 0.9 * m[i] + 0.1 * gradient;
      v[i] = 0.98 * v[i] + 0.02 * gradient * gradient;
      const double update =
          m[i] / (1 - std::pow(0.9, double(t))) / (std::sqrt(v[i] / (1 - std::pow(0.98, double(t)))) + 1e-9);
      exact[i] -= 1e-2 * (update + 0.1 * exact[i]);
    }
  }
  for (std::size_t i = 0; i < std::size_t(n); ++i) EXPECT_NEAR(p[i], exact[i], 2e-6);
}

TEST(Adam, DecaysOnlyWhereAsked) {
  Recipe r;
  r.weight_decay = 0.1;
  Adam adam(2, r);
  std::vector<float> p{2, 2}, g{0, 0};
  adam.apply(adam.at(0, 0.5, 1), g, p, 0, 1);
  adam.apply(adam.at(0, 0.5, 1, false), g, p, 1, 2);
  EXPECT_FLOAT_EQ(p[0], 2 - 0.5f * 0.1f * 2);
  EXPECT_EQ(p[1], 2);
}

TEST(Adam, ClipScalesToTheNorm) {
  EXPECT_DOUBLE_EQ(clip_factor(4, 1), 0.25);
  EXPECT_DOUBLE_EQ(clip_factor(0.5, 1), 1);
  EXPECT_DOUBLE_EQ(clip_factor(4, 0), 1);
}

}  // namespace
}  // namespace lra
