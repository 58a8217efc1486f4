/// The contours of a Pathfinder picture, placed dash by dash.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/random.h"
#include "datasets/dashes.h"

namespace lra::pathfinder {

/// A dash and its position.
struct Placed {
  const Dash* dash = nullptr;
  Point start;
};

/// The share of each pixel that dashes have claimed, from 0 to 255.
class Space {
 public:
  /// All pixels are free except the outermost `border` pixels on each side. Requires border ≥ 1; `margin` is that of
  /// the dashes.
  Space(long size, long border, long margin);

  void claim(const Placed& placed);
  /// Whether this dash overlaps other claims too much, at any pixel, to be drawn.
  bool collides(const Placed& placed) const;
  /// Return the free share, 0 … 1, of the most claimed pixel within the margin of `p`.
  double room_near(Point p) const { return 1 - surroundings_[p] / 255.0; }
  /// Return a uniformly random place where `seed` may start, at least one pixel from the edges. Nothing when there is
  /// none, or when the seed is not usable.
  std::optional<Point> any_place_for(const Seed& seed, Sequence& draw) const;
  bool holds(Point p) const { return claimed_.holds(p); }

 private:
  Bitmap claimed_, surroundings_;
};

/// A contour that grows at its end. The space of its last dash is claimed when the next one is placed; the caller that
/// completes the contour claims that of the final dash.
struct Contour {
  Point pivot;  // where the space before the last dash ends
  Point tip;    // the far end of the last dash
  std::vector<Placed> placed;
};

/// Return a contour of one dash that starts at `tail`; nothing when the dash leaves the picture.
std::optional<Contour> begin(const DashSet& dashes, const Space& space, const Seed& seed, Point tail);

/// Add a dash. Returns false when there is no room; the contour has then failed.
bool extend(const DashSet& dashes, Space& space, Sequence& draw, Contour& contour);

}  // namespace lra::pathfinder
