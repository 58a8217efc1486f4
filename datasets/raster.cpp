#include "datasets/raster.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace lra::raster {
namespace {

constexpr std::uint8_t kWhite = 255;

void draw_thin_line(Bitmap& picture, Point from, Point to) {
  const Point way = to - from;
  const long dy = std::abs(way.y), dx = std::abs(way.x);
  const Point down{way.y < 0 ? -1 : 1, 0}, right{0, way.x < 0 ? -1 : 1};
  const bool flat = dx > dy;
  const long steps = flat ? dx : dy, rise = flat ? dy : dx;
  long error = 2 * rise - steps;
  Point at = from;
  for (long i = 0; i <= steps; ++i) {
    if (picture.holds(at)) picture[at] = kWhite;
    if (error >= 0 && i < steps) {
      at = at + (flat ? down : right);
      error -= 2 * steps;
    }
    error += 2 * rise;
    at = at + (flat ? right : down);
  }
}

/// Round to the nearest integer, with halves away from zero or towards it.
long half_out(double value) { return std::lround(value); }
long half_in(double value) { return value < 0 ? -long(std::ceil(-value - 0.5)) : long(std::ceil(value - 0.5)); }

/// Fill a convex quadrilateral line by line, from its leftmost to its rightmost crossing.
void fill(Bitmap& picture, const std::array<Point, 4>& corners) {
  const auto [top, bottom] =
      std::minmax_element(corners.begin(), corners.end(), [](Point a, Point b) { return a.y < b.y; });
  for (long y = std::max(0L, top->y); y <= std::min(picture.height - 1, bottom->y); ++y) {
    float least = float(picture.width), most = -1;
    for (std::size_t c = 0; c < corners.size(); ++c) {
      const Point a = corners[c], b = corners[(c + 1) % corners.size()];
      if (a.y == b.y || y < std::min(a.y, b.y) || y > std::max(a.y, b.y)) continue;
      const float slope = float(b.x - a.x) / float(b.y - a.y), crossing = float(y - a.y) * slope + float(a.x);
      least = std::min(least, crossing);
      most = std::max(most, crossing);
    }
    for (long x = std::max(0L, half_out(least)); x <= std::min(picture.width - 1, half_in(most)); ++x)
      picture[{y, x}] = kWhite;
  }
}

void draw_wide_line(Bitmap& picture, Point from, Point to, long width) {
  const Point way = to - from;
  const double length = std::hypot(double(way.y), double(way.x)), half = double(width - 1) / 2;
  const auto aside = [&](double part, long along) { return half_in(part / length * double(along)); };
  const double near = double(half_in(half)), far = double(half_out(half));
  const Point one{aside(far, way.x), -aside(near, way.y)}, other{-aside(near, way.x), aside(far, way.y)};
  fill(picture, {from + one, to + one, to + other, from + other});
}

double lanczos(double x) {
  constexpr double kLobes = 3;
  const auto sinc = [](double t) { return t == 0 ? 1.0 : std::sin(std::numbers::pi * t) / (std::numbers::pi * t); };
  return -kLobes <= x && x < kLobes ? sinc(x) * sinc(x / kLobes) : 0.0;
}

constexpr int kFixedBits = 22;  // of a weight's fraction

/// For one output pixel: its first input pixel, and the weights from there on.
struct Window {
  long first = 0;
  std::vector<std::int32_t> weights;
};

std::vector<Window> windows(long from, long to) {
  const double scale = double(from) / double(to), support = 3 * scale;
  std::vector<Window> all(static_cast<std::size_t>(to));
  for (long out = 0; out < to; ++out) {
    const double centre = (double(out) + 0.5) * scale;
    Window& window = all[std::size_t(out)];
    window.first = std::max(0L, long(std::trunc(centre - support + 0.5)));
    const long last = std::min(from, long(std::trunc(centre + support + 0.5)));
    std::vector<double> weights;
    double sum = 0;
    for (long in = window.first; in < last; ++in) {
      weights.push_back(lanczos((double(in) - centre + 0.5) * (1 / scale)));
      sum += weights.back();
    }
    for (const double weight : weights) {
      const double fixed = weight / sum * (1 << kFixedBits);
      window.weights.push_back(std::int32_t(fixed < 0 ? fixed - 0.5 : fixed + 0.5));
    }
  }
  return all;
}

/// Return the transposed picture, with its rows reduced to `width` pixels.
Bitmap reduce_rows_transposed(const Bitmap& picture, long width) {
  const auto all = windows(picture.width, width);
  Bitmap out(width, picture.height);
  for (long y = 0; y < picture.height; ++y)
    for (long x = 0; x < width; ++x) {
      const Window& window = all[std::size_t(x)];
      const std::uint8_t* in = &picture.gray[std::size_t(y * picture.width + window.first)];
      std::int32_t sum = 1 << (kFixedBits - 1);
      for (std::size_t i = 0; i < window.weights.size(); ++i) sum += in[i] * window.weights[i];
      out[{x, y}] = std::uint8_t(std::clamp(sum >> kFixedBits, 0, 255));
    }
  return out;
}

}  // namespace

void draw_line(Bitmap& picture, Point from, Point to, long width) {
  if (width == 1 || from == to) return draw_thin_line(picture, from, to);
  draw_wide_line(picture, from, to, width);
}

std::vector<Point> disk(long radius) {
  std::vector<Point> taps;
  for (long y = -radius; y <= radius; ++y)
    for (long x = -radius; x <= radius; ++x)
      if (y * y + x * x <= radius * radius) taps.push_back({y, x});
  return taps;
}

Bitmap dilate(const Bitmap& picture, const std::vector<Point>& taps) {
  Bitmap out(picture.height, picture.width);
  for (Point p; p.y < picture.height; ++p.y)
    for (p.x = 0; p.x < picture.width; ++p.x)
      if (const std::uint8_t value = picture[p])
        for (const Point tap : taps)
          if (const Point q = p - tap; out.holds(q)) out[q] = std::max(out[q], value);
  return out;
}

Bitmap reduce(const Bitmap& picture, long height, long width) {
  return reduce_rows_transposed(reduce_rows_transposed(picture, width), height);
}

}  // namespace lra::raster
