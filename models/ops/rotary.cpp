/// Rotary positions. Su, Lu, Pan, Murtadha, Wen, Liu. "RoFormer." arXiv:2104.09864, §3.2.
#include <algorithm>
#include <cmath>
#include <vector>

#include "models/ops/detail/input_checks.h"
#include "models/ops/ops.h"
#include "models/ops/step_states.h"

namespace lra::inline LRA_ENGINE {
namespace {

struct Turn {
  double cosine, sine;
  Turn then(const Turn& next) const {
    return {cosine * next.cosine - sine * next.sine, sine * next.cosine + cosine * next.sine};
  }
};

Turn turn_by(double angle) { return {std::cos(angle), std::sin(angle)}; }

/// Turns the pairs of every token in place, backwards if `inverse`.
void turn_pairs(Tensor& x, long head_count, const SequenceLayout& layout, bool inverse) {
  const long columns = x.dim(1), width = columns / head_count;
  std::vector<double> angles;
  std::vector<Turn> steps;
  for (long c = 0; c + 1 < width; c += 2) {
    const double angle = std::pow(10000.0, -double(c) / double(width));
    angles.push_back(inverse ? -angle : angle);
    steps.push_back(turn_by(angles.back()));
  }
  for (long s = 0; s < layout.count(); ++s) {
    // One turn per token costs much less than a cosine and a sine; the error grows by one rounding per token.
    std::vector<Turn> turns;
    for (const double angle : angles) turns.push_back(turn_by(double(tokens_before(s)) * angle));
    for (long t = layout.begin(s); t < layout.begin(s) + layout.size(s); ++t) {
      for (long h = 0; h < head_count; ++h)
        for (std::size_t c = 0; c < turns.size(); ++c) {
          Real* pair = x.data() + t * columns + h * width + 2 * long(c);
          const Real cosine = Real(turns[c].cosine), sine = Real(turns[c].sine), first = pair[0];
          pair[0] = cosine * first - sine * pair[1];
          pair[1] = sine * first + cosine * pair[1];
        }
      for (std::size_t c = 0; c < turns.size(); ++c) turns[c] = turns[c].then(steps[c]);
    }
  }
}

}  // namespace

Tensor rotary(Tensor x, long head_count, const SequenceLayout& layout) {
  expect_packed(x, layout, "rotary");
  head_width(x, head_count, "rotary");
  Tensor y = x.sole_owner() ? x : Tensor::copy_of(x);
  turn_pairs(y, head_count, layout, false);
  return record(std::move(y), [x = x.without_data(), head_count, layout](Tensor dy) {
    turn_pairs(dy, head_count, layout, true);
    accumulate_gradient(x, std::move(dy));
  });
}

}  // namespace lra::inline LRA_ENGINE
