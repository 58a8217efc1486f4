#include "datasets/cifar10.h"

#include <algorithm>

#include "core/digest.h"

namespace lra::cifar10 {

std::uint8_t gray(std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
  const auto unit = [](std::uint8_t c) { return float(c) * (1.0f / 255.0f); };
  const float y = unit(red) * 0.2989f + unit(green) * 0.5870f + unit(blue) * 0.1140f;
  return std::uint8_t(y * 255.5f);
}

std::vector<std::uint32_t> stored_order(const std::string& split, std::uint32_t n) {
  std::vector<std::pair<std::string, std::uint32_t>> keyed(n);
  for (std::uint32_t i = 0; i < n; ++i) keyed[i] = {md5(split + std::to_string(i)), i};
  std::sort(keyed.begin(), keyed.end());
  std::vector<std::uint32_t> order(n);
  std::transform(keyed.begin(), keyed.end(), order.begin(), [](const auto& pair) { return pair.second; });
  return order;
}

}  // namespace lra::cifar10
