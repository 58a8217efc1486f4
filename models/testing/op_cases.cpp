/// Every op as a function of arrays: one line adds an op to the gradient check and to the float-against-double check.
#include <functional>
#include <numeric>

#include "harness/core/error.h"
#include "models/autodiff/tape.h"
#include "models/ops/ops.h"
#include "models/testing/bridge.h"

namespace lra::inline LRA_ENGINE {
namespace {

using Inputs = std::vector<Tensor>;

struct Entry {
  OpCase shapes;
  std::function<Tensor(const Inputs&)> apply;
};

/// Three sequences of 5, 1 and 9 tokens.
Pack ragged() {
  Pack pack;
  pack.offsets = {0, 5, 6, 15};
  pack.sequences = {4, 9, 2};
  pack.step = 7, pack.length = 11;
  return pack;
}

Pack single(long n, long length) {
  Pack pack;
  pack.offsets = {0, n};
  pack.sequences = {3};
  pack.step = 2, pack.length = length;
  return pack;
}

/// Sequences that begin and end within tiles of 256 tokens.
Pack several_tiles() {
  Pack pack;
  pack.offsets = {0, 30, 290, 291, 530};
  pack.sequences = {4, 9, 2, 0};
  pack.step = 7, pack.length = 300;
  return pack;
}

Dropout site(double rate) { return {rate, Random(5, "dropout", "test")}; }

Entry attention(const std::string& name, const Window& window, double rate, const Pack& pack, long width,
                long head_count, bool materialized = false) {
  const long t = pack.tokens();
  return {{name, {{t, width}, {t, width}, {t, width}}}, [=](const Inputs& x) {
            return materialized ? materialized_attention(x[0], x[1], x[2], head_count, window, site(rate), pack)
                                : softmax_attention(x[0], x[1], x[2], head_count, window, site(rate), pack, pack);
          }};
}

/// Of `width` features and three times as many inside; the dropout of its two ends differs in rate only.
Entry feed(const std::string& name, double rate, const Pack& pack, long width, bool normed) {
  std::vector<std::vector<long>> inputs = {
      {pack.tokens(), width}, {3 * width, width}, {3 * width}, {width, 3 * width}, {width}};
  if (normed) inputs.insert(inputs.end(), {{width}, {width}});
  return {{name, inputs}, [=](const Inputs& x) {
            const FeedForwardWeights w{x[1], x[2], x[3], x[4], normed ? x[5] : Tensor(), normed ? x[6] : Tensor()};
            return feed_forward(x[0], w, site(rate), site(rate / 2), pack);
          }};
}

/// The same from the ops that it joins.
Entry feed_by_parts(const std::string& name, double rate, const Pack& pack, long width) {
  Entry entry = feed(name, rate, pack, width, true);
  entry.apply = [=](const Inputs& x) {
    const Tensor inner = dropout(gelu(linear(layer_norm(x[0], x[5], x[6]), x[1], x[2])), site(rate), pack);
    return add(dropout(linear(inner, x[3], x[4]), site(rate / 2), pack), x[0]);
  };
  return entry;
}

Entry sparse(const std::string& name, const Pattern& pattern, double rate, const Pack& pack, long width,
             long head_count) {
  const long t = pack.tokens();
  return {{name, {{t, width}, {t, width}, {t, width}}}, [=](const Inputs& x) {
            return sparse_attention(x[0], x[1], x[2], head_count, pattern, site(rate), pack, pack);
          }};
}

/// A band, and every step-th key of each query but those of the band.
Pattern columns(const Pack& pack, long step) {
  return [=](long s, long, const See& see) {
    const long n = pack.size(s);
    const Window band = Window::band(step - 1, 1);
    see({Positions::all(n), Positions::all(n), band});
    for (long r = 0; r < step; ++r) {
      const Positions column = Positions(n).add(r, n, step);
      see({column, column, Window::everything(), band});
    }
  };
}

/// All pairs, in four parts that lie between each other.
Pattern pieces(const Pack& pack) {
  return [=](long s, long, const See& see) {
    const long n = pack.size(s);
    const Positions odd = Positions(n).add(1, n, 2), even = Positions(n).add(0, n, 2);
    const Positions apart = Positions(n).add(n / 2, n).add(0, n / 4), rest = Positions(n).add(n / 4, n / 2 - n / 4);
    for (const Positions& queries : {odd, even})
      for (const Positions& keys : {apart, rest}) see({queries, keys});
  };
}

/// One part of scattered queries and more scattered keys than a tile holds; the first head looks back, the other ahead.
Pattern scattered(const Pack& pack) {
  return [=](long s, long head, const See& see) {
    const long n = pack.size(s);
    const Positions queries = Positions(n).add(3, n, 2), keys = Positions(n).add(0, n / 3).add(n / 3 + 5, n);
    see({queries, keys, head == 0 ? Window::band(n, 0) : Window::band(-1, n)});
  };
}

std::vector<Entry> product_cases() {
  return {
      {{"linear", {{7, 5}, {3, 5}, {3}}}, [](const Inputs& x) { return linear(x[0], x[1], x[2]); }},
      {{"linear without bias, many rows", {{300, 17}, {33, 17}}}, [](const Inputs& x) { return linear(x[0], x[1]); }},
      {{"linear used twice", {{4, 6}, {6, 6}}}, [](const Inputs& x) { return linear(linear(x[0], x[1]), x[1]); }},
      {{"matmul", {{3, 4}, {4, 5}}}, [](const Inputs& x) { return matmul(x[0], x[1]); }},
      {{"matmul transposed left", {{600, 4}, {600, 5}}},
       [](const Inputs& x) { return matmul(transposed(x[0]), x[1]); }},
      {{"matmul transposed right", {{3, 4}, {5, 4}}}, [](const Inputs& x) { return matmul(x[0], transposed(x[1])); }},
      {{"matmul over heads", {{7, 6}, {7, 6}}},
       [](const Inputs& x) {  // (H,N,D)·(H,D,N)·(H,N,D), merged
         return merge_heads(matmul(matmul(heads(x[0], 2), transposed(heads(x[1], 2))), heads(x[0], 2)));
       }},
      {{"matmul with a shared factor", {{7, 6}, {3, 3}}},
       [](const Inputs& x) { return merge_heads(matmul(heads(x[0], 2), x[1])); }},
      {{"matmul of a shared factor", {{2, 7}, {7, 6}}}, [](const Inputs& x) { return matmul(x[0], heads(x[1], 3)); }},
  };
}

std::vector<Entry> simple_cases() {
  return {
      {{"gelu", {{3, 37}}}, [](const Inputs& x) { return gelu(x[0]); }},
      {{"relu", {{3, 37}}}, [](const Inputs& x) { return relu(x[0]); }},
      {{"elu_plus_one", {{3, 37}}}, [](const Inputs& x) { return elu_plus_one(x[0]); }},
      {{"sigmoid", {{3, 37}}}, [](const Inputs& x) { return sigmoid(x[0]); }},
      {{"log_sigmoid", {{3, 37}}}, [](const Inputs& x) { return log_sigmoid(scale(x[0], 20)); }},
      {{"sine_cosine", {{5, 6}}}, [](const Inputs& x) { return sine_cosine(x[0], 2); }},
      {{"scale_heads", {{5, 6}, {5, 2}}}, [](const Inputs& x) { return scale_heads(x[0], x[1]); }},
      {{"add", {{3, 5}, {3, 5}}}, [](const Inputs& x) { return add(x[0], x[1]); }},
      {{"add to itself", {{3, 5}}}, [](const Inputs& x) { return add(x[0], x[0]); }},
      {{"subtract", {{3, 5}, {3, 5}}}, [](const Inputs& x) { return subtract(x[0], x[1]); }},
      {{"multiply", {{3, 5}, {3, 5}}}, [](const Inputs& x) { return multiply(x[0], x[1]); }},
      {{"multiply by itself", {{3, 5}}}, [](const Inputs& x) { return multiply(x[0], x[0]); }},
      {{"multiply across orders", {{6, 4}, {4, 6}}}, [](const Inputs& x) { return multiply(x[0], transposed(x[1])); }},
      {{"scale", {{3, 5}}}, [](const Inputs& x) { return scale(x[0], -0.3); }},
      {{"divide_rows", {{7, 6}, {7, 2}}, true},
       [](const Inputs& x) { return merge_heads(divide_rows(heads(x[0], 2), heads(x[1], 2), 1e-3)); }},
      {{"sum_rows", {{7, 6}}}, [](const Inputs& x) { return sum_rows(heads(x[0], 2)); }},
      {{"dropout", {{15, 9}}}, [](const Inputs& x) { return dropout(x[0], site(0.3), ragged()); }},
      {{"layer_norm", {{5, 19}, {19}, {19}}}, [](const Inputs& x) { return layer_norm(x[0], x[1], x[2]); }},
      {{"layer_norm of one feature", {{5, 1}, {1}, {1}}}, [](const Inputs& x) { return layer_norm(x[0], x[1], x[2]); }},
      {{"rms_norm", {{5, 19}, {19}}}, [](const Inputs& x) { return rms_norm(x[0], x[1]); }},
      {{"rms_norm of two features", {{5, 2}, {2}}}, [](const Inputs& x) { return rms_norm(x[0], x[1]); }},
      feed("feed_forward", 0, ragged(), 6, false),
      feed("feed_forward, dropout", 0.3, ragged(), 6, false),
      feed("feed_forward, norm, residual", 0, ragged(), 6, true),
      feed("feed_forward, norm, residual, dropout, several tiles", 0.2, several_tiles(), 5, true),
      feed_by_parts("feed_forward by its parts", 0.2, several_tiles(), 5),
      {{"softmax", {{4, 13}}}, [](const Inputs& x) { return softmax(x[0]); }},
      {{"softmax over heads", {{7, 6}}}, [](const Inputs& x) { return merge_heads(softmax(heads(x[0], 2))); }},
  };
}

std::vector<Entry> token_cases() {
  static const std::vector<std::int32_t> ids = {2, 0, 2, 3};
  return {
      {{"embedding", {{4, 3}}}, [](const Inputs& x) { return embedding(ids, x[0]); }},
      {{"add_positions", {{15, 3}, {11, 3}}}, [](const Inputs& x) { return add_positions(x[0], x[1], ragged()); }},
      {{"prepend", {{3}, {12, 3}}}, [](const Inputs& x) { return prepend(x[0], x[1], ragged()); }},
      {{"first_rows", {{15, 3}}}, [](const Inputs& x) { return first_rows(x[0], ragged()); }},
      {{"mean_rows", {{15, 3}}}, [](const Inputs& x) { return mean_rows(x[0], ragged()); }},
      {{"pool_rows", {{15, 3}, {9, 3}}}, [](const Inputs& x) { return pool_rows(x[0], x[1], 3, 2, ragged()); }},
      {{"pool_rows, apart", {{15, 3}, {6, 1}}}, [](const Inputs& x) { return pool_rows(x[0], x[1], 1, 4, ragged()); }},
      {{"pool_rows, means", {{15, 3}}}, [](const Inputs& x) { return pool_rows(x[0], {}, 5, 3, ragged()); }},
      {{"pool_maxima", {{15, 3}}}, [](const Inputs& x) { return pool_maxima(x[0], 5, 3, ragged()); }},
      {{"every_other_row", {{6, 3}}},
       [](const Inputs& x) { return add(every_other_row(x[0], 0), scale(every_other_row(x[0], 1), 2)); }},
      {{"rows", {{6, 3}}}, [](const Inputs& x) { return add(rows(x[0], 1, 2), rows(x[0], 2, 2)); }},
      {{"gather_rows", {{5, 3}}},
       [](const Inputs& x) {
         return gather_rows(x[0], {4, 0, 4, 1, 1, 4});
       }},
      {{"gather_rows, zeros between", {{5, 3}}},
       [](const Inputs& x) {
         return gather_rows(x[0], {-1, 4, 0, -1, 4});
       }},
      {{"take_along_axis", {{3, 5}}},
       [](const Inputs& x) {
         return take_along_axis(x[0], {4, 0, 2, 2, 1, 4});
       }},
      {{"weighted_rows", {{3, 2}, {4, 5}}},
       [](const Inputs& x) {
         return weighted_rows(x[0], x[1], {3, 0, -1, 3, 3, 3});
       }},
      {{"weighted_rows of nothing", {{2, 1}, {3, 5}}},
       [](const Inputs& x) {
         return weighted_rows(x[0], x[1], {-1, -1});
       }},
      {{"row_products", {{3, 5}, {4, 5}}},
       [](const Inputs& x) {
         return row_products(x[0], x[1], {3, 0, 1, 3, 3, 3});
       }},
      {{"reshaped", {{6, 5}}}, [](const Inputs& x) { return reshaped(x[0], 10); }},
      {{"concat_rows", {{2, 3}, {4, 3}}}, [](const Inputs& x) { return concat_rows(x); }},
      {{"join_heads", {{3, 2}, {3, 6}, {3, 4}}}, [](const Inputs& x) { return join_heads(x, 2); }},
      {{"head_columns", {{3, 10}}}, [](const Inputs& x) { return head_columns(x[0], 2, 1, 3); }},
      {{"apply_rotary", {{3, 12}}},
       [](const Inputs& x) {
         return apply_rotary(x[0], std::vector{0.0, 7.0, -2.5}, 2);
       }},
      {{"concat_columns", {{3, 2}, {3, 4}}}, [](const Inputs& x) { return concat_columns(x); }},
  };
}

std::vector<Entry> attention_cases() {
  std::vector<Entry> all = {
      attention("attention, ragged", Window::everything(), 0, ragged(), 6, 2),
      attention("attention, ragged, dropout", Window::everything(), 0.3, ragged(), 6, 2),
      attention("attention, several tiles", Window::everything(), 0, single(300, 300), 8, 1),
      attention("attention, several tiles, dropout", Window::everything(), 0.2, single(300, 310), 8, 1),
      attention("attention, blocks of 4", Window::blocks(4), 0.2, ragged(), 6, 2),
      attention("attention, blocks of 50", Window::blocks(50), 0.1, single(130, 130), 4, 2),
      attention("attention, blocks of one head", Window::blocks(50), 0.1, single(130, 130), 4, 1),
      attention("attention, blocks over tiles", Window::blocks(150), 0, single(320, 320), 4, 2),
      attention("attention, blocks and neighbours", Window::blocks(3, 1, 1), 0, ragged(), 6, 2),
      attention("attention, blocks and neighbours over tiles", Window::blocks(40, 3, 4), 0.1, single(330, 330), 4, 2),
      {{"attention, blocks of one tensor", {{15, 6}}},
       [](const Inputs& x) {
         return softmax_attention(x[0], x[0], x[0], 2, Window::blocks(3), site(0.2), ragged(), ragged());
       }},
      attention("attention, band", Window::band(2, 1), 0.2, ragged(), 6, 3),
      attention("attention, band over tiles", Window::band(70, 60), 0, single(290, 290), 4, 1),
      attention("attention, one feature a head", Window::everything(), 0, single(17, 20), 3, 3),
      attention("materialized attention", Window::everything(), 0.3, ragged(), 6, 2, true),
      attention("materialized attention, band", Window::band(2, 1), 0, ragged(), 6, 2, true),
      {{"attention to other keys", {{15, 6}, {8, 6}, {8, 6}}},
       [](const Inputs& x) {
         Pack keys = ragged();
         keys.offsets = {0, 3, 4, 8};
         keys.length = 4;
         return softmax_attention(x[0], x[1], x[2], 2, Window::everything(), site(0.2), ragged(), keys);
       }},
  };
  Window causal;
  causal.causal = true;
  all.push_back(attention("attention, causal", causal, 0, ragged(), 6, 2));
  return all;
}

/// A band behind `first` keys that all see, and labels of distance.
Tensor labelled(const Inputs& x, const Pack& pack, long reach, long first) {
  Pack keys = pack;
  for (long s = 0; s < pack.count(); ++s) keys.offsets[std::size_t(s) + 1] = pack.begin(s + 1) + (s + 1) * first;
  const Pattern pattern = [=](long s, long, const See& see) {
    const long n = pack.size(s);
    see({Positions::all(n), Positions(n + first).add(0, first)});
    see({Positions::all(n), Positions(n + first).add(first, n), Window::band(n / 2 + 1, 7).over(1, -first),
         Window::band(2, -1).over(1, -first)});
  };
  return sparse_attention(x[0], x[1], x[2], 2, pattern, site(0.2), pack, keys, {x[3], reach, first});
}

/// Uniform attention whose values are the unit matrix shows the dropout mask of each pair.
std::vector<Entry> sparse_cases() {
  return {
      sparse("sparse attention, columns", columns(ragged(), 3), 0.2, ragged(), 6, 2),
      sparse("sparse attention, columns over tiles", columns(single(290, 300), 2), 0.1, single(290, 300), 4, 1),
      sparse("sparse attention, everything in pieces", pieces(ragged()), 0, ragged(), 6, 2),
      sparse("sparse attention, several tiles in pieces", pieces(single(300, 300)), 0, single(300, 300), 8, 1),
      sparse("sparse attention, scattered", scattered(single(420, 420)), 0.2, single(420, 420), 4, 2),
      sparse("sparse attention, mask", columns(single(120, 120), 7), 0.25, single(120, 120), 120, 1),
      {{"sparse attention to other keys", {{15, 6}, {8, 6}, {8, 6}}},
       [](const Inputs& x) {
         Pack keys = ragged();
         keys.offsets = {0, 3, 4, 8};
         keys.length = 4;
         return sparse_attention(
             x[0], x[1], x[2], 2,
             [keys](long s, long, const See& see) {
               see({Positions(ragged().size(s)).add(0, 4), Positions(keys.size(s)).add(0, 4, 2)});
             },
             site(0.2), ragged(), keys);
       }},
      {{"sparse attention with distances", {{15, 6}, {21, 6}, {21, 6}, {8, 6}}},
       [](const Inputs& x) { return labelled(x, ragged(), 3, 2); }},
      {{"sparse attention with distances over tiles", {{300, 4}, {303, 4}, {303, 4}, {12, 4}}},
       [](const Inputs& x) { return labelled(x, single(300, 300), 5, 3); }},
      {{"sinkhorn", {{5, 5}}}, [](const Inputs& x) { return sinkhorn(x[0], 3); }},
      {{"sinkhorn, once", {{4, 4}}}, [](const Inputs& x) { return sinkhorn(x[0], 1); }},
      {{"sinkhorn, balanced", {{19, 19}}}, [](const Inputs& x) { return sinkhorn(x[0], 200); }},
      {{"mix_blocks", {{3, 6}, {8, 4}}}, [](const Inputs& x) { return mix_blocks(x[0], x[1], 2, 3); }},
      {{"mix_blocks, fewer sums than blocks", {{2, 10}, {20, 6}}},
       [](const Inputs& x) { return mix_blocks(x[0], x[1], 2, 4); }},
      {{"mix_blocks, one short block", {{1, 2}, {3, 4}}}, [](const Inputs& x) { return mix_blocks(x[0], x[1], 2, 7); }},
  };
}

/// Constants that stand for drawn numbers.
Tensor constant(const Shape& shape, const std::string& name) {
  Tensor x = Tensor::empty(shape);
  const Random random(5, "constant", name);
  for (long i = 0; i < x.size(); ++i) x.data()[i] = Real(float(random.normal(std::uint64_t(i))));
  return x;
}

Entry features(const std::string& name, bool causal, const Pack& pack, long width, long m, long head_count) {
  const long t = pack.tokens();
  return {{name, {{t, width}, {t, width}, {t, width}}}, [=](const Inputs& x) {
            const Tensor w = constant({m, width / head_count}, "directions");
            const Features f = softmax_features(x[0], x[1], w, head_count, causal, pack);
            return kernel_attention(f.queries, f.keys, x[2], head_count, 0, pack, causal);
          }};
}

Entry causal_kernel(const std::string& name, const Pack& pack, long width, long head_count) {
  const long t = pack.tokens();
  return {{name, {{t, width}, {t, width}, {t, 2 * head_count}}}, [=](const Inputs& x) {
            return kernel_attention(elu_plus_one(x[0]), elu_plus_one(x[1]), x[2], head_count, 1e-6, pack, true);
          }};
}

std::vector<Entry> kernel_cases() {
  return {
      {{"kernel_attention", {{15, 6}, {15, 6}, {15, 4}}},
       [](const Inputs& x) {
         return kernel_attention(elu_plus_one(x[0]), elu_plus_one(x[1]), x[2], 2, 1e-6, ragged());
       }},
      {{"kernel_attention, one tensor", {{15, 6}}},
       [](const Inputs& x) {
         const Tensor f = elu_plus_one(x[0]);
         return kernel_attention(f, f, f, 2, 1e-6, ragged());
       }},
      causal_kernel("kernel_attention, causal", ragged(), 6, 2),
      causal_kernel("kernel_attention, causal, several chunks", single(290, 300), 4, 1),
      features("softmax_features", false, ragged(), 6, 5, 2),
      features("softmax_features, causal", true, ragged(), 6, 5, 2),
      features("softmax_features, causal, several chunks", true, single(290, 300), 4, 7, 1),
  };
}

/// Gates that forget at different speeds, some at once.
Tensor gates(const Tensor& x) { return log_sigmoid(scale(x, 5)); }

Entry gated(const std::string& name, const Pack& pack, long width, long head_count) {
  const long t = pack.tokens();
  return {{name, {{t, width}, {t, width}, {t, 2 * head_count}, {t, head_count}}}, [=](const Inputs& x) {
            return kernel_attention(elu_plus_one(x[0]), elu_plus_one(x[1]), x[2], head_count, 1e-6, pack, true,
                                    gates(x[3]));
          }};
}

std::vector<Entry> gated_cases() {
  const Pack r = ragged(), l = single(290, 300);
  return {
      gated("kernel_attention, gated", r, 6, 2),
      gated("kernel_attention, gated, several chunks", l, 4, 1),
      {{"kernel_attention, gated, one tensor", {{15, 6}, {15, 2}}},
       [=](const Inputs& x) {
         const Tensor f = elu_plus_one(x[0]);
         return kernel_attention(f, f, f, 2, 1e-6, r, true, gates(x[1]));
       }},
      {{"kernel_attention, least denominators", {{15, 6}, {15, 6}, {15, 4}}},
       [=](const Inputs& x) { return kernel_attention(x[0], x[1], x[2], 2, 0, r, false, {}, 0.5); }},
      {{"kernel_attention, causal, least denominators", {{15, 6}, {15, 6}, {15, 4}}},
       [=](const Inputs& x) { return kernel_attention(x[0], x[1], x[2], 2, 0, r, true, {}, 0.5); }},
      {{"kernel_attention, gated, least denominators", {{15, 6}, {15, 6}, {15, 4}, {15, 2}}},
       [=](const Inputs& x) { return kernel_attention(x[0], x[1], x[2], 2, 0, r, true, gates(x[3]), 0.5); }},
      {{"causal_sums", {{15, 6}, {15, 6}, {15, 4}}},
       [=](const Inputs& x) { return causal_sums(x[0], x[1], x[2], 2, r); }},
      {{"causal_sums, gated, several chunks", {{290, 4}, {290, 4}, {290, 3}, {290, 1}}},
       [=](const Inputs& x) { return causal_sums(x[0], x[1], x[2], 1, l, gates(x[3])); }},
  };
}

Entry entmax(const std::string& name, bool causal, double rate, const Pack& pack, long width, long head_count) {
  const long t = pack.tokens();
  return {{name, {{t, width}, {t, width}, {t, width}, {1, head_count}}}, [=](const Inputs& x) {
            Tensor ones = Tensor::empty({1, head_count});
            kernels::fill(ones.data(), head_count, 1);
            return entmax_attention(x[0], x[1], x[2], add(sigmoid(x[3]), ones), head_count, causal, site(rate), pack);
          }};
}

Entry entmax(const std::string& name, double alpha) {
  return {{name, {{15, 6}, {15, 6}, {15, 6}}}, [=](const Inputs& x) {
            Tensor all = Tensor::empty({1, 2});
            kernels::fill(all.data(), 2, Real(alpha));
            return entmax_attention(x[0], x[1], x[2], all, 2, false, site(0.2), ragged());
          }};
}

std::vector<Entry> entmax_cases() {
  return {
      entmax("entmax_attention", false, 0, ragged(), 6, 2),
      entmax("entmax_attention, causal, dropout", true, 0.3, ragged(), 6, 2),
      entmax("entmax_attention, several strips", false, 0.1, single(150, 160), 4, 1),
      entmax("entmax_attention, several strips, causal", true, 0, single(150, 160), 4, 2),
      entmax("entmax_attention, softmax", 1),
      entmax("entmax_attention, 1.5", 1.5),
      entmax("entmax_attention, sparsemax", 2),
      {{"entmax_attention, nearly softmax", {{15, 6}, {15, 6}, {15, 6}, {1, 2}}},
       [](const Inputs& x) {
         Tensor alpha = Tensor::empty({1, 2});
         kernels::fill(alpha.data(), 2, Real(1.01));
         return entmax_attention(x[0], x[1], x[2], add(scale(sigmoid(x[3]), 0.05), alpha), 2, false, site(0), ragged());
       }},
  };
}

std::vector<Entry> sequence_cases() {
  return {
      {{"depthwise_convolution", {{15, 6}, {2, 5}}},
       [](const Inputs& x) { return depthwise_convolution(x[0], x[1], ragged()); }},
      {{"depthwise_convolution, longer than the sequence", {{15, 6}, {6, 31}}},
       [](const Inputs& x) { return depthwise_convolution(x[0], x[1], ragged()); }},
      {{"depthwise_convolution of one tap", {{15, 6}, {3, 1}}},
       [](const Inputs& x) { return depthwise_convolution(x[0], x[1], ragged()); }},
      {{"pseudo_inverse", {{7, 7}}}, [](const Inputs& x) { return pseudo_inverse(x[0], 6); }},
      {{"pseudo_inverse, stacked", {{2, 5, 5}}, true}, [](const Inputs& x) { return pseudo_inverse(x[0], 3); }},
      {{"pseudo_inverse of probabilities over heads", {{7, 6}, {7, 6}}},
       [](const Inputs& x) { return pseudo_inverse(softmax(matmul(heads(x[0], 2), transposed(heads(x[1], 2)))), 4); }},
      {{"pseudo_inverse, only the start", {{4, 4}}}, [](const Inputs& x) { return pseudo_inverse(x[0], 0); }},
  };
}

Entry scores(const std::string& name, std::vector<std::vector<long>> inputs, bool causal, double rate, const Pack& pack,
             const std::function<std::vector<Scores>(const Inputs&)>& terms, bool mixed = false) {
  // The last input holds the values; the one before it, when mixed, the weights.
  return {{name, std::move(inputs)}, [=](const Inputs& x) {
            return score_attention(terms(x), mixed ? x[x.size() - 2] : Tensor(), x.back(), 2, causal, site(rate), pack);
          }};
}

std::vector<Entry> score_cases() {
  const auto tokens = [](const Inputs& x) { return std::vector{Scores::of_tokens(x[0], x[1], 0.7)}; };
  const auto dense = [](const Inputs& x) { return std::vector{Scores::of_tokens_and_positions(x[0], x[1], x[2])}; };
  const auto positions = [](const Inputs& x) { return std::vector{Scores::of_positions(x[0], x[1])}; };
  const auto table = [](const Inputs& x) { return std::vector{Scores::in_table(x[0])}; };
  const auto factors = [](const Inputs& x) { return std::vector{Scores::of_factors(x[0], x[1])}; };
  const auto distances = [](const Inputs& x) { return std::vector{Scores::of_distances(x[0])}; };
  const auto mixture = [](const Inputs& x) {
    return std::vector{Scores::of_factors(x[0], x[1]), Scores::of_tokens(x[0], x[0], 1), Scores::in_table(x[2])};
  };
  const Pack r = ragged(), s = single(150, 160), l = single(300, 300);
  return {
      scores("scores of tokens", {{15, 6}, {15, 6}, {15, 4}}, false, 0.3, r, tokens),
      scores("scores of tokens, causal", {{300, 4}, {300, 4}, {300, 2}}, true, 0.2, l, tokens),
      scores("scores of tokens and positions", {{15, 6}, {11, 6}, {2, 11}, {15, 4}}, false, 0.2, r, dense),
      scores("scores of positions, causal", {{160, 4}, {160, 4}, {150, 4}}, true, 0, s, positions),
      scores("scores in a table", {{2, 11, 11}, {15, 4}}, false, 0, r, table),
      scores("scores in a table, causal", {{2, 11, 11}, {15, 4}}, true, 0.2, r, table),
      scores("scores of factors", {{15, 8}, {15, 6}, {15, 4}}, false, 0, r, factors),
      scores("scores of factors, several strips", {{150, 26}, {150, 26}, {150, 4}}, true, 0.2, s, factors),
      scores("scores of distances", {{7, 2}, {15, 4}}, false, 0.2, r, distances),
      scores("scores of distances, causal, several strips", {{301, 2}, {150, 4}}, true, 0, s, distances),
      scores("mixed scores", {{15, 8}, {15, 6}, {2, 11, 11}, {1, 3}, {15, 4}}, false, 0.2, r, mixture, true),
  };
}

/// Some permutations, as of a hash; the last round cut into runs, the second of which is a single token.
Lineups lineups(const Pack& pack, long head_count, long rounds, bool cut) {
  Lineups all;
  for (long s = 0; s < pack.count(); ++s)
    for (long h = 0; h < head_count; ++h) {
      std::vector<Lineup>& own = all.emplace_back(std::size_t(rounds));
      for (std::size_t r = 0; r < own.size(); ++r) {
        own[r].tokens.resize(std::size_t(pack.size(s)));
        std::iota(own[r].tokens.begin(), own[r].tokens.end(), 0);
        Sequence(Random(7, "order", std::to_string(r) + "." + std::to_string(h))).shuffle(own[r].tokens);
        own[r].runs = {0};
      }
      if (cut && pack.size(s) > 4) own.back().runs = {0, 3, 4};
    }
  return all;
}

Entry sorted(const std::string& name, long rounds, long chunk, bool cut, bool causal, double rate, const Pack& pack,
             long width) {
  const long t = pack.tokens();
  return {{name, {{t, width}, {t, width}, {t, width}}}, [=](const Inputs& x) {
            return sorted_attention(x[0], x[1], x[2], 2, lineups(pack, 2, rounds, cut), chunk, causal, 0.7, site(rate),
                                    pack);
          }};
}

std::vector<Entry> sorted_cases() {
  return {
      {{"l2_normalize", {{5, 6}}}, [](const Inputs& x) { return l2_normalize(x[0], 2); }},
      sorted("sorted_attention", 1, 2, false, false, 0, ragged(), 6),
      sorted("sorted_attention, rounds", 3, 2, false, false, 0.3, ragged(), 6),
      sorted("sorted_attention, runs", 2, 2, true, false, 0.3, ragged(), 6),
      sorted("sorted_attention, causal", 3, 4, true, true, 0.3, ragged(), 6),
      sorted("sorted_attention, chunks of several tiles", 2, 140, true, false, 0.1, single(300, 310), 4),
      sorted("sorted_attention, one chunk", 1, 500, false, true, 0, single(150, 150), 4),
  };
}

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = [] {
    std::vector<Entry> joined;
    for (const auto& part :
         {product_cases(), simple_cases(), token_cases(), attention_cases(), sparse_cases(), kernel_cases(),
          gated_cases(), entmax_cases(), sequence_cases(), score_cases(), sorted_cases()})
      joined.insert(joined.end(), part.begin(), part.end());
    return joined;
  }();
  return all;
}

Shape shape_of(const std::vector<long>& dims) {
  if (dims.size() == 1) return {dims[0]};
  if (dims.size() == 3) return {dims[0], dims[1], dims[2]};
  return {dims[0], dims[1]};
}

}  // namespace

std::vector<OpCase> op_cases() {
  std::vector<OpCase> all;
  for (const Entry& entry : entries()) all.push_back(entry.shapes);
  return all;
}

void try_op(const std::string& name, const std::vector<std::vector<long>>& shapes) {
  for (const Entry& entry : entries()) {
    if (entry.shapes.name != name) continue;
    Tape tape({});
    Inputs inputs;
    for (const std::vector<long>& shape : shapes) {
      Tensor x = Tensor::empty(shape_of(shape));
      kernels::fill(x.data(), x.size(), Real(0.5));
      inputs.push_back(record(std::move(x), [](Tensor) {}));
    }
    const Tensor y = entry.apply(inputs);
    Tensor dy = Tensor::empty_like(y);
    kernels::fill(dy.data(), dy.size(), 1);
    give(y, std::move(dy));
    tape.backward();
    return;
  }
  fail("there is no op case '{}'", name);
}

OpRun run_op(const std::string& name, const std::vector<Numbers>& inputs, const Numbers& cotangent,
             const std::set<std::size_t>& constants) {
  for (const Entry& entry : entries()) {
    if (entry.shapes.name != name) continue;
    OpRun run;
    std::vector<Tensor> gradients(inputs.size());
    Tape tape({});
    Inputs watched;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      Tensor x = Tensor::empty(shape_of(entry.shapes.inputs[i]));
      std::copy(inputs[i].begin(), inputs[i].end(), x.data());
      if (!constants.contains(i))
        x = record(std::move(x), [&gradients, i](Tensor dx) { gradients[i] = std::move(dx); });
      watched.push_back(std::move(x));
    }
    Tensor y = entry.apply(watched);
    if (!y.contiguous()) fail("the op case '{}' must end in a contiguous tensor", name);
    watched.clear();
    run.result.assign(y.data(), y.data() + y.size());
    if (!cotangent.empty()) {
      Tensor dy = Tensor::empty(y.shape());
      std::copy(cotangent.begin(), cotangent.end(), dy.data());
      give(y, std::move(dy));
      tape.backward();
      for (const Tensor& dx : gradients)
        run.gradients.push_back(dx.defined() ? Numbers(dx.data(), dx.data() + dx.size()) : Numbers());
    }
    return run;
  }
  fail("there is no op case '{}'", name);
}

}  // namespace lra::inline LRA_ENGINE
