/// Compares arrays of doubles in tests.
#pragma once

#include <cmath>
#include <cstddef>

#include "core/random.h"
#include "models/testing/bridge.h"

namespace lra {

/// ‖a − b‖ / ‖b‖ in the Euclidean norm; ‖a − b‖ where b is zero. Infinite when the sizes differ or a value is not
/// finite.
[[nodiscard]] inline double relative_error(const Numbers& a, const Numbers& b) {
  if (a.size() != b.size()) return INFINITY;
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  if (!std::isfinite(difference)) return INFINITY;
  return std::sqrt(norm > 0 ? difference / norm : difference);
}

/// n random numbers from N(0,1), or uniform in (0.5, 1.5).
inline Numbers random_numbers(std::size_t n, const std::string& path, bool positive = false) {
  const Random random(11, "test", path);
  Numbers values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = positive ? 0.5 + random.uniform(i) : random.normal(i);
  return values;
}

[[nodiscard]] inline double dot(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The numbers rounded to float32, so that both engines start from equal values.
inline Numbers rounded(Numbers values) {
  for (double& value : values) value = double(float(value));
  return values;
}

}  // namespace lra
