/// Cases of ops that work element by element or row by row, of arithmetic and of reductions.
#include <utility>

#include "models/testing/op_entries.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// A feed-forward part with `width` features and three times as many hidden features; its two dropout sites differ only
/// in rate.
Entry feed(const std::string& name, double rate, const SequenceLayout& layout, long width, bool normed) {
  std::vector<std::vector<long>> inputs = {
      {layout.tokens(), width}, {3 * width, width}, {3 * width}, {width, 3 * width}, {width}};
  if (normed) inputs.insert(inputs.end(), {{width}, {width}});
  return {{name, inputs}, [=](const Inputs& x) {
            const FeedForwardWeights w{x[1], x[2], x[3], x[4], normed ? x[5] : Tensor(), normed ? x[6] : Tensor()};
            return feed_forward(x[0], w, site(rate), site(rate / 2), layout);
          }};
}

/// The same, composed of separate ops.
Entry feed_by_parts(const std::string& name, double rate, const SequenceLayout& layout, long width) {
  Entry entry = feed(name, rate, layout, width, true);
  entry.apply = [=](const Inputs& x) {
    const Tensor inner = dropout(gelu(linear(layer_norm(x[0], x[5], x[6]), x[1], x[2])), site(rate), layout);
    return add(dropout(linear(inner, x[3], x[4]), site(rate / 2), layout), x[0]);
  };
  return entry;
}

}  // namespace

std::vector<Entry> simple_cases() {
  return {
      {{"gelu", {{3, 37}}}, [](const Inputs& x) { return gelu(x[0]); }},
      {{"relu", {{3, 37}}}, [](const Inputs& x) { return relu(x[0]); }},
      {{"elu_plus_one", {{3, 37}}}, [](const Inputs& x) { return elu_plus_one(x[0]); }},
      {{"sigmoid", {{3, 37}}}, [](const Inputs& x) { return sigmoid(x[0]); }},
      {{"log_sigmoid", {{3, 37}}}, [](const Inputs& x) { return log_sigmoid(scale(x[0], 20)); }},
      {{"softplus", {{3, 37}}}, [](const Inputs& x) { return softplus(scale(x[0], 20)); }},
      {{"silu", {{3, 37}}}, [](const Inputs& x) { return silu(scale(x[0], 5)); }},
      {{"tanh", {{3, 37}}}, [](const Inputs& x) { return tanh(x[0]); }},
      {{"sin", {{3, 37}}}, [](const Inputs& x) { return sin(x[0]); }},
      {{"exp", {{3, 37}}}, [](const Inputs& x) { return exp(x[0]); }},
      {{"log", {{3, 37}}, true}, [](const Inputs& x) { return log(x[0]); }},
      {{"sqrt", {{3, 37}}, true}, [](const Inputs& x) { return sqrt(x[0]); }},
      {{"square", {{3, 37}}}, [](const Inputs& x) { return square(x[0]); }},
      {{"reciprocal", {{3, 37}}, true}, [](const Inputs& x) { return reciprocal(x[0]); }},
      {{"sine_cosine", {{5, 6}}}, [](const Inputs& x) { return sine_cosine(x[0], 2); }},
      {{"scale_heads", {{5, 6}, {5, 2}}}, [](const Inputs& x) { return scale_heads(x[0], x[1]); }},
      {{"divide_rows", {{7, 6}, {7, 2}}, true},
       [](const Inputs& x) { return merge_heads(divide_rows(heads(x[0], 2), heads(x[1], 2), 1e-3)); }},
      {{"dropout", {{15, 9}}}, [](const Inputs& x) { return dropout(x[0], site(0.3), ragged()); }},
      {{"l2_normalize", {{5, 6}}}, [](const Inputs& x) { return l2_normalize(x[0], 2); }},
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
namespace {

using Binary = Tensor (*)(const Tensor& a, const Tensor& b);

/// An op with two inputs on pairs of shapes that broadcast, in both orders; names begin with `prefix`.
void add_broadcast_cases(std::vector<Entry>& all, const std::string& prefix, Binary f) {
  const std::vector<std::pair<std::string, std::vector<std::vector<long>>>> pairs = {
      {"a row", {{4, 5}, {1, 5}}},
      {"a vector", {{4, 5}, {5}}},
      {"a column", {{4, 5}, {4, 1}}},
      {"a number", {{4, 5}, {1, 1}}},
      {"under a row", {{1, 5}, {4, 5}}},
      {"under a column", {{4, 1}, {4, 5}}},
      {"under a number", {{1, 1}, {4, 5}}},
      {"column and row", {{4, 1}, {1, 5}}},
      {"a row of each matrix", {{2, 4, 5}, {2, 1, 5}}}};
  for (const auto& [name, shapes] : pairs)
    all.push_back({{prefix + name, shapes, true}, [f](const Inputs& x) { return f(x[0], x[1]); }});
}

}  // namespace

std::vector<Entry> arithmetic_cases() {
  std::vector<Entry> all = {
      {{"add", {{3, 5}, {3, 5}}}, [](const Inputs& x) { return add(x[0], x[1]); }},
      {{"add to itself", {{3, 5}}}, [](const Inputs& x) { return add(x[0], x[0]); }},
      {{"subtract", {{3, 5}, {3, 5}}}, [](const Inputs& x) { return subtract(x[0], x[1]); }},
      {{"multiply", {{3, 5}, {3, 5}}}, [](const Inputs& x) { return multiply(x[0], x[1]); }},
      {{"multiply by itself", {{3, 5}}}, [](const Inputs& x) { return multiply(x[0], x[0]); }},
      {{"multiply across orders", {{6, 4}, {4, 6}}}, [](const Inputs& x) { return multiply(x[0], transposed(x[1])); }},
      {{"scale", {{3, 5}}}, [](const Inputs& x) { return scale(x[0], -0.3); }},
      {{"divide", {{3, 5}, {3, 5}}, true}, [](const Inputs& x) { return divide(x[0], x[1]); }},
      {{"divide by itself", {{3, 5}}, true}, [](const Inputs& x) { return multiply(x[0], divide(x[0], x[0])); }},
      {{"divide across orders", {{6, 4}, {4, 6}}, true},
       [](const Inputs& x) { return divide(x[0], transposed(x[1])); }},
      {{"multiply heads by a column", {{7, 6}, {7, 2}}},
       [](const Inputs& x) { return merge_heads(multiply(heads(x[0], 2), heads(x[1], 2))); }},
      {{"a row that is used before and after", {{4, 5}, {1, 5}}},
       [](const Inputs& x) { return multiply(add(x[0], x[1]), tanh(x[1])); }},
      {{"sum over tokens", {{7, 6}}}, [](const Inputs& x) { return sum(x[0], 0); }},
      {{"sum over features", {{7, 6}}}, [](const Inputs& x) { return sum(x[0], -1); }},
      {{"sum over the rows of heads", {{7, 6}}}, [](const Inputs& x) { return sum(heads(x[0], 2), -2); }},
      {{"sum over heads", {{7, 6}}}, [](const Inputs& x) { return sum(heads(x[0], 2), 0); }},
      {{"mean over tokens", {{7, 6}}}, [](const Inputs& x) { return mean(x[0], 0); }},
      {{"mean over features", {{7, 6}}}, [](const Inputs& x) { return mean(x[0], 1); }},
      {{"cumulative_sum", {{15, 3}}}, [](const Inputs& x) { return cumulative_sum(x[0], ragged()); }},
      {{"cumulative_sum, several tiles", {{530, 2}}},
       [](const Inputs& x) { return cumulative_sum(x[0], several_tiles()); }},
  };
  add_broadcast_cases(all, "add, ", [](const Tensor& a, const Tensor& b) { return add(a, b); });
  add_broadcast_cases(all, "subtract, ", [](const Tensor& a, const Tensor& b) { return subtract(a, b); });
  add_broadcast_cases(all, "multiply, ", [](const Tensor& a, const Tensor& b) { return multiply(a, b); });
  add_broadcast_cases(all, "divide, ", [](const Tensor& a, const Tensor& b) { return divide(a, b); });
  return all;
}

}  // namespace lra::inline LRA_ENGINE
