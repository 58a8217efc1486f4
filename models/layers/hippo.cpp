#include "models/layers/hippo.h"

#include <cmath>
#include <numbers>

namespace lra::inline LRA_ENGINE {

// The eigenvectors follow from prefix sums, and λ = −½ + i·μ is an eigenvalue if Σ_i atan(μ/(i+½)) = (k+½)·π for a
// whole k. The sum is concave, so Newton's method climbs from each root to the next.
std::vector<double> legs_frequencies(long n) {
  std::vector<double> all;
  double mu = 0;
  for (long k = 0; k < n / 2; ++k) {
    for (double before = -1; mu > before;) {
      double sum = 0, slope = 0;
      for (double b = 0.5; b < double(n); ++b) {
        sum += std::atan(mu / b);
        slope += b / (b * b + mu * mu);
      }
      before = mu;
      mu += ((double(k) + 0.5) * std::numbers::pi - sum) / slope;
    }
    all.push_back(mu);
  }
  return all;
}

}  // namespace lra::inline LRA_ENGINE
