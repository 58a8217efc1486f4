/// Pathfinder pictures: two dashed curves among shorter ones, two round markers, and the question whether one curve
/// joins them.
///
///   Linsley, Kim, Veerabadran, Windolf, Serre. "Learning Long-Range Spatial Dependencies with Horizontal Gated
///   Recurrent Units." NeurIPS 2018. Written after their generator's behaviour, with the parameters of Long Range Arena
///   (Tay et al., ICLR 2021), so that the pictures have the same distribution.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "datasets/contour.h"
#include "harness/core/random.h"

namespace lra::pathfinder {

/// A difficulty by the name and the folder that it has in LRA.
struct Difficulty {
  std::string name;     // easy, intermediate, hard
  std::string folder;   // of the released files
  long contour_length;  // dashes of a curve
};
const std::vector<Difficulty>& difficulties();
/// Throws a usage error for an unknown name.
const Difficulty& difficulty(const std::string& name);

/// Everything that decides how pictures look, in pixels.
struct Rules {
  long size = 32;                 // height and width
  long padding = 1;               // border that contours keep clear of
  long seed_distance = 7;         // between the starts of the two contours
  double marker_radius = 1.5;     //
  Measures dash;                  // the margin is drawn anew for each picture
  long least_margin = 1;          //
  long most_margin = 1;           //
  double contrast = 2;            // of distractors, markers having 1
  double target_contrast = 0.75;  // of the two contours, as a part of `contrast`
  long contour_length = 14;       // dashes of each of the two contours
  long distractor_length = 4;     // dashes of each distractor
  long distractors = 5;           // tried; those that find no room are left out
};

/// LRA's parameters for pictures of `size` (32, 64, 128 or 256; for others those of the next smaller one of these) and
/// a contour length. For contours of 6 and 9 dashes, of which LRA tells nothing, distractors have the original
/// generator's third of that length, and their number falls in the same proportion as for 14.
Rules lra_rules(long size, long contour_length);

/// A picture and what is known of it.
struct Picture {
  std::vector<std::uint8_t> pixels;  // row by row
  int label = 0;                     // 1: one contour joins the markers
  long margin = 0;
  long distractors = 0;          // placed
  std::array<Point, 2> markers;  // the tail of one contour, the head of one
};

/// Draws pictures by fixed rules. Safe to use from many threads.
class Painter {
 public:
  /// Throws a usage error for rules by which nothing can be drawn.
  explicit Painter(const Rules& rules);

  /// A picture is a function of `draw` alone. Throws a usage error when the contours hardly ever fit.
  Picture paint(Sequence& draw) const;

 private:
  struct Kit {
    DashSet dashes;
    Space empty;
  };
  Rules rules_;
  std::vector<Kit> kits_;  // by margin
};

}  // namespace lra::pathfinder
