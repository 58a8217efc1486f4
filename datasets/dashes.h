/// The dashes that Pathfinder's curves are made of: every one that can occur for given measures, drawn once.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "datasets/raster.h"

namespace lra::pathfinder {

using raster::Bitmap;
using raster::Point;

/// The angle, −π … π, of the other direction.
double opposite(double angle);

/// What all dashes of a picture have in common, in pixels.
struct Measures {
  long length = 2;
  double thickness = 0.5;
  long margin = 1;        // space that a dash claims around itself
  long antialias = 2;     // dashes are drawn so many times larger and reduced
  double continuity = 1;  // how much a turn counts against the next dash: larger gives straighter contours
  bool unbiased = false;  // all directions alike, see DashSet
};

/// The pixel `distance` from `from` in the direction `angle` (radians; 0 right, π/2 down).
Point translate(Point from, double angle, double distance, const Measures& measures);

/// A pixel that is not black, seen from where a dash starts.
struct Spot {
  Point at;
  std::uint8_t value = 0;
};

/// Sixteen neighbouring pixels of a row, so that a vector instruction takes them all. Seen from where a dash starts.
struct Strip {
  Point at;
  std::array<std::uint8_t, 16> values{};
};

constexpr int kTooMuch =
    459;  // 1.8 of two claims of 255: no dash may be drawn where its claim and another's add to this

struct Dash {
  std::size_t number = 0;  // among the dashes of a DashSet
  double angle = 0;        // the direction in which its contour runs on
  std::vector<Spot> line;
  std::vector<Strip> space;         // what it claims
  std::vector<Spot> core;           // the part of its space that can add up to kTooMuch
  std::vector<Strip> surroundings;  // its space widened by the margin: no dash should end here
};

/// A dash that a contour may begin with.
struct Seed {
  Dash dash;
  /// Where the dash may start: all of these from there must be free.
  std::vector<Point> taps;
  /// Whether the original generator ever finds a place for it (see DashSet).
  bool usable = true;
};

/// A dash that a contour may go on with. Its end lies about length + margin from where the space of the dash before it
/// ends, and it is drawn backwards from there.
struct Step {
  Point offset;  // from there to the end
  Dash dash;
};

/// The dashes for one set of measures. Two habits of the original generator, kept unless `unbiased`, make the upper
/// left of its pictures brighter than the lower right.
///
/// It rounds the places where spaces end up and those where dashes end down, and so turns its contours. And it asks
/// OpenCV where a first dash fits, with a kernel that lies one pixel too far down and right and is cut off there. Where
/// the cut kernel has no tap left that reaches into the picture from one of its corners, the answer is "nowhere". With
/// a margin of 1 that happens to most directions, so that first dashes point up and left.
class DashSet {
 public:
  /// Throws a usage error for measures that cannot be drawn.
  explicit DashSet(const Measures& measures);

  const Measures& measures() const { return measures_; }
  /// One a whole degree: element d has the angle d − 180.
  const std::vector<Seed>& seeds() const { return seeds_; }

  struct Choice {
    const Step* step;
    double weight;  // squared cosine of the turn, above 0
  };
  /// What can follow a dash, ordered by where it ends, row by row.
  const std::vector<Choice>& after(const Dash& dash) const { return after_[dash.number]; }

 private:
  std::vector<Choice> choices_after(const Dash& dash) const;

  Measures measures_;
  std::vector<Seed> seeds_;
  std::vector<Step> steps_;
  std::vector<std::vector<Choice>> after_;
};

}  // namespace lra::pathfinder
