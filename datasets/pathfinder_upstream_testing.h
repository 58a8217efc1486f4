/// For tests: figures of pictures that the original Pathfinder generator made (github.com/drewlinsley/pathfinder,
/// ab9c130, LRA's parameters for contours of 14 dashes, SciPy's old scaling of pictures), 600 of 32 by 32 pixels and
/// 120 of 128 by 128. pathfinder_test.cpp defines the figures, and checks them where the pictures are available.
#pragma once

#include <map>
#include <string>

namespace lra::pathfinder {

/// The mean and standard deviation of a figure over pictures.
struct Figure {
  double mean = 0, deviation = 0;
};

struct UpstreamFigures {
  long pictures = 0;
  std::string grays;  // 256 characters: x for a gray value that occurs, a dot for one that does not
  std::map<std::string, Figure> figures;
};

/// Return the figures for pictures of this height and width. Requires size 32 or 128.
const UpstreamFigures& upstream_figures(long size);

}  // namespace lra::pathfinder
