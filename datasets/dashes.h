/// The dashes of Pathfinder's curves: every dash that can occur for given measures, drawn once.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "datasets/raster.h"

namespace lra::pathfinder {

using raster::Bitmap;
using raster::Point;

/// Return the angle, −π … π, of the opposite direction.
double opposite(double angle);

/// The measures that all dashes of a picture share, in pixels.
struct Measures {
  long length = 2;
  double thickness = 0.5;
  long margin = 1;        // space that a dash claims around itself
  long antialias = 2;     // dashes are drawn so many times larger and reduced
  double continuity = 1;  // penalty on turns: a larger value yields straighter contours
  bool unbiased = false;  // all directions equally likely, see DashSet
};

/// Return the pixel at `distance` from `from` in the direction `angle` (radians; 0 right, π/2 down).
Point translate(Point from, double angle, double distance, const Measures& measures);

/// A pixel that is not black, relative to the start of a dash.
struct Spot {
  Point at;
  std::uint8_t value = 0;
};

/// Sixteen adjacent pixels of a row, for one vector instruction, relative to the start of a dash.
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

/// The first dash of a contour.
struct Seed {
  Dash dash;
  /// The offsets from the start that must all be free.
  std::vector<Point> taps;
  /// Whether the original generator ever finds a place for it (see DashSet).
  bool usable = true;
};

/// A dash that continues a contour. Its end lies about length + margin from the end of the previous dash's space, and
/// it is drawn backwards from there.
struct Step {
  Point offset;  // from there to the end
  Dash dash;
};

/// The dashes for one set of measures. Two biases of the original generator, kept unless `unbiased`, make the upper
/// left of its pictures brighter than the lower right.
///
/// First, it rounds the ends of spaces up and the ends of dashes down, which turns its contours. Second, it finds room
/// for a first dash with an OpenCV kernel that is shifted one pixel down and right and cut off there. When the cut
/// kernel has no tap left that reaches into the picture from one of its corners, it finds no room at all. With a margin
/// of 1 that happens in most directions, so that first dashes point up and left.
class DashSet {
 public:
  /// Throws a usage error for measures that cannot be drawn.
  explicit DashSet(const Measures& measures);

  const Measures& measures() const { return measures_; }
  /// One seed per whole degree: element d has the angle d − 180.
  const std::vector<Seed>& seeds() const { return seeds_; }

  struct Choice {
    const Step* step;
    double weight;  // squared cosine of the turn, above 0
  };
  /// Return the dashes that can follow a dash, ordered by their ends, row by row.
  const std::vector<Choice>& after(const Dash& dash) const { return after_[dash.number]; }

 private:
  std::vector<Choice> choices_after(const Dash& dash) const;

  Measures measures_;
  std::vector<Seed> seeds_;
  std::vector<Step> steps_;
  std::vector<std::vector<Choice>> after_;
};

}  // namespace lra::pathfinder
