/// Every op but linear recurrences (recurrences.h), with its shapes and what it keeps for backward: the reference for
/// authors of models.
///
/// Ops take by value what they consume: `x = gelu(std::move(x))` lets an op reuse the memory of a value that has no
/// other owner. Shapes: T packed tokens, N tokens of one sequence, C features, H heads, D = C / H, S sequences, K
/// classes.
#pragma once

#include <algorithm>
#include <functional>
#include <span>
#include <vector>

#include "models/autodiff/tape.h"
#include "models/ops/hashing.h"
#include "models/ops/pattern.h"
#include "models/ops/score_attention.h"
#include "models/ops/scores.h"
#include "models/ops/sequence_layout.h"
#include "models/ops/sorted_attention.h"
#include "models/tensor/tensor.h"

namespace lra::inline LRA_ENGINE {

// ---- products (linear.cpp, matmul.cpp) ------------------------------------------------------------------------------

/// x (T,I), w (O,I), b (O) or undefined → x·wᵀ + b (T,O). Keeps x, w.
Tensor linear(Tensor x, const Tensor& w, const Tensor& b = {});
/// a (…,m,k) · b (…,k,n) → (…,m,n). If one of them lacks the leading dimension, it is used for every slice. Inputs may
/// be `transposed` or `heads` views. The result has a's order of dimensions. Keeps both.
Tensor matmul(Tensor a, Tensor b);

// ---- views and rows (views.cpp): no copies in forward except where noted -------------------------------------------

/// (N, H·D) viewed as (H,N,D).
Tensor heads(const Tensor& x, long count);
/// (H,N,D) back to (N, H·D). Copies unless x has the memory order of a `heads` view.
Tensor merge_heads(const Tensor& x);
/// The last two dimensions swapped.
Tensor transposed(const Tensor& x);
/// Rows begin … begin + count − 1 of x (T,C).
Tensor rows(const Tensor& x, long begin, long count);
/// x (T,C) → (n,C): row i of the result is row indices[i] of x, zeros for −1; an index may occur several times, or
/// never. Copies; keeps the indices. (gather.cpp)
Tensor gather_rows(const Tensor& x, std::vector<long> indices);
/// x (T,C) → (T,K) along the second axis: entry (t,j) of the result is entry columns[t·K + j] of row t. Keeps the
/// columns. (gather.cpp)
Tensor take_along_axis(const Tensor& x, std::vector<long> columns);
/// Row t of the result is Σ_j weights[t][j] · row indices[t·K + j] of x, where index −1 adds nothing: weights (T,K), x
/// (R,C) → (T,C). Cost follows the indices, not R. Keeps all three. (gather.cpp)
Tensor weighted_rows(const Tensor& weights, const Tensor& x, std::vector<long> indices);
/// Entry (t,j) of the result is the dot product of row t of x and row indices[t·K + j] of w: x (T,C), w (R,C) → (T,K).
/// Cost follows the indices, not R. Keeps all three. (gather.cpp)
Tensor gathered_dot(const Tensor& x, const Tensor& w, std::vector<long> indices);
/// A matrix reshaped to `count` rows, row-major.
Tensor reshaped(const Tensor& x, long count);
/// Concatenates matrices of equal width along the rows. Copies.
Tensor concat_rows(std::span<const Tensor> parts);
/// Concatenates matrices of equal height along the columns. Copies.
Tensor concat_columns(std::span<const Tensor> parts);
/// Applies f to each sequence's rows of q, k, v and concatenates the results: for models that treat sequences one by
/// one.
Tensor for_each_sequence(const Tensor& q, const Tensor& k, const Tensor& v, const SequenceLayout& layout,
                         const std::function<Tensor(Tensor q, Tensor k, Tensor v)>& f);

/// Columns begin … begin + count − 1 of each head: (T,H·W) → (T,H·count). Copies. (gather.cpp)
Tensor head_columns(const Tensor& x, long head_count, long begin, long count);

// ---- element by element (elementwise.cpp) --------------------------------------------------------------------------

Tensor gelu(Tensor x);          // tanh form. Keeps x
Tensor relu(Tensor x);          // Keeps the result
Tensor elu_plus_one(Tensor x);  // elu(x) + 1. Keeps the result
Tensor sigmoid(Tensor x);       // 1 / (1 + exp(−x)). Keeps the result
Tensor log_sigmoid(Tensor x);   // −log(1 + exp(−x)), finite for finite x. Keeps x
Tensor softplus(Tensor x);      // log(1 + exp(x)), finite for finite x. Keeps x
Tensor silu(Tensor x);          // x / (1 + exp(−x)). Keeps x
Tensor tanh(Tensor x);          // Keeps the result
Tensor sin(Tensor x);           // Keeps x
Tensor exp(Tensor x);           // Keeps the result
Tensor log(Tensor x);           // Natural logarithm. Keeps x
Tensor sqrt(Tensor x);          // Its gradient at 0 is infinite. Keeps the result
Tensor square(Tensor x);        // Keeps x
Tensor reciprocal(Tensor x);    // 1 / x. Keeps the result
/// x (T,H·M) → (T,H·2M): for each head the sines of its features, then the cosines. Keeps the result.
Tensor sine_cosine(const Tensor& x, long head_count);
/// Divides row r of x (…,N,D) by d[r] + epsilon, d (…,N,1). Keeps both and the result.
Tensor divide_rows(Tensor x, Tensor d, double epsilon);
/// Dropout on packed tokens x (T,C); element (position, c) of a sequence has number position·C + c. Identity outside of
/// training. Keeps only the key of the stream.
Tensor dropout(Tensor x, const Dropout& site, const SequenceLayout& layout);

// ---- arithmetic (arithmetic.cpp) ------------------------------------------------------------------------------------
//
// Shapes are equal or broadcast: compared from the last dimension on, a missing dimension has size 1, and a size of 1
// is repeated. So with a (T,C), b may be a row (C) or (1,C), a column (T,1) or a number (1,1), and vice versa.

Tensor add(Tensor a, Tensor b);              // Keeps nothing
Tensor subtract(Tensor a, const Tensor& b);  // Keeps nothing
Tensor multiply(Tensor a, Tensor b);         // Keeps both
Tensor divide(const Tensor& a, Tensor b);    // Keeps b and the result
Tensor scale(Tensor x, double factor);       // Keeps nothing

// ---- reductions (reductions.cpp) -----------------------------------------------------------------------------------

/// The sum over an axis, which remains with size 1; a negative axis counts from the last. Keeps nothing.
Tensor sum(const Tensor& x, int axis);
/// The mean over an axis, as `sum`. The axis must not be empty.
Tensor mean(const Tensor& x, int axis);
/// x (T,C): the cumulative sum of rows within each sequence, computed in double. Keeps nothing.
Tensor cumulative_sum(Tensor x, const SequenceLayout& layout);

// ---- rows (rows.cpp) ------------------------------------------------------------------------------------------------

/// Layer norm over the last dimension. Ba, Kiros, Hinton. arXiv:1607.06450. Keeps x and two numbers per row.
Tensor layer_norm(Tensor x, const Tensor& gamma, const Tensor& beta, double epsilon = 1e-6);
/// gamma · x / √(mean of x² + epsilon) for each row. Zhang, Sennrich. arXiv:1910.07467, eq. 4. Keeps x and one number
/// per row.
Tensor rms_norm(Tensor x, const Tensor& gamma, double epsilon = 1e-6);
/// Softmax over the last dimension. Keeps the result.
Tensor softmax(Tensor x);
/// Divides each head's features in each row by their L2 norm: x / √(‖x‖² + 1e-12), x (T,H·D). Keeps the result and one
/// number per row and head.
Tensor l2_normalize(Tensor x, long head_count);
/// Multiplies each head's features in each row by one factor: x (T,H·D), factors (T,H). Keeps both.
Tensor scale_heads(Tensor x, Tensor factors);

// ---- tokens (tokens.cpp, pooling.cpp) ------------------------------------------------------------------------------

/// ids (T) → rows of table (V,C). Keeps ids.
Tensor embedding(std::span<const std::int32_t> ids, const Tensor& table);
/// x (T,C) plus row `position` of table (length,C) for each token. Keeps nothing.
Tensor add_positions(Tensor x, const Tensor& table, const SequenceLayout& layout);
/// Inserts vector (C) in front of every sequence: (T,C) → (T + S,C). `layout` describes the result.
Tensor prepend(const Tensor& vector, const Tensor& x, const SequenceLayout& layout);
/// (T,C) → (S,C): each sequence's first row. Keeps nothing.
Tensor first_rows(const Tensor& x, const SequenceLayout& layout);
/// (T,C) → (S,C): each sequence's mean. Keeps nothing.
Tensor mean_rows(const Tensor& x, const SequenceLayout& layout);
/// x (T,C) → (P,C): weighted pooling. A sequence of n tokens has ⌈n/stride⌉ pools; pool u is Σ_t p_t · row u·stride −
/// ⌊kernel/2⌋ + t of the sequence, over those t = 0 … kernel − 1 whose row exists. p is the softmax over these t of row
/// u of scores (P,kernel), or uniform without scores. Keeps x and p.
Tensor pool_rows(Tensor x, const Tensor& scores, long kernel, long stride, const SequenceLayout& layout);
/// Max pooling over the same rows, feature by feature. Keeps the index of each maximum.
Tensor pool_maxima(const Tensor& x, long kernel, long stride, const SequenceLayout& layout);
/// The layout of the result of pool_rows and pool_maxima.
SequenceLayout pools_of(const SequenceLayout& layout, long stride);
/// Rotary positions: in each head of x (T,H·D), turns features 2c and 2c + 1 of the token at position t of its sequence
/// by t·10000^(−2c/D) radians; a last feature without a partner stays. Su et al. arXiv:2104.09864, eq. 34. Keeps
/// nothing. (rotary.cpp)
Tensor rotary(Tensor x, long head_count, const SequenceLayout& layout);
/// (2B,C) → (B,C): the even rows (`first` 0) or the odd rows (1) of pairs of neighbours. Keeps nothing.
Tensor every_other_row(const Tensor& x, long first);

// ---- the position-wise part of a block (feed_forward.cpp) ----------------------------------------------------------

/// in (F,C) and (F), out (C,F) and (C); gamma and beta (C) of a layer norm, or undefined.
struct FeedForwardWeights {
  Tensor in, in_bias, out, out_bias, gamma, beta;
};
/// f(x) for x (T,C), or with gamma and beta x + f(layer_norm(x)), where f is linear, GELU, dropout, linear, dropout.
/// Computed in tiles of tokens. Keeps x and the input of the activation.
Tensor feed_forward(Tensor x, const FeedForwardWeights& w, const Dropout& hidden_site, const Dropout& out_site,
                    const SequenceLayout& layout);

// ---- attention (attention.cpp, materialized.cpp, entmax.cpp, kernel_attention.cpp) ---------------------------------

/// Exact multi-head softmax attention, softmax(q·kᵀ/√D)·v with dropout on the probabilities, over the keys of `window`.
/// q (T,H·D) packed; k and v (T',H·D) packed by `key_layout` (the same as `layout` for self-attention) → (T,H·D). Never
/// holds an N×N matrix: online softmax over tiles, recomputed in backward (Dao et al. arXiv:2205.14135, §3.1). Keeps q,
/// k, v, the result and one number per query and head.
Tensor softmax_attention(Tensor q, Tensor k, Tensor v, long head_count, const Window& window, const Dropout& site,
                         const SequenceLayout& layout, const SequenceLayout& key_layout);

/// Relative positions: adds q_i·table_l to q_i·k_j before the division by √D, where l is the label of the pair. Key j
/// is at distance j − first − i, clipped to −reach … reach, and has label distance + reach; keys before `first`, which
/// have no position, have the last label. Shaw et al. arXiv:1803.02155, eq. 4; Ainslie et al. arXiv:2004.08483, §3.
struct Distances {
  Tensor table;  // (2·reach + 2, H·D); undefined: no relative positions
  long reach = 0, first = 0;
  long label(long query, long key) const {
    return key < first ? 2 * reach + 1 : std::clamp(key - first - query, -reach, reach) + reach;
  }
};

/// As softmax_attention, over the pairs of `pattern` (pattern.h). Keys that are not adjacent are gathered tile by tile,
/// so cost follows the number of visible pairs.
Tensor sparse_attention(Tensor q, Tensor k, Tensor v, long head_count, Pattern pattern, const Dropout& site,
                        const SequenceLayout& layout, const SequenceLayout& key_layout, Distances distances = {});

/// Scores for every distance: adds (q_i + bias)·table_l to q_i·k_j before the division by √D, with row l = zero + p_j −
/// query_step·i. p_j = start + j is the position of key j according to the part's `visible` window (Window::over). Dai
/// et al. arXiv:1901.02860, §3.3 and appendix B, whose relative shift this is, tile by tile.
struct RelativeTable {
  Tensor table;         // (L,H·D): a row for each distance of a tile's pairs, hidden ones included
  Tensor bias;          // (H·D)
  long zero = 0;        // the row of distance 0
  long query_step = 1;  // distance between queries, in the distance between keys
};

/// As sparse_attention, with parts of consecutive queries and consecutive keys. Costs rows + columns products with the
/// table for a tile of rows × columns pairs, and keeps nothing of them.
Tensor relative_attention(Tensor q, Tensor k, Tensor v, long head_count, Pattern pattern, const Dropout& site,
                          const SequenceLayout& layout, const SequenceLayout& key_layout,
                          const RelativeTable& relative);

/// softmax_attention that stores the probabilities (H,N,N) of each sequence, to measure what that costs. Self-attention
/// only.
Tensor materialized_attention(Tensor q, Tensor k, Tensor v, long head_count, const Window& window, const Dropout& site,
                              const SequenceLayout& layout);

/// Sparse attention by α-entmax: α-entmax(q·kᵀ/√D)·v for each sequence and head, with dropout on the probabilities and,
/// if `causal`, over the keys up to the query. α-entmax(z) = [(α−1)z − τ]₊^(1/(α−1)) with τ such that they sum to 1:
/// softmax for α = 1, sparsemax for α = 2. Peters, Niculae, Martins. arXiv:1905.05702, §3; its derivatives by z and α:
/// Correia, Niculae, Martins. arXiv:1909.00015, §3. q, k, v (T,H·D), alpha (1,H) in [1,2] → (T,H·D). Keeps q, k, v and
/// two numbers per query and head; probabilities are computed in strips of queries and recomputed in backward.
Tensor entmax_attention(Tensor q, Tensor k, Tensor v, const Tensor& alpha, long head_count, bool causal,
                        const Dropout& site, const SequenceLayout& layout);

/// Attention by a kernel feature map: Σ_j φ(q)·φ(k_j) v_j / (Σ_j φ(q)·φ(k_j) + ε) for each sequence and head, if
/// `causal` over the keys up to the query. Katharopoulos et al. arXiv:2006.16236, eq. 5. fq, fk (T,H·M), v (T,H·D) →
/// (T,H·D). `log_gates` (T,H), at most 0, require `causal` and multiply the weight of key j for query i by
/// exp(Σ_{j<s≤i} log_gates[s]). A denominator is at least `least` · (number of visible keys, or 1 with gates); a query
/// whose denominator is 0 in this precision gets zeros. Keeps all inputs, the result, and the sums over keys: one
/// (M,D+1) per sequence and head, if `causal` one every 128 tokens.
Tensor kernel_attention(const Tensor& fq, const Tensor& fk, const Tensor& v, long head_count, double epsilon,
                        const SequenceLayout& layout, bool causal = false, const Tensor& log_gates = {},
                        double least = 0);
/// The numerators of causal kernel_attention: Σ_{j≤i} (a_i·b_j) c_j for each sequence and head, with the same gates. a,
/// b (T,H·M), c (T,H·D) → (T,H·D). Keeps all inputs and one (M,D) per sequence and head every 128 tokens.
Tensor causal_sums(const Tensor& a, const Tensor& b, const Tensor& c, long head_count, const SequenceLayout& layout,
                   const Tensor& log_gates = {});

struct Features {
  Tensor queries, keys;  // (T,H·M)
};
/// Positive features for `kernel_attention` with ε = 0, from the rows of w (M,D), which all heads share and which is
/// not differentiated: φ(x) = exp(w·x' − ‖x'‖²/2), x' = x / D^¼. Over w ~ N(0,I) the mean of φ(q)·φ(k) is exp(q·k/√D).
/// Choromanski et al. arXiv:2009.14794, lemma 1. q, k (T,H·D). Each feature has a factor that cancels in
/// `kernel_attention` and prevents overflow; if `causal`, no factor depends on later tokens. Keeps inputs and results.
Features softmax_features(const Tensor& q, const Tensor& k, const Tensor& w, long head_count, bool causal,
                          const SequenceLayout& layout);

// ---- along the sequence (convolution.cpp, long_convolution.cpp) ----------------------------------------------------

/// Depthwise convolution of packed tokens x (T,C) along each sequence, with zero padding: row i of the result is Σ_t
/// w[g][t] · x[i + t − before], where g is the group of the feature. `before` is ⌊taps/2⌋ with odd taps, or taps − 1 if
/// `causal`, so that no row depends on a later one. w (G,taps), G a divisor of C; features g·C/G … (g+1)·C/G − 1 share
/// row g. Keeps both.
Tensor depthwise_convolution(Tensor x, const Tensor& w, const SequenceLayout& layout, bool causal = false);
/// Depthwise convolution with filters as long as the sequences, in O(N·log N·C): row i of the result is Σ_{j≤i}
/// after[i−j] ∘ x_j + Σ_{j>i} before[j−i−1] ∘ x_j within each sequence. x (T,C); after and before (L,C), L at least the
/// longest sequence; without `before` no row depends on a later one. Keeps x and the transformed filters, 2·C numbers
/// for each row of each distinct length of sequence.
Tensor long_convolution(const Tensor& x, const Tensor& after, const Tensor& before, const SequenceLayout& layout);
/// The same with one matrix of filters: (L,C), which is `after`, or (L,2C), which has `before` in its second half.
Tensor long_convolution(const Tensor& x, const Tensor& filters, const SequenceLayout& layout);

/// From rates a per step to powers s and factors g: zoh s = e^a, g = (e^a − 1)/a; bilinear s = (1 + a/2)/(1 − a/2), g =
/// 1/(1 − a/2); softmax s = e^a, g = 1/(a·Σ_{t<n} s^t) for n = softmax_taps. A softmax state that grows by more than
/// e^300 over max(n, 1024) taps, of which all but the last are negligible, counts as zero.
enum class Discretisation { zoh, bilinear, softmax };
/// The filters of diagonal linear state spaces, as `after` or `before` of long_convolution: row t, column c of the
/// result (length,W) is 2·Re Σ_m w_cm g_m s_m^t, in O(length·M·W), with the rates e^(log_steps_c)·matrix_cm. Rates and
/// powers are computed in double. matrix (C,2M), the diagonals of state matrices, and weights (W,2M), W a multiple of
/// C, have M real parts, then M imaginary parts in each row; row c of the weights belongs to row c mod C of the matrix
/// and of log_steps (C,1). Gu, Gupta, Goel, Ré. arXiv:2206.11893, §3. Keeps all inputs. (state_space.cpp)
Tensor state_space_filters(const Tensor& matrix, const Tensor& log_steps, const Tensor& weights, Discretisation method,
                           long length, long softmax_taps = 0);
/// The results of these state spaces for inputs x (T,C): long_convolution(x, filters) with their filters, or the same
/// by their recurrence while a pass continues sequences (step_states.h).
Tensor state_space(const Tensor& x, const Tensor& matrix, const Tensor& log_steps, const Tensor& weights,
                   Discretisation method, const SequenceLayout& layout, long softmax_taps = 0);

// ---- inverses (pseudo_inverse.cpp) ---------------------------------------------------------------------------------

/// Approximates the Moore-Penrose inverse of each matrix in a (…,n,n), none of which may be zero: Z₀ = Aᵀ/(‖A‖₁‖A‖∞),
/// then `iterations` times Z ← ¼Z(13I − AZ(15I − AZ(7I − AZ))), of third order. Xiong et al. arXiv:2102.03902, §3.
/// Keeps a and every Z.
Tensor pseudo_inverse(const Tensor& a, long iterations);

// ---- soft sorting (sorting.cpp) ------------------------------------------------------------------------------------

/// x (n,n) → exp(x + f·1ᵀ + 1·gᵀ) where f and g make rows and columns sum to 1. Normalises rows, then columns,
/// `iterations` times in log space, so columns sum to 1 and rows approximately. Sinkhorn, Knopp 1967; Mena et al.
/// arXiv:1802.08665, §2. Keeps x and 2n numbers per iteration.
Tensor sinkhorn(Tensor x, long iterations);
/// Mixes the blocks of x head by head: block u of the result is Σ_v s[u][h·B + v] · block v of x, with an incomplete
/// last block padded by zeros. s (m,H·B), x (n,H·D), B = ⌈n/block⌉ → (m·min(block,n), H·D). Keeps both.
Tensor mix_blocks(Tensor s, Tensor x, long head_count, long block);

// ---- loss (tokens.cpp, objective.cpp) ------------------------------------------------------------------------------

/// Returns x as a constant, through which no gradient passes.
Tensor stop_gradient(Tensor x);
/// Adds coefficient · Σ terms to the loss, weighted by layout.weight. The terms are sums over the sequences of
/// `layout`, so a term that two sequences share must count twice. Without a tape, does nothing.
void auxiliary_loss(const Tensor& terms, double coefficient, const SequenceLayout& layout);

struct Loss {
  std::vector<double> losses;         // B: −log p(label)
  std::vector<std::uint8_t> correct;  // B: 1 if the label has the largest logit (ties go to the first)
};
/// Cross-entropy of logits (B,K). With a tape, adds weight · (gradient of each example's loss) to the gradient of the
/// logits.
Loss cross_entropy(const Tensor& logits, std::span<const std::int32_t> labels, double weight);

}  // namespace lra::inline LRA_ENGINE
