// Compares our pictures with those of the original generator: the mean and spread of several figures per picture.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <map>
#include <numeric>

#include "datasets/cache.h"
#include "datasets/files_testing.h"
#include "datasets/pathfinder.h"
#include "datasets/pathfinder_upstream_testing.h"
#include "datasets/source.h"

namespace lra::pathfinder {
namespace {

using Pixels = std::span<const std::uint8_t>;

/// A square picture.
struct View {
  Pixels pixels;
  long size;
  int at(long y, long x) const { return pixels[std::size_t(y * size + x)]; }
};

/// Return the two places where the darkest pixel of the surroundings is brightest; they are more than 6 pixels apart,
/// in small pictures more than 3.
std::array<Point, 2> find_markers(const View& view) {
  const bool large = view.size >= 128;
  const auto disk = raster::disk(large ? 2 : 1);
  std::vector<std::pair<int, Point>> scored;
  for (Point p; p.y < view.size; ++p.y)
    for (p.x = 0; p.x < view.size; ++p.x) {
      int least = 255;
      for (const Point offset : disk) {
        const Point q = p + offset;
        if (q.y >= 0 && q.x >= 0 && q.y < view.size && q.x < view.size) least = std::min(least, view.at(q.y, q.x));
      }
      scored.push_back({-least, p});
    }
  std::sort(scored.begin(), scored.end());
  const Point first = scored.front().second;
  const double apart = large ? 6 : 3;
  for (const auto& [score, p] : scored)
    if (std::hypot(double(p.y - first.y), double(p.x - first.x)) > apart) return {first, p};
  return {first, first};
}

/// Return the number of connected patches of pixels brighter than 96, most of which are single dashes.
long count_patches(const View& view) {
  std::vector<bool> seen(view.pixels.size());
  long patches = 0;
  const auto bright = [&](Point p) {
    return p.y >= 0 && p.x >= 0 && p.y < view.size && p.x < view.size && view.at(p.y, p.x) > 96 &&
           !seen[std::size_t(p.y * view.size + p.x)];
  };
  for (Point p; p.y < view.size; ++p.y)
    for (p.x = 0; p.x < view.size; ++p.x) {
      if (!bright(p)) continue;
      ++patches;
      std::vector<Point> open{p};
      while (!open.empty()) {
        const Point here = open.back();
        open.pop_back();
        if (!bright(here)) continue;
        seen[std::size_t(here.y * view.size + here.x)] = true;
        for (long dy = -1; dy <= 1; ++dy)
          for (long dx = -1; dx <= 1; ++dx) open.push_back(here + Point{dy, dx});
      }
    }
  return patches;
}

/// Return the figures by which pictures are compared, by name.
std::map<std::string, double> figures_of(const View& view, int label) {
  std::map<std::string, double> figures;
  const double pixels = double(view.pixels.size());
  figures["lit share"] =
      double(std::count_if(view.pixels.begin(), view.pixels.end(), [](int p) { return p > 0; })) / pixels;
  figures["mean gray"] = std::accumulate(view.pixels.begin(), view.pixels.end(), 0.0) / pixels;
  for (int bin = 0; bin < 8; ++bin)
    figures[fmt::format("grays {:03}", 32 * bin)] =
        double(std::count_if(view.pixels.begin(), view.pixels.end(), [bin](int p) { return p > 0 && p / 32 == bin; }));
  for (long y = 0; y < view.size; ++y)
    for (long x = 0; x < view.size; ++x)
      figures[fmt::format("block {} {}", 4 * y / view.size, 4 * x / view.size)] += 16 * view.at(y, x) / pixels;
  const auto [one, other] = find_markers(view);
  const double middle = double(view.size - 1) / 2, apart = std::hypot(double(one.y - other.y), double(one.x - other.x));
  figures["marker row"] = double(one.y + other.y) / 2;
  figures["marker column"] = double(one.x + other.x) / 2;
  figures["marker off middle"] = (std::hypot(double(one.y) - middle, double(one.x) - middle) +
                                  std::hypot(double(other.y) - middle, double(other.x) - middle)) /
                                 2;
  figures["markers apart if joined"] = label * apart;
  figures["markers apart if not"] = (1 - label) * apart;
  figures["patches"] = double(count_patches(view));
  figures["label"] = label;
  return figures;
}

/// Accumulates the mean and deviation of every figure over pictures, and the counts of gray values.
struct Sample {
  std::map<std::string, double> sum, squares;
  std::array<long, 256> grays{};
  long pictures = 0;

  void add(Pixels pixels, long size, int label) {
    for (const auto& [name, value] : figures_of({pixels, size}, label)) {
      sum[name] += value;
      squares[name] += value * value;
    }
    for (const auto gray : pixels) ++grays[gray];
    ++pictures;
  }
  Figure figure(const std::string& name) const {
    const double mean = sum.at(name) / double(pictures);
    return {mean, std::sqrt(std::max(0.0, squares.at(name) / double(pictures) - mean * mean))};
  }
};

Sample painted(long size, long pictures, bool unbiased = false) {
  Rules rules = lra_rules(size, 14);
  rules.dash.unbiased = unbiased;
  const Painter painter(rules);
  Sample sample;
  for (long i = 0; i < pictures; ++i) {
    Sequence draw(Random(1, "test").at(0, std::uint32_t(i)));
    const Picture picture = painter.paint(draw);
    sample.add(picture.pixels, size, picture.label);
  }
  return sample;
}

const Sample& ours(long size) {
  static const Sample small = painted(32, 2000);
  static std::optional<Sample> large;
  if (size == 32) return small;
  if (!large) large = painted(128, 240);
  return *large;
}

class AsUpstream : public ::testing::TestWithParam<long> {};

// Each figure's mean may differ from the original's by four standard errors of the difference, which follow from the
// deviations between pictures and the numbers of pictures.
void expect_same_means(const Sample& sample, const UpstreamFigures& upstream) {
  ASSERT_EQ(sample.sum.size(), upstream.figures.size());
  for (const auto& [name, theirs] : upstream.figures) {
    const Figure mine = sample.figure(name);
    const double error = std::sqrt(theirs.deviation * theirs.deviation / double(upstream.pictures) +
                                   mine.deviation * mine.deviation / double(sample.pictures));
    EXPECT_NEAR(mine.mean, theirs.mean, 4 * error) << name;
  }
}

// Each figure's deviation between pictures may differ by 25 %, about four standard errors for the smallest sample.
void expect_same_spread(const Sample& sample, const UpstreamFigures& upstream) {
  for (const auto& [name, theirs] : upstream.figures)
    EXPECT_NEAR(sample.figure(name).deviation, theirs.deviation, 0.25 * theirs.deviation + 1e-9) << name;
}

// After reduction and contrast stretching, dashes have few possible gray values. Another way of drawing or rounding
// would yield other values.
void expect_no_other_grays(const Sample& sample, const UpstreamFigures& upstream) {
  long strange = 0, all = 0;
  for (std::size_t gray = 0; gray < 256; ++gray) {
    all += sample.grays[gray];
    if (upstream.grays[gray] == '.') strange += sample.grays[gray];
  }
  EXPECT_LT(double(strange), 3e-5 * double(all));
}

TEST_P(AsUpstream, PicturesAreDistributedAsTheOriginals) {
  const Sample& sample = ours(GetParam());
  const UpstreamFigures& upstream = upstream_figures(GetParam());
  expect_same_means(sample, upstream);
  expect_same_spread(sample, upstream);
  expect_no_other_grays(sample, upstream);
}

// The recorded figures are those of the archive, and none is missing.
TEST_P(AsUpstream, RecordedFiguresAreThoseOfTheArchive) {
  const long size = GetParam();
  const std::string name = fmt::format("pathfinder{}_upstream.tar.gz", size);
  if (!std::filesystem::exists(real_data() / name)) GTEST_SKIP() << "no " << name << " among the real data";
  const Corpus corpus =
      sources().at("pathfinder").make({{"size", size}, {"release", "upstream"}, {"images", 0}}, real_data());
  const auto data = in_memory(corpus);
  Sample sample;
  for (const Split split : {Split::train, Split::valid, Split::test})
    for (long i = 0; i < data->size(split); ++i) {
      const Example example = data->at(split, i);
      sample.add(std::vector<std::uint8_t>(example.tokens.begin(), example.tokens.end()), size, example.label);
    }
  const UpstreamFigures& recorded = upstream_figures(size);
  EXPECT_EQ(sample.pictures, recorded.pictures);
  std::string grays;
  for (const long count : sample.grays) grays += count > 0 ? 'x' : '.';
  EXPECT_EQ(grays, recorded.grays);
  for (const auto& [figure, sum] : sample.sum) {
    const Figure found = sample.figure(figure);
    ASSERT_TRUE(recorded.figures.contains(figure)) << figure << " " << found.mean << " " << found.deviation;
    EXPECT_NEAR(found.mean, recorded.figures.at(figure).mean, 1e-5 * (1 + std::abs(found.mean))) << figure;
    EXPECT_NEAR(found.deviation, recorded.figures.at(figure).deviation, 1e-5 * (1 + found.deviation)) << figure;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, AsUpstream, ::testing::Values(32L, 128L));

double quadrant(const Sample& sample, int down, int right) {
  double sum = 0;
  for (int y = 2 * down; y < 2 * down + 2; ++y)
    for (int x = 2 * right; x < 2 * right + 2; ++x) sum += sample.figure(fmt::format("block {} {}", y, x)).mean;
  return sum / 4;
}

// The upper left of the original's pictures is brighter than the lower right, 26.4 versus 15.6. Without its biases all
// quadrants are equally bright.
TEST(Unbiased, QuadrantsAreEquallyBright) {
  EXPECT_GT(quadrant(ours(32), 0, 0), 1.5 * quadrant(ours(32), 1, 1));
  const Sample fair = painted(32, 1500, /*unbiased=*/true);
  const double mean = fair.figure("mean gray").mean;
  for (int down = 0; down < 2; ++down)
    for (int right = 0; right < 2; ++right)
      EXPECT_NEAR(quadrant(fair, down, right), mean, 0.05 * mean);  // 5 standard errors at 7.5 per picture
}

TEST(Painter, APictureDependsOnItsNumberAlone) {
  const Painter painter(lra_rules(32, 14)), same(lra_rules(32, 14));
  const auto paint = [](const Painter& by, std::uint64_t seed, std::uint32_t number) {
    Sequence draw(Random(seed, "test").at(0, number));
    return by.paint(draw).pixels;
  };
  const auto seventh = paint(painter, 0, 7);
  EXPECT_NE(paint(painter, 0, 8), seventh);
  EXPECT_NE(paint(painter, 1, 7), seventh);
  EXPECT_EQ(paint(same, 0, 7), seventh);
}

// The source paints on several threads; the expected pictures are painted on one.
TEST(PathfinderGenerated, IsWhatOnePainterPaints) {
  const Corpus corpus =
      sources().at("pathfinder_generated").make({{"train", 40}, {"valid", 3}, {"test", 3}, {"seed", 5}}, "");
  const auto data = in_memory(corpus);
  const Painter painter(lra_rules(32, 14));
  for (const Split split : {Split::train, Split::valid, Split::test})
    for (long i = 0; i < data->size(split); ++i) {
      Sequence draw(Random(5, "pathfinder", name_of(split)).at(0, std::uint32_t(i)));
      const Picture picture = painter.paint(draw);
      const Example example = data->at(split, i);
      EXPECT_TRUE(
          std::equal(example.tokens.begin(), example.tokens.end(), picture.pixels.begin(), picture.pixels.end()));
      EXPECT_EQ(example.label, picture.label);
    }
}

TEST(PathfinderGenerated, EverySizeAndDifficulty) {
  for (const long size : {16, 32, 64, 256})
    for (const Difficulty& each : difficulties()) {
      Json settings{{"train", 2}, {"valid", 1}, {"test", 1}, {"size", size}, {"difficulty", each.name}};
      if (size == 16) settings.update({{"contour_length", 4}, {"seed_distance", 3}});
      const auto data = in_memory(sources().at("pathfinder_generated").make(settings, ""));
      EXPECT_EQ(long(data->at(Split::test, 0).tokens.size()), size * size) << each.name;
    }
}

TEST(PathfinderGenerated, RefusesWhatCannotBePainted) {
  const auto sentence = [](const Json& settings) {
    return sentence_of([&] { sources().at("pathfinder_generated").make(settings, ""); }, Kind::usage);
  };
  EXPECT_NE(sentence({{"train", 0}}).find("every split"), std::string::npos);
  EXPECT_NE(sentence({{"difficulty", "hrad"}}).find("did you mean 'hard'"), std::string::npos);
  EXPECT_NE(sentence({{"dash_thickness", 0.3}}).find("no whole number of pixels"), std::string::npos);
  EXPECT_NE(sentence({{"size", 4096}}).find("8 to 512"), std::string::npos);
  EXPECT_NE(sentence({{"seed_distance", 12}, {"train", 1}}).find("hardly ever fit"), std::string::npos);
}

// Source: LRA's documentation of its data sets with contours of 14 dashes.
TEST(LraRules, CountsOfDistractors) {
  EXPECT_EQ(lra_rules(32, 14).distractors, 5);
  EXPECT_EQ(lra_rules(64, 14).distractors, 5);
  EXPECT_EQ(lra_rules(128, 14).distractors, 8);
  EXPECT_EQ(lra_rules(256, 14).distractors, 7);
  EXPECT_EQ(lra_rules(128, 14).distractor_length, 4);
}

// The bounds are far below the speed of one core (thousands and hundreds), so that only a gross slowdown fails.
TEST(Painter, Speed) {
  for (const auto& [size, pictures, least] : {std::tuple(32L, 300L, 50.0), std::tuple(128L, 30L, 2.0)}) {
    const Painter painter(lra_rules(size, 14));
    const auto start = std::chrono::steady_clock::now();
    for (long i = 0; i < pictures; ++i) {
      Sequence draw(Random(2, "speed").at(0, std::uint32_t(i)));
      painter.paint(draw);
    }
    const double rate =
        double(pictures) / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    fmt::print("{0} x {0}: {1:.0f} pictures a second\n", size, rate);
    EXPECT_GT(rate, least);
  }
}

}  // namespace
}  // namespace lra::pathfinder
