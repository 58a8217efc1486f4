/// Means, standard deviations and 95 % intervals of accuracies.
#pragma once

#include <span>

namespace lra {

struct Interval {
  double low = 0, high = 0;
};

/// Requires at least one value.
double mean(std::span<const double> values);

/// Sample standard deviation (divisor n − 1); 0 for fewer than two values.
double standard_deviation(std::span<const double> values);

/// The 95 % score interval of one run's accuracy: E. B. Wilson, "Probable Inference, the Law of Succession, and
/// Statistical Inference", JASA 22, 1927. Requires 0 ≤ correct ≤ examples; returns (0, 1) for 0 examples.
Interval wilson_interval(long correct, long examples);

/// The 95 % interval of the mean over seeds, mean ± t · sd / √n. Requires at least two values.
Interval t_interval(std::span<const double> values);

/// P(X ≥ correct) for X ~ Binomial(examples, share): the probability that a guesser with accuracy `share` does at least
/// as well. Exact. Requires 0 ≤ correct ≤ examples and 0 ≤ share ≤ 1.
double binomial_upper_tail(long correct, long examples, double share);

/// The p-quantile of Student's t distribution with `freedom` degrees of freedom. Requires 0 < p < 1 and freedom > 0.
double student_t_quantile(double p, double freedom);

/// I_x(a, b), the regularised incomplete beta function. Requires a, b > 0 and 0 ≤ x ≤ 1.
double incomplete_beta(double a, double b, double x);

}  // namespace lra
