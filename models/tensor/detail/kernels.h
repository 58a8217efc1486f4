/// The arithmetic under the ops, on plain memory. Nothing here allocates, records or knows of tensors.
///
/// There are two implementations. The program (Real = float) uses oneDNN for matrix products (onednn.cpp) and Highway
/// for everything else (vector_*.cpp), dispatched at run time to the best instruction set. The double build of the
/// tests uses reference.cpp, plain loops that follow the definitions. Every kernel is single-threaded and returns the
/// same bits in every thread and build type. The oneDNN kernels may only be called in worker threads (see onednn.h).
///
/// All matrices are row-major with contiguous rows; `stride` is the distance between rows in elements.
#pragma once

#include <array>
#include <cstdint>

#include "models/tensor/dropout_stream.h"
#include "models/tensor/real.h"
#include "models/tensor/view.h"

namespace lra::inline LRA_ENGINE {

namespace kernels {

// ---- matrix products (oneDNN) ---------------------------------------------------------------------------------------

/// c = scale · op(a) · op(b) + bias, or c += scale · op(a) · op(b) when `accumulate`; op transposes when asked. bias:
/// one value per column of c, or null (must be null when accumulating or scaling). Counts 2·m·n·k floating-point
/// operations.
void gemm(ConstView a, bool transpose_a, ConstView b, bool transpose_b, View c, bool accumulate = false, Real scale = 1,
          const Real* bias = nullptr);

/// As gemm, without bias and scale, for tiles. Tiles have few sizes, so the product is computed in one piece; gemm cuts
/// products of any size into pieces of few sizes, because oneDNN compiles a primitive per size. Returns gemm's bits if
/// k is a multiple of 16.
void gemm_tile(ConstView a, bool transpose_a, ConstView b, bool transpose_b, View c, bool accumulate = false);

// ---- element by element, n contiguous values ------------------------------------------------------------------------

void fill(Real* y, long n, Real value);
void copy(const Real* x, Real* y, long n);
void add(const Real* x, Real* y, long n);                          // y += x
void add_scaled(const Real* x, Real scale, Real* y, long n);       // y += scale · x
void scale(Real* y, long n, Real scale);                           // y *= scale
void multiply(const Real* x, Real* y, long n);                     // y *= x
void multiply_add(const Real* a, const Real* b, Real* y, long n);  // y += a · b
void exponential(const Real* x, Real* y, long n);                  // y = exp(x); exact to 2 units in the last place

/// tanh form: ½x(1 + tanh(√(2/π)(x + 0.044715x³))). Hendrycks, Gimpel. arXiv:1606.08415, §2.
void gelu(const Real* x, Real* y, long n);
void gelu_backward(const Real* x, Real* dy, long n);  // dy *= gelu'(x)
void relu(const Real* x, Real* y, long n);
void relu_backward(const Real* x, Real* dy, long n);
/// elu(x) + 1: x + 1 above 0, exp(x) below. Katharopoulos et al. arXiv:2006.16236, eq. 7.
void elu_plus_one(const Real* x, Real* y, long n);
void elu_plus_one_backward(const Real* y, Real* dy, long n);  // from the output y

/// y[i] = keep(first + i) ? keep_scale · x[i] : 0. x and y may be the same. Its own backward.
void dropout(const DropoutStream& stream, std::uint64_t first, const Real* x, Real* y, long n);
/// y = dropout(gelu(x)) in one pass; without a stream nothing is dropped.
void gelu_dropout(const DropoutStream* stream, std::uint64_t first, const Real* x, Real* y, long n);
/// Recomputes y, and replaces its gradient dy by the gradient of x.
void gelu_dropout_backward(const DropoutStream* stream, std::uint64_t first, const Real* x, Real* y, Real* dy, long n);

// ---- rows -----------------------------------------------------------------------------------------------------------

/// y = gamma · (x − mean) · rstd + beta for each row, rstd = 1 / √(variance + epsilon); keeps mean and rstd (rows).
void layer_norm(const Real* x, const Real* gamma, const Real* beta, long rows, long cols, Real epsilon, Real* y,
                Real* mean, Real* rstd);
/// dx (may be dy itself), and dgamma, dbeta added to.
void layer_norm_backward(const Real* x, const Real* gamma, const Real* mean, const Real* rstd, const Real* dy,
                         long rows, long cols, Real* dx, Real* dgamma, Real* dbeta);

/// out[c] += Σ over rows of x[r][c].
void add_column_sums(ConstView x, Real* out);
void copy_rows(ConstView x, View y);  // y = x
void add_rows(ConstView x, View y);   // y += x
/// y *= x; sums[r] = Σ over c of the products.
void multiply_rows(ConstView x, View y, Real* sums);
/// y[r][c] += x[c]: the same row added to every row.
void add_row(const Real* x, View y);
/// y[r][:] *= factor[r] (stride of factor: 1).
void scale_rows(const Real* factor, View y);
/// out[r] = Σ over c of a[r][c] · b[r][c].
void row_dots(ConstView a, ConstView b, Real* out);

/// In place: softmax of each row over its first `cols` values.
void softmax(View x);
/// dx = y ∘ (dy − Σ dy∘y) for each row, in place of dy.
void softmax_backward(ConstView y, View dy);

// ---- features of kernel attention -----------------------------------------------------------------------------------

/// out[c] = max(out[c], max over r of x[r][c] − row[r]).
void column_maxima(const Real* row, ConstView x, Real* out);
/// In place: x[r][c] = exp((x[r][c] − row[r]) − column[c]).
void exp_shifted(const Real* row, const Real* column, View x);
/// In place: x[r][c] = exp(y[r][c] − max over c of y[r][c]), y[r][c] = x[r][c] + column[c].
void exp_below_highest(const Real* column, View x);

// ---- tiles of exact attention ---------------------------------------------------------------------------------------
// Queries are the rows of a tile of scores, keys its columns. Query row r sees the columns begin[r] … end[r] − 1 of the
// tile (both clamped to 0 … cols by the caller; begin ≥ end: nothing). Invisible entries become exactly 0.

/// One step of online softmax (Milakov, Gimelshein. arXiv:1805.02867), in place of the raw scores s:
///   m' = max(max[r], max over visible scale·s), p = exp(scale·s − m'), sum[r] = sum[r]·exp(max[r] − m') + Σ p,
///   correction[r] = exp(max[r] − m'), max[r] = m'.
/// Rows start with max = −infinity and sum = 0 (then correction is 0). A row that sees no key of the tile keeps max and
/// sum and gets correction 1. When `dropout` is given, p is then dropped and scaled; element (r, c) has number first +
/// r·row_step + c.
void attention_forward_tile(View s, const long* begin, const long* end, Real scale, Real* max, Real* sum,
                            Real* correction, const DropoutStream* dropout, std::uint64_t first,
                            std::uint64_t row_step);

/// Recomputes, in place of the raw scores s, the dropped probabilities d = mask∘p with p = exp(scale·s − lse[r]), and,
/// in place of dp = dO·Vᵀ, the score gradient ds = scale · p ∘ (mask∘dp − delta[r]), where mask holds keep_scale or 0
/// (all ones without dropout). p is clamped to at most 1, because lse is rounded: scores of 1e9 are known to ±32 only.
void attention_backward_tile(View s, View dp, const long* begin, const long* end, Real scale, const Real* lse,
                             const Real* delta, const DropoutStream* dropout, std::uint64_t first,
                             std::uint64_t row_step);

// ---- α-entmax -------------------------------------------------------------------------------------------------------
// With ε = α − 1 from 0 to 1 and scores z, p_j = (1 + ε w_j)₊^(1/ε), w_j = z_j − max z + shift: at ε = 0 the
// exponential of w_j. Peters, Niculae, Martins. "Sparse Sequence-to-Sequence Models." ACL 2019, §3.

/// Returns how many values of scratch memory rows of length n need.
constexpr long entmax_scratch(long n) { return 5 * (n + 16); }

/// In place: scores become the probabilities that sum to 1; returns the shift, at most 0. A row that is not finite
/// becomes NaN.
double entmax(Real* z, long n, double epsilon, Real* scratch);
/// Replaces the scores z by their probabilities, and dp, the gradient of the probabilities, by the gradient of the
/// scores; returns the gradient of α. `shift` is the value that entmax returned.
double entmax_backward(Real* z, Real* dp, long n, double epsilon, double shift, Real* scratch);

// ---- long convolutions ----------------------------------------------------------------------------------------------
// A filter h gives every column taps at the lags −(n−1) … n−1 of sequences of n rows: y_t = Σ_s h_{t−s} x_s.

/// The number of points at which sequences of n rows and their filters are transformed: the next of 1, 2, 3 and 5 times
/// a power of 4.
constexpr long transform_length(long n) {
  for (long power = 4;; power *= 4)
    for (const long quarters : {1L, 2L, 3L, 4L, 5L, 8L, 12L})
      if (quarters * power / 4 >= n) return quarters * power / 4;
}
/// Returns how many values the filters of `cols` columns need, and how many the scratch memory.
constexpr long filter_size(long n, long cols) { return 2 * transform_length(n) * ((cols + 15) / 16 * 16); }
constexpr long convolution_scratch(long n) { return 2 * filter_size(n, 1); }

/// filter = the taps of n rows: row i of `after` (n,cols) has lag i, row i of `before`, of n − 1 rows or none, lag −1 −
/// i. The form of a filter is private to these kernels; filters with the same n and cols may be added.
void make_filter(ConstView after, ConstView before, Real* filter);
/// y = h ∗ x.
void convolve(const Real* filter, ConstView x, View y, Real* scratch);
/// Adds the gradients of x and of the filter, given that of y.
void convolve_backward(const Real* filter, ConstView x, ConstView dy, View dx, Real* dfilter, Real* scratch);
/// Adds the gradients of the taps, given that of the filter, which it overwrites.
void filter_gradient(Real* dfilter, View dafter, View dbefore);

// ---- loss and optimiser ---------------------------------------------------------------------------------------------

/// Cross-entropy of one row of logits against `label`: returns −log softmax(x)[label]; when `dx` is given writes
/// weight · (softmax(x) − onehot). Computed in double inside.
double cross_entropy(const Real* x, long classes, long label, Real weight, Real* dx);

struct AdamStep {
  double lr, beta1, beta2, epsilon, weight_decay;
  double correction1, correction2;  // 1 − beta1^t, 1 − beta2^t
  double gradient_scale;            // the clip factor
};
/// Adam (Kingma, Ba. arXiv:1412.6980) with decoupled decay:
///   g = scale·g; m = β1·m + (1−β1)·g; v = β2·v + (1−β2)·g²; p −= lr·(m/c1 / (√(v/c2) + ε) + wd·p).
/// The decay uses the old value of p.
void adam(const AdamStep& step, const Real* gradient, Real* m, Real* v, Real* parameter, long n);

/// Σ x² in double, by a fixed tree, so that the bits do not depend on vector width.
double sum_of_squares(const Real* x, long n);
/// True when every value is finite.
bool all_finite(const Real* x, long n);

/// Returns the instruction set that vector_*.cpp use on this machine, such as "AVX3"; "reference" in the double build.
const char* instruction_set();

}  // namespace kernels
}  // namespace lra::inline LRA_ENGINE
