/// Cases of attention by feature maps.
#include "models/testing/op_entries.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// Constants in place of random numbers.
Tensor constant(const Shape& shape, const std::string& name) {
  Tensor x = Tensor::empty(shape);
  const Random random(5, "constant", name);
  for (long i = 0; i < x.size(); ++i) x.data()[i] = Real(float(random.normal(std::uint64_t(i))));
  return x;
}

Entry features(const std::string& name, bool causal, const SequenceLayout& layout, long width, long m,
               long head_count) {
  const long t = layout.tokens();
  return {{name, {{t, width}, {t, width}, {t, width}}}, [=](const Inputs& x) {
            const Tensor w = constant({m, width / head_count}, "directions");
            const Features f = softmax_features(x[0], x[1], w, head_count, causal, layout);
            return kernel_attention(f.queries, f.keys, x[2], head_count, 0, layout, causal);
          }};
}

Entry causal_kernel(const std::string& name, const SequenceLayout& layout, long width, long head_count) {
  const long t = layout.tokens();
  return {{name, {{t, width}, {t, width}, {t, 2 * head_count}}}, [=](const Inputs& x) {
            return kernel_attention(elu_plus_one(x[0]), elu_plus_one(x[1]), x[2], head_count, 1e-6, layout, true);
          }};
}

}  // namespace

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
namespace {

/// Gates with different decay rates, some of which forget at once.
Tensor gates(const Tensor& x) { return log_sigmoid(scale(x, 5)); }

Entry gated(const std::string& name, const SequenceLayout& layout, long width, long head_count) {
  const long t = layout.tokens();
  return {{name, {{t, width}, {t, width}, {t, 2 * head_count}, {t, head_count}}}, [=](const Inputs& x) {
            return kernel_attention(elu_plus_one(x[0]), elu_plus_one(x[1]), x[2], head_count, 1e-6, layout, true,
                                    gates(x[3]));
          }};
}

}  // namespace

std::vector<Entry> gated_cases() {
  const SequenceLayout r = ragged(), l = single(290, 300);
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

}  // namespace lra::inline LRA_ENGINE
