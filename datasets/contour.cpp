#include "datasets/contour.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <tuple>

namespace lra::pathfinder {
namespace {

constexpr int kStillFree = 76;  // 0.3 of a claim

/// Raises each pixel under the strips to at least their brightness.
void raise(Bitmap& picture, const std::vector<Strip>& strips, Point start) {
  for (const Strip& strip : strips) {
    const Point p = start + strip.at;
    constexpr long kWidth = long(std::tuple_size_v<decltype(strip.values)>);
    if (p.y < 0 || p.y >= picture.height) continue;
    if (p.x >= 0 && p.x + kWidth <= picture.width) {
      auto* const here = &picture[p];
      auto values = strip.values;
      std::memcpy(values.data(), here, values.size());  // a copy without aliasing, so that the compiler can vectorise
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::max(values[i], strip.values[i]);
      std::memcpy(here, values.data(), values.size());
    } else {
      for (long x = std::max(0L, -p.x); x < std::min(kWidth, picture.width - p.x); ++x)
        picture[{p.y, p.x + x}] = std::max(picture[{p.y, p.x + x}], strip.values[std::size_t(x)]);
    }
  }
}

/// Return the bits of the last word of a row that belong to the picture.
std::uint64_t last_mask(long size) { return size % 64 ? ~std::uint64_t{0} >> (64 - size % 64) : ~std::uint64_t{0}; }

/// A square of bits, 64 per word, so that a row is shifted word by word.
class BitRows {
 public:
  explicit BitRows(long size) : size_(size), words_((size + 63) / 64 + 2), bits_(std::size_t(size * words_)) {}

  void put(Point p, bool value) { bits_[place(p)] |= std::uint64_t{value} << (p.x % 64); }
  bool has(Point p) const { return bits_[place(p)] >> (p.x % 64) & 1; }
  /// Set every bit whose neighbour at `offset` is set in `other`. Requires |offset.x| < 64.
  void add(const BitRows& other, Point offset) {
    const auto moved = [shift = offset.x](const std::uint64_t* from) {
      if (shift == 0) return *from;
      return shift > 0 ? *from >> shift | from[1] << (64 - shift) : *from << -shift | from[-1] >> (64 + shift);
    };
    for (long y = std::max(0L, -offset.y); y < std::min(size_, size_ - offset.y); ++y)
      for (long w = 1; w < words_ - 1; ++w)
        bits_[std::size_t(y * words_ + w)] |= moved(&other.bits_[std::size_t((y + offset.y) * words_ + w)]);
  }
  long clear_in_row(long y) const {
    const std::uint64_t* const row = &bits_[std::size_t(y * words_ + 1)];
    long set = std::popcount(row[words_ - 3] & last_mask(size_));
    for (long w = 0; w < words_ - 3; ++w) set += std::popcount(row[w]);
    return size_ - set;
  }

 private:
  std::size_t place(Point p) const { return std::size_t(p.y * words_ + 1 + p.x / 64); }

  long size_, words_;  // with a spare word on both sides of each row
  std::vector<std::uint64_t> bits_;
};

}  // namespace

Space::Space(long size, long border, long margin) : claimed_(size, size) {
  for (Point p; p.y < size; ++p.y)
    for (p.x = 0; p.x < size; ++p.x)
      if (std::min({p.y, p.x, size - 1 - p.y, size - 1 - p.x}) < border) claimed_[p] = 255;
  surroundings_ = raster::dilate(claimed_, raster::disk(margin));
}

void Space::claim(const Placed& placed) {
  raise(claimed_, placed.dash->space, placed.start);
  raise(surroundings_, placed.dash->surroundings,
        placed.start);  // clipping at the edge loses nothing: the border is claimed
}

bool Space::collides(const Placed& placed) const {
  return std::any_of(placed.dash->core.begin(), placed.dash->core.end(), [&](const Spot& spot) {
    const Point p = placed.start + spot.at;
    return claimed_.holds(p) && claimed_[p] + spot.value >= kTooMuch;
  });
}

std::optional<Point> Space::any_place_for(const Seed& seed, Sequence& draw) const {
  if (!seed.usable) return std::nullopt;
  const long size = claimed_.height;
  BitRows taken(size), blocked(size);
  for (Point p; p.y < size; ++p.y)
    for (p.x = 0; p.x < size; ++p.x)
      taken.put(p, claimed_[p] > kStillFree || p.y == 0 || p.x == 0 || p.y == size - 1 || p.x == size - 1);
  for (const Point tap : seed.taps) blocked.add(taken, tap);
  long free = 0;
  for (long y = 0; y < size; ++y) free += blocked.clear_in_row(y);
  if (free == 0) return std::nullopt;
  long before = draw.below(std::uint32_t(free));
  Point p;
  for (; before >= blocked.clear_in_row(p.y); ++p.y) before -= blocked.clear_in_row(p.y);
  for (; blocked.has(p) || before-- > 0; ++p.x) {
  }
  return p;
}

std::optional<Contour> begin(const DashSet& dashes, const Space& space, const Seed& seed, Point tail) {
  const Measures& m = dashes.measures();
  const Point head = translate(tail, seed.dash.angle, double(m.length), m);
  const Point pivot = translate(head, opposite(seed.dash.angle), double(m.length + m.margin), m);
  if (!space.holds(head) || !space.holds(pivot)) return std::nullopt;
  return Contour{pivot, head, {{&seed.dash, tail}}};
}

bool extend(const DashSet& dashes, Space& space, Sequence& draw, Contour& contour) {
  constexpr int kTries = 3;
  constexpr double kNoRoom = 1e-4;
  const Measures& m = dashes.measures();
  const Placed last = contour.placed.back();
  const Point pivot = translate(contour.pivot, last.dash->angle, double(m.length + 2 * m.margin), m);
  struct Candidate {
    double sum;  // sum of the weights up to and including this one
    const Step* step;
  };
  const auto& choices = dashes.after(*last.dash);
  std::vector<Candidate> candidates;
  candidates.reserve(choices.size());
  double sum = 0;
  for (const auto& [step, weight] : choices)
    if (const Point end = pivot + step->offset; space.holds(end)) {
      sum += space.room_near(end) * weight;
      candidates.push_back({sum, step});
    }
  if (sum < kNoRoom) return false;
  for (int i = 0; i < kTries; ++i) {
    const double drawn = draw.uniform() * sum;
    const auto chosen = std::find_if(candidates.begin(), candidates.end() - 1,
                                     [drawn](const Candidate& candidate) { return candidate.sum > drawn; });
    const Placed next{&chosen->step->dash, pivot + chosen->step->offset};
    if (space.collides(next)) continue;
    space.claim(last);
    contour.pivot = pivot;
    contour.tip = next.start;
    contour.placed.push_back(next);
    return true;
  }
  return false;
}

}  // namespace lra::pathfinder
