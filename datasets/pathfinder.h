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

#include "core/random.h"
#include "datasets/contour.h"

namespace lra::pathfinder {

/// A difficulty, with its name and folder in LRA.
struct Difficulty {
  std::string name;     // easy, intermediate, hard
  std::string folder;   // of the released files
  long contour_length;  // dashes of a curve
};
const std::vector<Difficulty>& difficulties();
/// Throws a usage error for an unknown name.
const Difficulty& difficulty(const std::string& name);

/// All parameters of the pictures; lengths are in pixels.
struct Rules {
  long size = 32;                 // height and width
  long padding = 1;               // border that contours avoid
  long seed_distance = 7;         // between the starts of the two contours
  double marker_radius = 1.5;     // of both markers
  Measures dash;                  // the margin is drawn for each picture
  long least_margin = 1;          // smallest margin drawn
  long most_margin = 1;           // largest margin drawn
  double contrast = 2;            // brightness of distractors; markers have 1
  double target_contrast = 0.75;  // brightness of the two contours, as a fraction of `contrast`
  long contour_length = 14;       // dashes of each of the two contours
  long distractor_length = 4;     // dashes of each distractor
  long distractors = 5;           // attempted; those without room are left out
};

/// Return LRA's parameters for pictures of `size` (32, 64, 128 or 256; for others those of the next smaller one of
/// these) and a contour length. For contours of 6 and 9 dashes, which LRA does not document, distractors have a third
/// of that length, as in the original generator, and their number falls in the same proportion as for 14.
Rules lra_rules(long size, long contour_length);

/// A picture with its label and its geometry.
struct Picture {
  std::vector<std::uint8_t> pixels;  // row by row
  int label = 0;                     // 1: one contour joins the markers
  long margin = 0;
  long distractors = 0;          // placed
  std::array<Point, 2> markers;  // the tail of one contour and the head of one
};

/// Draws pictures with fixed parameters. Thread-safe.
class Painter {
 public:
  /// Throws a usage error for parameters with which nothing can be drawn.
  explicit Painter(const Rules& rules);

  /// Return a picture, which is a function of `draw` alone. Throws a usage error when the contours almost never fit.
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
