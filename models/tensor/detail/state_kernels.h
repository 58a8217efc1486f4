/// Kernels of linear recurrences with complex states, in double in both engines: rounded states would turn phases.
///
/// kStateLanes recurrences run side by side. A vector of m complex numbers has for each the real parts of all lanes,
/// then the imaginary parts; a real number has a value per lane. ⟨a,b⟩ = Re Σ_k conj(a_k)·b_k.
#pragma once

#include "models/tensor/real.h"

namespace lra::inline LRA_ENGINE::kernels {

constexpr long kStateLanes = 4;
/// Returns how many values a vector of m complex numbers takes, with a gap, so that vectors one after another do not
/// meet in the same sets of the cache.
constexpr long state_size(long m) { return 2 * kStateLanes * m + kStateLanes; }

/// z ← d∘z + g·⟨h,z⟩, with vectors of m numbers.
struct StateStep {
  const double *d, *g, *h;
  long m;
};
/// Real numbers taps[i][f] and a vector per f: at time i a recurrence receives Σ_f taps[i][f]·vectors[f].
struct StateInput {
  const double *taps, *vectors;
  long count;
};

/// Computes the n states after states[0], and reads[i] = ⟨h,states[i]⟩ of each, given reads[0].
void advance_states(const StateStep& step, long n, double* states, double* reads);
/// The adjoint, backwards from states[n] and reads[n] to states[0]: states[i] = conj(d)∘states[i+1] + h·reads[i+1] +
/// the input at time i, reads[i] = ⟨g,states[i]⟩.
void retreat_states(const StateStep& step, const StateInput& input, long n, double* states, double* reads);

/// out[i] = ⟨a,states[i]⟩ for n states.
void read_states(const double* a, const double* states, long m, long n, double* out);
/// y += Σ_i factors[i·stride]·states[i] over n states; `stride` is in real numbers.
void add_states(const double* factors, long stride, const double* states, long m, long n, double* y);
/// y += Σ_i conj(a[i])∘b[i] over n states.
void add_state_products(const double* a, const double* b, long m, long n, double* y);

}  // namespace lra::inline LRA_ENGINE::kernels
