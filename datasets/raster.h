/// Drawing, dilation and reduction of small gray pictures, byte for byte as in Pillow and OpenCV.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

namespace lra::raster {

/// A position or an offset; y grows downwards.
struct Point {
  long y = 0, x = 0;
  friend auto operator<=>(const Point&, const Point&) = default;
  friend Point operator+(Point a, Point b) { return {a.y + b.y, a.x + b.x}; }
  friend Point operator-(Point a, Point b) { return {a.y - b.y, a.x - b.x}; }
};

/// Gray values in row-major order, initially black.
struct Bitmap {
  long height = 0, width = 0;
  std::vector<std::uint8_t> gray;

  Bitmap() = default;
  Bitmap(long h, long w) : height(h), width(w), gray(std::size_t(h * w)) {}
  bool holds(Point p) const { return p.y >= 0 && p.y < height && p.x >= 0 && p.x < width; }
  std::uint8_t& operator[](Point p) { return gray[std::size_t(p.y * width + p.x)]; }
  std::uint8_t operator[](Point p) const { return gray[std::size_t(p.y * width + p.x)]; }
};

/// Draw a white line from `from` to `to`, ends included: Bresenham's for a width of 1, otherwise the filled
/// quadrilateral of Pillow's ImageDraw. The line is clipped to the picture. Requires width ≥ 1.
void draw_line(Bitmap& picture, Point from, Point to, long width);

/// Return the offsets (dy, dx) with dy² + dx² ≤ radius², row by row.
std::vector<Point> disk(long radius);

/// Return the dilation: each pixel becomes the maximum of the pixels at offsets `taps`, ignoring those outside.
Bitmap dilate(const Bitmap& picture, const std::vector<Point>& taps);

/// Return the picture reduced to a smaller size by the Lanczos filter with three lobes: columns first, then rows, each
/// rounded to eight bits.
Bitmap reduce(const Bitmap& picture, long height, long width);

}  // namespace lra::raster
