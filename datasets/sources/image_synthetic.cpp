/// Ten classes of gray patterns, a generated substitute for small photographs.
///
/// The pixels of every image are ranked by the pattern of its class (at a random place, scale and polarity, with
/// noise), and gray values are assigned along the ranks from a scale drawn independently of the class. So the histogram
/// of gray values is independent of the class, and for most classes so is any single pixel: only the arrangement of
/// pixels determines the class.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/random.h"
#include "datasets/source.h"

namespace lra {
namespace {

struct Config {
  long train = 45000, valid = 5000, test = 10000;
  long size = 32;
  long levels = 256;
  double noise = 0.5;
  double jitter = 1;
  bool flip = true;
  long seed = 0;

  void fields(auto&& f) {
    f("train", train, "training images");
    f("valid", valid, "validation images");
    f("test", test, "test images");
    f("size", size, "height and width in pixels");
    f("levels", levels, "gray values used, spread evenly over 0 to 255");
    f("noise", noise, "standard deviation of the noise added to a pattern of amplitude 1");
    f("jitter", jitter, "how far places, phases and scales vary: 0 not at all, 1 fully");
    f("flip", flip, "half of the images with dark and bright exchanged");
    f("seed", seed, "seed of the generator");
  }
};

constexpr int kClasses = 10;

/// The pattern of `label` as a function on the unit square.
class Pattern {
 public:
  Pattern(int label, const Config& config, Sequence& draw) : label_(label) {
    const auto vary = [&](double middle, double reach) {
      return middle + config.jitter * reach * (2 * draw.uniform() - 1);
    };
    x_ = vary(0.5, 0.25);
    y_ = vary(0.5, 0.25);
    frequency_ = vary(3, 1);
    phase_ = vary(0, kTurn / 2);
    other_phase_ = vary(0, kTurn / 2);
    tilt_ = vary(0, 0.1);
    radius_ = vary(0.25, 0.05);
    polarity_ = config.flip && draw.uniform() < 0.5 ? -1 : 1;
  }

  double operator()(double x, double y) const { return polarity_ * shape(x, y); }

 private:
  static constexpr double kTurn = 2 * std::numbers::pi;

  double grating(double x, double y, double angle, double phase) const {
    return std::sin(kTurn * frequency_ * (x * std::cos(angle) + y * std::sin(angle)) + phase);
  }

  double shape(double x, double y) const {
    const double dx = x - x_, dy = y - y_, across = (dx + dy) / std::numbers::sqrt2,
                 down = (dx - dy) / std::numbers::sqrt2;
    const auto ridge = [](double distance) { return 2 * std::exp(-distance * distance / 0.008) - 1; };
    switch (label_) {
      case 0:
      case 1:
      case 2:
      case 3:  // stripes in four directions
        return grating(x, y, label_ * std::numbers::pi / 4 + tilt_, phase_);
      case 4:  // chessboard
        return 2 * grating(x, y, tilt_, phase_) * grating(x, y, tilt_ + std::numbers::pi / 2, other_phase_);
      case 5:
        return std::sin(kTurn * frequency_ * std::hypot(dx, dy) + phase_);  // rings
      case 6:
        return 2 * std::exp(-(dx * dx + dy * dy) / (2 * radius_ * radius_)) - 1;  // disc
      case 7:
        return ridge(std::min(std::abs(dx), std::abs(dy)));  // upright cross
      case 8:
        return ridge(std::min(std::abs(across), std::abs(down)));  // diagonal cross
      default:
        return ridge(std::max(std::abs(dx), std::abs(dy)) - radius_);  // frame of a square
    }
  }

  int label_, polarity_;
  double x_, y_, frequency_, phase_, other_phase_, tilt_, radius_;
};

/// Return the gray values of one image in row-major order.
std::vector<std::uint16_t> image(const Config& config, int label, Sequence& draw) {
  const auto n = std::size_t(config.size * config.size);
  const Pattern pattern(label, config, draw);
  const double low = 0.4 * draw.uniform(), high = 1 - 0.4 * draw.uniform();
  std::vector<double> height(n);
  for (std::size_t i = 0; i < n; ++i) {
    const long row = long(i) / config.size, column = long(i) % config.size;
    const double x = (double(column) + 0.5) / double(config.size), y = (double(row) + 0.5) / double(config.size);
    height[i] = pattern(x, y) + config.noise * draw.normal();
  }
  std::vector<std::uint32_t> ranked(n);
  std::iota(ranked.begin(), ranked.end(), 0u);
  std::sort(ranked.begin(), ranked.end(),
            [&](std::uint32_t a, std::uint32_t b) { return height[a] != height[b] ? height[a] < height[b] : a < b; });
  std::vector<std::uint16_t> pixels(n);
  for (std::size_t rank = 0; rank < n; ++rank) {
    const double gray = low + (high - low) * (double(rank) + 0.5) / double(n);
    const long level = std::min(config.levels - 1, long(gray * double(config.levels)));
    pixels[ranked[rank]] = std::uint16_t(level * 255 / std::max(1L, config.levels - 1));
  }
  return pixels;
}

Corpus make(const Config& config, const std::filesystem::path&) {
  if (config.size < 2 || config.levels < 2 || config.levels > 256 || config.noise < 0 || config.jitter < 0 ||
      config.jitter > 1)
    fail_usage("image_synthetic: impossible settings {}", to_json(config).dump());
  const auto write = [&](Sequence& draw, long number, Examples& split) {
    const int label = int(number % kClasses);
    split.add(image(config, label, draw), label);
  };
  return generate("image_synthetic", config.seed, {config.train, config.valid, config.test}, write);
}

const RegisterSource<Config> registered{
    "image_synthetic",
    {"gray patterns of ten classes: stripes, chessboards, rings, discs, crosses, frames",
     "generated here, no licence needed", "none: made for this project"},
    no_inputs<Config>,
    make};

}  // namespace
}  // namespace lra
