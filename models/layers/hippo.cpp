#include "models/layers/hippo.h"

#include <cmath>
#include <numbers>

#include "core/error.h"

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

Init log_uniform_steps(const std::string& model, double dt_min, double dt_max) {
  if (dt_max < dt_min) fail_usage("{}: dt_max is {}; it must be at least dt_min, {}", model, dt_max, dt_min);
  return Init::uniform(std::log(dt_min), std::log(dt_max));
}

Discretisation zoh_or_bilinear(const std::string& model, const std::string& name) {
  if (name == "zoh") return Discretisation::zoh;
  if (name == "bilinear") return Discretisation::bilinear;
  fail_usage("{}: discretisation is '{}'; it must be zoh or bilinear", model, name);
}

// Of an eigenvector v, let T be the sum of all p_i·v_i and r_i that of those below i, less T/2. With b = i + ½, r_{i+1}
// = r_i·(iμ − b)/(iμ + b) and v_i = −2·√b·r_i/(b + iμ), so that all |r_i| are |T|/2, and |T| is pᵀv for |v| = 1.
std::vector<double> legs_low_rank(long n) {
  std::vector<double> all;
  for (const double mu : legs_frequencies(n)) {
    double sum = 0;
    for (double b = 0.5; b < double(n); ++b) sum += b / (b * b + mu * mu);
    all.push_back(1 / std::sqrt(sum));
  }
  return all;
}

}  // namespace lra::inline LRA_ENGINE
