#include "datasets/dashes.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include "core/error.h"

namespace lra::pathfinder {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kDegree = kPi / 180;

/// Return the pixels with a value of at least `least`, relative to the centre of the picture.
std::vector<Spot> spots_of(const Bitmap& picture, int least) {
  const Point middle{picture.height / 2, picture.width / 2};
  std::vector<Spot> spots;
  for (Point p; p.y < picture.height; ++p.y)
    for (p.x = 0; p.x < picture.width; ++p.x)
      if (picture[p] >= least) spots.push_back({p - middle, picture[p]});
  return spots;
}

std::vector<Strip> strips_of(const Bitmap& picture) {
  std::vector<Strip> strips;
  for (const Spot& spot : spots_of(picture, 1)) {
    const long last_x = strips.empty() || strips.back().at.y != spot.at.y ? spot.at.x - 16 : strips.back().at.x;
    if (spot.at.x - last_x >= 16) strips.push_back({spot.at, {}});
    strips.back().values[std::size_t(spot.at.x - strips.back().at.x)] = spot.value;
  }
  return strips;
}

Dash draw_dash(const Measures& m, std::size_t number, double angle, double drawn_along) {
  const long reach = m.length + long(std::ceil(m.thickness)) + m.margin;
  const long small = 2 * reach + 1, large = 2 * reach * m.antialias + 1;
  const Point middle{large / 2, large / 2};
  Bitmap line(large, large);
  raster::draw_line(line, middle, translate(middle, drawn_along, double(m.length * m.antialias), m),
                    std::lround(m.thickness * double(m.antialias)));
  const Bitmap space = raster::reduce(raster::dilate(line, raster::disk(m.margin * m.antialias)), small, small);
  Bitmap wider(small + 2 * m.margin, small + 2 * m.margin);
  for (Point p; p.y < small; ++p.y)
    for (p.x = 0; p.x < small; ++p.x) wider[p + Point{m.margin, m.margin}] = space[p];
  return {number,
          angle,
          spots_of(raster::reduce(line, small, small), 1),
          strips_of(space),
          spots_of(space, kTooMuch - 255),
          strips_of(raster::dilate(wider, raster::disk(m.margin)))};
}

/// Return the offsets that a dash is certain to claim.
std::vector<Point> claimed(const Dash& dash) {
  std::vector<Point> places;
  for (const Spot& spot : dash.core)
    if (spot.value == 255) places.push_back(spot.at);
  return places;
}

/// Return the offsets in the original's kernel, which is shifted one pixel down and right and cut off at `limit`.
std::vector<Point> shifted(const std::vector<Point>& places, long limit) {
  std::vector<Point> kept;
  for (const Point place : places) {
    const Point tap = place + Point{1, 1};
    if (std::max(std::abs(tap.y), std::abs(tap.x)) <= limit) kept.push_back(tap);
  }
  return kept;
}

/// Whether a tap reaches into the picture from each of its four corners.
bool reaches_from_corners(const std::vector<Point>& taps) {
  const auto any = [&taps](long down, long right) {
    return std::any_of(taps.begin(), taps.end(), [=](Point t) { return t.y * down >= 0 && t.x * right >= 0; });
  };
  return any(1, 1) && any(1, -1) && any(-1, 1) && any(-1, -1);
}

/// Return points about one pixel apart on a circle, rounded to pixels, without repetitions and row by row.
std::vector<Point> circle(const Measures& m) {
  const auto radius = double(m.length + m.margin), half = m.unbiased ? 0.5 : 0.0;
  constexpr double kFar = 1024;  // like a picture's coordinates, it absorbs rounding errors of sine and cosine
  const double pixel = 360 / (2 * radius * kPi);
  std::vector<Point> places;
  for (double degree = 0; degree < 360; degree += pixel)
    places.push_back({long(kFar + half + radius * std::sin(degree * kDegree)) - long(kFar),
                      long(kFar + half + radius * std::cos(degree * kDegree)) - long(kFar)});
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

const Measures& checked_measures(const Measures& m) {
  const double fine = m.thickness * double(m.antialias);
  if (m.length < 1 || m.length > 32 || m.margin < 1 || m.margin > 8 || m.antialias < 1 || m.antialias > 8 ||
      !(m.thickness > 0) || m.thickness > 8 || !(m.continuity >= 0))
    fail_usage(
        "pathfinder: dashes have a length of 1 to 32, a thickness of up to 8, a margin of 1 to 8 and are drawn 1 to 8 "
        "times larger; continuity is not negative");
  if (fine != std::round(fine))
    fail_usage("pathfinder: a dash of thickness {} drawn {} times larger is no whole number of pixels thick",
               m.thickness, m.antialias);
  return m;
}

}  // namespace

double opposite(double angle) { return angle < 0 ? angle + kPi : angle - kPi; }

Point translate(Point from, double angle, double distance, const Measures& measures) {
  const auto round = [&](double place) { return measures.unbiased ? std::lround(place) : long(std::ceil(place)); };
  return {round(double(from.y) + distance * std::sin(angle)), round(double(from.x) + distance * std::cos(angle))};
}

DashSet::DashSet(const Measures& measures) : measures_(checked_measures(measures)) {
  std::size_t number = 0;
  for (int degree = -180; degree < 180; ++degree) {
    Seed seed;
    seed.dash = draw_dash(measures, number++, degree * kDegree, degree * kDegree);
    seed.taps = claimed(seed.dash);
    if (!measures.unbiased) {
      seed.taps = shifted(seed.taps, measures.length + measures.margin);
      seed.usable = reaches_from_corners(seed.taps);
    }
    seed.usable = seed.usable && !seed.taps.empty();
    seeds_.push_back(std::move(seed));
  }
  for (const Point offset : circle(measures)) {
    const double angle = std::atan2(double(offset.y), double(offset.x));
    steps_.push_back({offset, draw_dash(measures, number++, angle, opposite(angle))});
  }
  for (const Seed& seed : seeds_) after_.push_back(choices_after(seed.dash));
  for (const Step& each : steps_) after_.push_back(choices_after(each.dash));
}

std::vector<DashSet::Choice> DashSet::choices_after(const Dash& dash) const {
  std::vector<Choice> choices;
  for (const Step& step : steps_) {
    const double apart = std::abs(step.dash.angle - dash.angle);
    const double turn = std::min(apart, 2 * kPi - apart) * measures_.continuity;
    if (turn < kPi / 2) choices.push_back({&step, std::cos(turn) * std::cos(turn)});
  }
  return choices;
}

}  // namespace lra::pathfinder
