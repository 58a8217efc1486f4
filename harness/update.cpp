#include "harness/update.h"

#include <algorithm>

namespace lra {
namespace {

constexpr long kChunk = 65536;  // parameters that one worker updates at a time

}  // namespace

double squared_norm(const Parameters& parameters, std::span<const float> gradients) {
  double sum = 0;
  for (const auto& [begin, end] : parameters.trained_ranges())
    sum += kernels::sum_of_squares(gradients.data() + begin, end - begin);
  return sum;
}

void update(Lanes& lanes, Adam& adam, const kernels::AdamStep& step, std::span<const float> gradients,
            Parameters& parameters) {
  std::vector<std::pair<long, long>> chunks;
  for (const auto& [first, last] : parameters.trained_ranges())
    for (long begin = first; begin < last; begin += kChunk) chunks.emplace_back(begin, std::min(last, begin + kChunk));
  lanes.run(long(chunks.size()), [&](long i) {
    const auto& [begin, end] = chunks[std::size_t(i)];
    adam.apply(step, gradients, parameters.values(), begin, end);
  });
  for (const ParameterInfo& state : parameters.list())
    if (state.rule)
      state.rule(parameters.values().subspan(std::size_t(state.offset), std::size_t(state.shape.size())),
                 gradients.subspan(std::size_t(state.offset), std::size_t(state.shape.size())));
}

}  // namespace lra
