#include "datasets/pathfinder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>

#include "core/error.h"
#include "core/names.h"

namespace lra::pathfinder {
namespace {

constexpr int kSeedTries = 3, kDistractorTries = 5, kContourTries = 100000;

/// The search for the dashes of one picture.
class Layout {
 public:
  Layout(const Rules& rules, const DashSet& dashes, const Space& empty, Sequence& draw)
      : rules_(rules), dashes_(dashes), draw_(draw), empty_(empty), space_(empty) {}

  /// Place both contours anew. Returns false when one of them finds no room.
  bool find_contours();
  /// Place one more distractor. Returns false when it finds no room.
  bool find_distractor();
  const Contour& contour(std::size_t which) const { return contours_[which]; }
  const std::vector<Contour>& distractors() const { return distractors_; }

 private:
  const Seed& any_seed() { return dashes_.seeds()[draw_.below(360)]; }
  std::optional<Contour> begin_first();
  std::optional<Contour> begin_second(Point first_tail);
  std::optional<Contour> begin_distractor();

  const Rules& rules_;
  const DashSet& dashes_;
  Sequence& draw_;
  const Space& empty_;
  Space space_;
  std::array<Contour, 2> contours_;
  std::vector<Contour> distractors_;
};

/// The first contour starts in the middle square, where the second can start at its distance in any direction.
std::optional<Contour> Layout::begin_first() {
  const long from = std::max(2 * rules_.seed_distance, rules_.padding), to = rules_.size - from;
  for (int i = 0; i < kSeedTries; ++i) {
    const Seed& seed = any_seed();
    if (!seed.usable) return std::nullopt;
    Point least = seed.taps.front(), most = least;
    for (const Point tap : seed.taps) {
      least = {std::min(least.y, tap.y), std::min(least.x, tap.x)};
      most = {std::max(most.y, tap.y), std::max(most.x, tap.x)};
    }
    const Point corner = Point{from, from} - least, room = Point{to, to} - most - corner;
    if (room.y < 1 || room.x < 1) return std::nullopt;
    const auto drawn = long(draw_.below(std::uint32_t(room.y * room.x)));
    const Point tail = corner + Point{drawn / room.x, drawn % room.x};
    if (auto contour = begin(dashes_, space_, seed, tail)) return contour;
  }
  return std::nullopt;
}

/// As in the original, nothing checks whether the second contour's first dash overlaps the first contour's.
std::optional<Contour> Layout::begin_second(Point first_tail) {
  for (int i = 0; i < kSeedTries; ++i) {
    const Seed& seed = any_seed();
    const double angle = draw_.below(360) * std::numbers::pi / 180, distance = double(rules_.seed_distance);
    const Point tail{std::lrint(double(first_tail.y) + distance * std::sin(angle)),
                     std::lrint(double(first_tail.x) + distance * std::cos(angle))};
    if (auto contour = begin(dashes_, space_, seed, tail)) return contour;
  }
  return std::nullopt;
}

bool Layout::find_contours() {
  auto first = begin_first();
  if (!first) return false;
  auto second = begin_second(first->placed.front().start);
  if (!second) return false;
  contours_ = {std::move(*first), std::move(*second)};
  space_ = empty_;
  for (long i = 1; i < rules_.contour_length; ++i)
    for (Contour& contour : contours_)
      if (!extend(dashes_, space_, draw_, contour)) return false;
  space_.claim(contours_[1].placed.back());  // the original does not claim the first contour's
  return true;
}

std::optional<Contour> Layout::begin_distractor() {
  for (int i = 0; i < kSeedTries; ++i) {
    const Seed& seed = any_seed();
    const auto tail = space_.any_place_for(seed, draw_);
    if (!tail) return std::nullopt;
    if (auto contour = begin(dashes_, space_, seed, *tail)) return contour;
  }
  return std::nullopt;
}

bool Layout::find_distractor() {
  auto contour = begin_distractor();
  if (!contour) return false;
  const Space before = space_;
  for (long i = 1; i < rules_.distractor_length; ++i)
    if (!extend(dashes_, space_, draw_, *contour)) {
      space_ = before;
      return false;
    }
  space_.claim(contour->placed.back());
  distractors_.push_back(std::move(*contour));
  return true;
}

/// Gray values before they are stretched to 0 … 255.
struct Canvas {
  explicit Canvas(long edge) : size(edge), gray(std::size_t(edge * edge)) {}

  void draw(const Contour& contour, double contrast);
  void draw_marker(Point centre, double radius, long antialias);
  std::vector<std::uint8_t> stretched() const;
  void brighten(Point p, float value) {
    float& here = gray[std::size_t(p.y * size + p.x)];
    here = std::max(here, value);
  }

  long size;
  std::vector<float> gray;
};

void Canvas::draw(const Contour& contour, double contrast) {
  for (const Placed& placed : contour.placed)
    for (const Spot& spot : placed.dash->line)
      if (const Point p = placed.start + spot.at; std::min(p.y, p.x) >= 0 && std::max(p.y, p.x) < size)
        brighten(p, float(double(spot.value) / 255 * contrast));
}

/// A filled circle of brightness 1.
void Canvas::draw_marker(Point centre, double radius, long antialias) {
  const long reach = long(std::ceil(radius)) + 4;  // the filter reaches three pixels beyond the circle
  const Point low{std::max(0L, centre.y - reach), std::max(0L, centre.x - reach)};
  const Point high{std::min(size, centre.y + reach + 1), std::min(size, centre.x + reach + 1)};
  const double limit = radius * double(antialias);
  Bitmap large((high.y - low.y) * antialias, (high.x - low.x) * antialias);
  for (Point p; p.y < large.height; ++p.y)
    for (p.x = 0; p.x < large.width; ++p.x) {
      const double y = double(p.y - (centre.y - low.y) * antialias), x = double(p.x - (centre.x - low.x) * antialias);
      if (y * y + x * x <= limit * limit) large[p] = 255;
    }
  const Bitmap small = raster::reduce(large, high.y - low.y, high.x - low.x);
  for (Point p; p.y < small.height; ++p.y)
    for (p.x = 0; p.x < small.width; ++p.x) brighten(low + p, float(small[p]) / 255.0f);
}

std::vector<std::uint8_t> Canvas::stretched() const {
  const auto [low, high] = std::minmax_element(gray.begin(), gray.end());
  const double least = *low, scale = 255 / (double(*high) - least);
  std::vector<std::uint8_t> pixels(gray.size());
  std::transform(gray.begin(), gray.end(), pixels.begin(),
                 [&](float value) { return std::uint8_t(std::floor((value - least) * scale + 0.5)); });
  return pixels;
}

const Rules& checked_rules(const Rules& r) {
  const auto refuse = [](const char* what) { fail_usage("pathfinder: {}", what); };
  if (r.size < 8 || r.size > 512) refuse("pictures have a size of 8 to 512 pixels");
  if (r.padding < 1 || 2 * r.padding >= r.size) refuse("the border must have at least a pixel and leave room inside");
  if (r.seed_distance < 1) refuse("the two contours must start at least a pixel apart");
  if (r.least_margin > r.most_margin) refuse("the least margin is larger than the most");
  if (r.contour_length < 2 || r.contour_length > 1000) refuse("a contour has 2 to 1,000 dashes");
  if (r.distractor_length < 1 || r.distractors < 0 || r.distractors > 1000)
    refuse("there are 0 to 1,000 distractors of at least one dash");
  if (!(r.contrast > 0) || !(r.target_contrast > 0) || !(r.marker_radius >= 0.5) || r.marker_radius > 32)
    refuse("contrasts must be above 0 and markers have a radius of 0.5 to 32");
  return r;
}

}  // namespace

const std::vector<Difficulty>& difficulties() {
  static const std::vector<Difficulty> all{{"easy", "curv_baseline", 6},
                                           {"intermediate", "curv_contour_length_9", 9},
                                           {"hard", "curv_contour_length_14", 14}};
  return all;
}

const Difficulty& difficulty(const std::string& name) {
  std::vector<std::string> names;
  for (const Difficulty& each : difficulties()) {
    if (each.name == name) return each;
    names.push_back(each.name);
  }
  fail_usage("pathfinder: unknown difficulty '{}'{}", name, suggestion(name, names));
}

Rules lra_rules(long size, long contour_length) {
  Rules rules;
  rules.size = size;
  rules.contour_length = contour_length;
  rules.distractor_length = std::max(1L, contour_length / 3);
  long distractor_dashes = 20;
  if (size >= 64) {
    rules.seed_distance = 12;
    rules.marker_radius = 2.5;
    rules.dash = {5, 1, 1, 2, 1.8, false};
    rules.contrast = 0.8;
    rules.target_contrast = 1;
    distractor_dashes = 22;
  }
  if (size >= 128) {
    rules.seed_distance = 20;
    rules.marker_radius = 3;
    rules.dash.thickness = 1.5;
    rules.least_margin = 2;
    rules.most_margin = 3;
    rules.contrast = 0.9;
    distractor_dashes = 35;
  }
  if (size >= 256) {
    rules.padding = 22;
    rules.seed_distance = 27;
    rules.marker_radius = 5;
    rules.dash.thickness = 2;
    rules.least_margin = 3;
    rules.contrast = 1;
    distractor_dashes = 30;
  }
  rules.distractors = distractor_dashes / rules.distractor_length;
  return rules;
}

Painter::Painter(const Rules& rules) : rules_(checked_rules(rules)) {
  for (long margin = rules.least_margin; margin <= rules.most_margin; ++margin) {
    Measures measures = rules.dash;
    measures.margin = margin;
    kits_.push_back({DashSet(measures), Space(rules.size, rules.padding, margin)});
  }
}

Picture Painter::paint(Sequence& draw) const {
  Picture picture;
  picture.label = int(draw.below(2));
  const std::uint32_t chosen = draw.below(std::uint32_t(kits_.size()));
  picture.margin = rules_.least_margin + long(chosen);
  Layout layout(rules_, kits_[chosen].dashes, kits_[chosen].empty, draw);
  for (int tries = 0; !layout.find_contours();)
    if (++tries == kContourTries)
      fail_usage("pathfinder: two contours of {} dashes hardly ever fit into {} by {} pixels; ask for fewer or smaller",
                 rules_.contour_length, rules_.size, rules_.size);
  for (long i = 0; i < rules_.distractors; ++i)
    for (int tries = 0; tries < kDistractorTries && !layout.find_distractor();) ++tries;
  picture.distractors = long(layout.distractors().size());

  const std::size_t origin = draw.below(2), target = picture.label ? origin : 1 - origin;
  picture.markers = {layout.contour(origin).placed.front().start, layout.contour(target).tip};
  Canvas canvas(rules_.size);
  for (std::size_t which : {0, 1}) canvas.draw(layout.contour(which), rules_.contrast * rules_.target_contrast);
  for (const Contour& distractor : layout.distractors()) canvas.draw(distractor, rules_.contrast);
  for (const Point marker : picture.markers) canvas.draw_marker(marker, rules_.marker_radius, rules_.dash.antialias);
  picture.pixels = canvas.stretched();
  return picture;
}

}  // namespace lra::pathfinder
