/// Cluster-Former: layers with attention in windows of the sequence, and between them layers with attention among
/// tokens sorted by cluster.
///
///   Wang, Zhou, Gan, Chen, Fang, Sun, Cheng, Liu. "Cluster-Former: Clustering-based Sparse Transformer for Long-Range
///   Dependency Encoding." Findings of ACL 2021, §3.
///   time O(N·(w + c + K)·C)   memory O(N·C)   windows of w tokens, chunks of c, K centroids
#include "models/layers/blocks.h"
#include "models/layers/centroids.h"
#include "models/ops/clustering.h"

namespace lra {
namespace {

std::unique_ptr<Mixer> attention_in_blocks(long block, const LayerDims& dims, const ParameterScope& scope) {
  return models().at("local").mixer({{"block", block}}, dims, scope);
}

/// Attention within chunks of the sequence, sorted by cluster.
class Clustered final : public Mixer {
 public:
  Clustered(long clusters, double decay, long chunk, const LayerDims& dims, const ParameterScope& scope)
      : clusters_(clusters),
        centroids_(scope, "centroids", clusters, dims.width, decay),
        chunks_(attention_in_blocks(chunk, dims, scope)) {}

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    const auto nearest = nearest_centroids(x.matrix(), centroids_.directions().matrix());
    centroids_.follow(x, nearest);
    std::vector<long> sorted, places(nearest.size());
    for (long s = 0; s < layout.count(); ++s) {
      const std::span<const std::int32_t> own(nearest.data() + layout.begin(s), std::size_t(layout.size(s)));
      for (const std::int32_t token : stable_order(own, clusters_)) {
        places[std::size_t(layout.begin(s) + token)] = long(sorted.size());
        sorted.push_back(layout.begin(s) + token);
      }
    }
    return gather_rows(chunks_->forward(gather_rows(x, std::move(sorted)), layout), std::move(places));
  }

 private:
  long clusters_;
  Centroids centroids_;
  std::unique_ptr<Mixer> chunks_;
};

class Clusterformer final : public Encoder {
 public:
  struct Config {
    long window = 128;
    long clusters = 64;
    long chunk = 128;
    long every = 2;
    double decay = 0.99;
    void fields(auto&& f) {
      f("window", window, "tokens per window", at_least(1));
      f("clusters", clusters, "centroids per layer", between(1, kMostOfASize));
      f("chunk", chunk, "tokens per chunk of the sorted sequence", at_least(1));
      f("every", every, "every this many layers, counted back from the last, one layer sorts", at_least(1));
      f("decay", decay, "decay per step of the moving average of a centroid's members", between(0, 1));
    }
  };

  static std::string switched_off(const Config& config, const LayerDims& dims) {
    if (dims.length <= config.chunk) return "sorting by cluster";
    return config.every > 1 && dims.layers > 1 ? "" : "attention in windows of the sequence";
  }

  Clusterformer(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : blocks_(dims, scope, mixers(config, dims.layers), feed_forward()) {}

  PackedSequences forward(PackedSequences tokens) const override { return blocks_.forward(std::move(tokens)); }

 private:
  static MakeMixer mixers(const Config& config, long layers) {
    return [=](const LayerDims& dims, const ParameterScope& scope) -> std::unique_ptr<Mixer> {
      if ((layers - 1 - dims.layer) % config.every != 0) return attention_in_blocks(config.window, dims, scope);
      return std::make_unique<Clustered>(config.clusters, config.decay, config.chunk, dims, scope);
    };
  }

  Blocks blocks_;
};

const RegisterModel<Clusterformer> registered{
    "clusterformer",
    {.summary = "attention in windows, and in chunks of the sequence sorted by cluster",
     .paper = "Wang et al. \"Cluster-Former: Clustering-based Sparse Transformer for Long-Range Dependency Encoding.\" "
              "Findings of ACL 2021, arXiv:2009.06097",
     .complexity = "O(N (w + c + K))",
     .kind = "learnable pattern",
     .differs =
         "LRA's code does not have it, and no code of the authors is known. The paper finds centroids by k-means over "
         "a memory bank of past states once per epoch; here they follow the mean of their members at every step, and "
         "only their directions matter. Its windows overlap and tokens in two windows have the mean of both; here they "
         "do not overlap. It sorts in layers 15 and 20 of 24; here every second layer sorts.",
     .exponent = 1}};

}  // namespace
}  // namespace lra
