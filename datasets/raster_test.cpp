#include "datasets/raster.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace lra::raster {
namespace {

/// Return the rows of a picture as text: # for every pixel that is not black.
std::vector<std::string> rows_of(const Bitmap& picture) {
  std::vector<std::string> rows(std::size_t(picture.height));
  for (long y = 0; y < picture.height; ++y)
    for (long x = 0; x < picture.width; ++x) rows[std::size_t(y)] += picture[{y, x}] ? '#' : '.';
  return rows;
}

// Source: Bresenham 1965, calculated by hand; the error starts at 2·2 − 5.
TEST(DrawLine, ThinLines) {
  Bitmap flat(3, 6), steep(4, 3), point(1, 1);
  draw_line(flat, {0, 0}, {2, 5}, 1);
  EXPECT_EQ(rows_of(flat), (std::vector<std::string>{"##....", "..##..", "....##"}));
  draw_line(steep, {3, 2}, {0, 1}, 1);
  EXPECT_EQ(rows_of(steep), (std::vector<std::string>{".#.", ".#.", "..#", "..#"}));
  draw_line(point, {0, 0}, {0, 0}, 1);
  EXPECT_EQ(rows_of(point), (std::vector<std::string>{"#"}));
}

// Source: Pillow's corners, calculated by hand. For width 2 half is 0.5, so one side moves by 1 and the other by 0; for
// width 3 both move by 1.
TEST(DrawLine, WideLines) {
  Bitmap two(4, 5), three(5, 5), upright(4, 4);
  draw_line(two, {1, 1}, {1, 3}, 2);
  EXPECT_EQ(rows_of(two), (std::vector<std::string>{".....", ".###.", ".###.", "....."}));
  draw_line(three, {2, 1}, {2, 3}, 3);
  EXPECT_EQ(rows_of(three), (std::vector<std::string>{".....", ".###.", ".###.", ".###.", "....."}));
  draw_line(upright, {0, 1}, {3, 1}, 2);
  EXPECT_EQ(rows_of(upright), (std::vector<std::string>{".##.", ".##.", ".##.", ".##."}));
}

TEST(DrawLine, IsCutOffAtTheEdge) {
  Bitmap picture(2, 2);
  draw_line(picture, {0, -3}, {0, 9}, 1);
  draw_line(picture, {1, -3}, {1, 9}, 3);
  EXPECT_EQ(rows_of(picture), (std::vector<std::string>{"##", "##"}));
}

TEST(Dilate, WithADisk) {
  EXPECT_EQ(disk(1).size(), 5u);
  EXPECT_EQ(disk(2).size(), 13u);
  Bitmap picture(4, 5);
  picture[{1, 1}] = 9;
  picture[{1, 2}] = 200;
  const Bitmap wide = dilate(picture, disk(1));
  EXPECT_EQ(rows_of(wide), (std::vector<std::string>{".##..", "####.", ".##..", "....."}));
  EXPECT_EQ((wide[{1, 1}]), 200);
  EXPECT_EQ((wide[{0, 1}]), 9);
  // A tap is the offset of the pixel that is read: with a tap one row down, the picture moves up.
  EXPECT_EQ(rows_of(dilate(picture, {{1, 0}})), (std::vector<std::string>{".##..", ".....", ".....", "....."}));
}

TEST(Reduce, LeavesAnEvenGray) {
  Bitmap picture(33, 17);
  std::fill(picture.gray.begin(), picture.gray.end(), std::uint8_t{100});
  const Bitmap small = reduce(picture, 17, 9);
  EXPECT_EQ(small.height, 17);
  EXPECT_EQ(small.width, 9);
  EXPECT_TRUE(std::all_of(small.gray.begin(), small.gray.end(), [](int gray) { return gray == 100; }));
}

// Source: a marker of radius 3 in sample_0.png, a picture of 128 by 128 by the original generator (at row 65, column
// 57; the part that no dash touches). Pillow drew it twice as large and reduced it.
TEST(Reduce, AMarkerOfTheOriginal) {
  const int expected[11][8] = {{0, 0, 0, 0, 3, 4, 1, 5},
                               {0, 0, 0, 2, 0, 0, 0, 0},
                               {0, 0, 2, 0, 68, 144, 177, 121},
                               {0, 3, 0, 66, 252, 255, 255, 255},
                               {0, 5, 2, 152, 255, 246, 251, 250},
                               {0, 3, 6, 177, 252, 251, 254, 252},
                               {0, 5, 0, 114, 255, 253, 253, 255},
                               {0, 1, 2, 15, 178, 246, 254, 235},
                               {0, 0, 1, 0, 0, 29, 65, 12},
                               {0, 0, 0, 1, 0, 0, 0, 0},
                               {0, 0, 0, 0, 0, 1, 3, 1}};
  Bitmap large(40, 40);
  for (const Point offset : disk(6)) large[Point{20, 20} + offset] = 255;
  const Bitmap small = reduce(large, 20, 20);
  for (long y = 0; y < 11; ++y)
    for (long x = 0; x < 8; ++x) EXPECT_EQ(int(small[{y + 5, x + 4}]), expected[y][x]) << y << " " << x;
}

}  // namespace
}  // namespace lra::raster
