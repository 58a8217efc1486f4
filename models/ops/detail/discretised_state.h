/// States of diagonal linear state spaces in double. A rate that is rounded to float32 turns by another angle, and
/// after t tokens by t times the difference.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>

#include "models/ops/ops.h"

namespace lra::inline LRA_ENGINE {

using Complex = std::complex<double>;

/// a·b for finite numbers.
inline Complex product(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// z^(2^count).
inline Complex squared(Complex z, long count) {
  for (long i = 0; i < count; ++i) z = product(z, z);
  return z;
}

/// A state of a diagonal state space: its power s and factor g as functions of its rate a (Discretisation in ops.h).
struct DiscretisedState {
  Complex a, s, g;
  Complex s_slope;  // (ds/da) / s
  Complex g_slope;  // dg/da

  /// `taps`: of softmax.
  DiscretisedState(Complex rate, Discretisation method, long taps) : a(rate) {
    if (method != Discretisation::bilinear) {
      s = std::exp(a);
      s_slope = 1;
      if (std::abs(a) < 0.5) {
        by_series();
      } else {
        g = (s - 1.0) / a;
        g_slope = (s - g) / a;
      }
      if (method == Discretisation::softmax) divide_by_sum(taps);
    } else {
      g = 1.0 / (1.0 - a / 2.0);
      s = product(1.0 + a / 2.0, g);
      s_slope = 1.0 / (1.0 - product(a, a) / 4.0);
      g_slope = product(g, g) / 2.0;
    }
  }

 private:
  /// Divides g by s^n − 1, that is, by a·g times the sum of the powers below n. Growing states use s^−n, which is
  /// finite.
  void divide_by_sum(long n) {
    constexpr double kMostGrowth = 300;  // e^600, about the largest power of a coarse table, is finite
    if (a.real() * double(std::max(n, 1024L)) > kMostGrowth) {
      s = g = s_slope = g_slope = 0;
      return;
    }
    const bool grows = a.real() > 0;
    const Complex power = std::exp((grows ? -double(n) : double(n)) * a);
    const Complex inverse = grows ? power / (1.0 - power) : 1.0 / (power - 1.0);
    const Complex slope = grows ? 1.0 / (1.0 - power) : power / (power - 1.0);  // −(d/da) log(inverse) / n
    g = product(g, inverse);
    g_slope = product(g_slope, inverse) - product(g, double(n) * slope);
  }

  /// Σ a^k / (k+1)!, where the quotient of small differences loses digits, and its derivative.
  void by_series() {
    Complex term = 1;  // a^(k−1) / k!
    g = 1, g_slope = 0;
    for (int k = 1; k < 16; ++k) {
      g_slope += term * (double(k) / (k + 1.0));
      term = product(term, a / (k + 1.0));
      g += term;
    }
  }
};

}  // namespace lra::inline LRA_ENGINE
