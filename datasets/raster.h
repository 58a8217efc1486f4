/// Small gray pictures drawn, widened and reduced as Pillow and OpenCV do it, to the same bytes.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

namespace lra::raster {

/// A place, or the way from one to another. Rows run down.
struct Point {
  long y = 0, x = 0;
  friend auto operator<=>(const Point&, const Point&) = default;
  friend Point operator+(Point a, Point b) { return {a.y + b.y, a.x + b.x}; }
  friend Point operator-(Point a, Point b) { return {a.y - b.y, a.x - b.x}; }
};

/// Gray values row by row, black at first.
struct Bitmap {
  long height = 0, width = 0;
  std::vector<std::uint8_t> gray;

  Bitmap() = default;
  Bitmap(long h, long w) : height(h), width(w), gray(std::size_t(h * w)) {}
  bool holds(Point p) const { return p.y >= 0 && p.y < height && p.x >= 0 && p.x < width; }
  std::uint8_t& operator[](Point p) { return gray[std::size_t(p.y * width + p.x)]; }
  std::uint8_t operator[](Point p) const { return gray[std::size_t(p.y * width + p.x)]; }
};

/// A white line from `from` to `to`, ends included: Bresenham's for a width of 1, otherwise the filled quadrilateral
/// that Pillow's ImageDraw makes of it. What lies outside is cut off. Requires width ≥ 1.
void draw_line(Bitmap& picture, Point from, Point to, long width);

/// The places (dy, dx) with dy² + dx² ≤ radius², row by row.
std::vector<Point> disk(long radius);

/// Each pixel becomes the largest of those at `taps` from it; what lies outside does not count.
Bitmap dilate(const Bitmap& picture, const std::vector<Point>& taps);

/// The picture at another, smaller size by Lanczos' filter with three lobes: columns first, then rows, each rounded to
/// eight bits.
Bitmap reduce(const Bitmap& picture, long height, long width);

}  // namespace lra::raster
