/// A Pathfinder picture while it grows, dash by dash.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "datasets/dashes.h"
#include "harness/core/random.h"

namespace lra::pathfinder {

/// A dash at its place.
struct Placed {
  const Dash* dash = nullptr;
  Point start;
};

/// How much of each pixel the dashes have claimed, 255 being all of it.
class Space {
 public:
  /// Free but for the outermost `border` pixels on each side. Requires border ≥ 1; `margin` is the dashes'.
  Space(long size, long border, long margin);

  void claim(const Placed& placed);
  /// Whether a pixel would be claimed so much by this dash and by others that it may not be drawn.
  bool collides(const Placed& placed) const;
  /// The free part, 0 … 1, of the pixel within the margin of `p` that is claimed most.
  double room_near(Point p) const { return 1 - surroundings_[p] / 255.0; }
  /// Where `seed` may start, each such place as likely; they leave one pixel to the edges. Nothing where there is none,
  /// and for a seed that is not usable.
  std::optional<Point> any_place_for(const Seed& seed, Sequence& draw) const;
  bool holds(Point p) const { return claimed_.holds(p); }

 private:
  Bitmap claimed_, surroundings_;
};

/// A contour, growing at its end. The space of its last dash is claimed only when the next one is placed, or by whoever
/// completes the contour.
struct Contour {
  Point pivot;  // where the space before the last dash ends
  Point tip;    // the far end of the last dash
  std::vector<Placed> placed;
};

/// A contour of one dash that starts at `tail`; nothing when it leaves the picture.
std::optional<Contour> begin(const DashSet& dashes, const Space& space, const Seed& seed, Point tail);

/// Adds a dash. False when there is no room: then the contour has failed.
bool extend(const DashSet& dashes, Space& space, Sequence& draw, Contour& contour);

}  // namespace lra::pathfinder
