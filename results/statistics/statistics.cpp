#include "results/statistics/statistics.h"

#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <numeric>

namespace lra {
namespace {

constexpr double kNormalQuantile = 1.959963984540054;  // Φ⁻¹(0.975)

}  // namespace

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double centre = mean(values);
  double squares = 0;
  for (const double v : values) squares += (v - centre) * (v - centre);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

Interval wilson_interval(long correct, long examples) {
  if (examples <= 0) return {0, 1};
  const double n = static_cast<double>(examples), p = static_cast<double>(correct) / n;
  const double z = kNormalQuantile, shrink = 1 + z * z / n;
  const double centre = (p + z * z / (2 * n)) / shrink;
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / shrink;
  return {correct == 0 ? 0.0 : centre - half,
          correct == examples ? 1.0 : centre + half};  // exact ends despite rounding
}

Interval t_interval(std::span<const double> values) {
  const double n = static_cast<double>(values.size()), centre = mean(values);
  const double half = student_t_quantile(0.975, n - 1) * standard_deviation(values) / std::sqrt(n);
  return {centre - half, centre + half};
}

double binomial_upper_tail(long correct, long examples, double share) {
  if (correct <= 0) return 1;
  return incomplete_beta(static_cast<double>(correct), static_cast<double>(examples - correct + 1), share);
}

double student_t_quantile(double p, double freedom) {
  return boost::math::quantile(boost::math::students_t(freedom), p);
}

double incomplete_beta(double a, double b, double x) { return boost::math::ibeta(a, b, x); }

}  // namespace lra
