/// Routing Transformer: a token attends to tokens that are close to the same centroid of an online k-means.
///
///   Roy, Saffar, Vaswani, Grangier. "Efficient Content-Based Sparse Attention with Routing Transformers." TACL 2021,
///   §4.
///   time O(N·w·C + N·K·C): O(N√N·C) at K = w = √N   memory O(N·C), K clusters of w tokens
#include <cmath>

#include "models/layers/centroids.h"
#include "models/layers/mixer.h"
#include "models/ops/clustering.h"
#include "models/ops/ops.h"

namespace lra {
namespace {

class Routing final : public Mixer {
 public:
  struct Config {
    long clusters = 0;
    long members = 0;
    long local_heads = -1;
    long first_layer = 0;
    long block = 0;
    double decay = 0.999;
    double commitment = 1e-4;
    bool causal = false;
    void fields(auto&& f) {
      f("clusters", clusters, "K: centroids per head; 0 for the square root of the task's length",
        between(0, kMostOfASize));
      f("members", members, "w: queries and keys per cluster; 0 for 1/K of the sequence, rounded up", at_least(0));
      f("local_heads", local_heads, "heads with local attention to a block and its neighbours; -1 for half of them",
        at_least(-1));
      f("first_layer", first_layer, "first layer that routes; in those before it all heads are local", at_least(0));
      f("block", block, "tokens per block of local attention; 0 for the square root of the task's length", at_least(0));
      f("decay", decay, "decay per step of the moving average of a centroid's members", between(0, 1));
      f("commitment", commitment, "factor of the loss that pulls queries and keys to their centroids", at_least(0));
      f("causal", causal,
        "no token sees a later one: queries are keys, and each sees the last w before it that have its centroid");
    }
  };

  Routing(const Config& config, const LayerDims& dims, const ParameterScope& scope)
      : config_(config),
        heads_(dims.heads),
        width_(dims.qkv / dims.heads),
        length_(dims.length),
        local_(dims.layer < config.first_layer ? heads_
               : config.local_heads < 0        ? heads_ / 2
                                               : config.local_heads) {
    if (local_ > heads_) fail_usage("routing: local_heads is {}, of {} heads", local_, heads_);
    const long root = std::max(1L, std::lround(std::sqrt(double(length_))));
    clusters_ = config.clusters > 0 ? config.clusters : root;
    block_ = Window::blocks(config.block > 0 ? config.block : root, 1, 1);
    block_.causal = config.causal;
    const long keys = (config.causal ? local_ : heads_) * width_;  // routed queries are keys if causal
    query_ = head_projection(dims, scope, "query");
    if (keys > 0) key_ = scope.add("key", {keys, dims.width}, Init::xavier(dims.width, dims.qkv));
    value_ = head_projection(dims, scope, "value");
    out_ = out_projection(dims, scope);
    local_site_ = scope.dropout("probabilities", dims.attention_dropout);
    for (long h = local_; h < heads_; ++h) {
      centroids_.emplace_back(scope, fmt::format("centroids.{}", h), clusters_, width_, config.decay);
      sites_.push_back(scope.dropout(fmt::format("probabilities.{}", h), dims.attention_dropout));
    }
  }

  Tensor forward(Tensor x, const SequenceLayout& layout) const override {
    std::vector<Tensor> results;
    if (local_ > 0)
      results.push_back(softmax_attention(of_heads(x, query_, 0, local_), of_heads(x, key_, 0, local_),
                                          of_heads(x, value_, 0, local_), local_, block_, local_site_, layout, layout));
    for (long h = local_; h < heads_; ++h) results.push_back(routed(x, h, layout));
    return linear(concat_columns(results), out_);
  }

 private:
  Tensor of_heads(const Tensor& x, const Parameter& weights, long first, long count) const {
    return linear(x, rows(weights, first * width_, count * width_));
  }

  /// The rows of a head's packed queries and keys in each cluster.
  struct ClusterRows {
    std::vector<long> queries, keys;        // row indices, by sequence and cluster
    std::vector<std::vector<long>> begins;  // per sequence: where its clusters begin, and its end
    SequenceLayout layout;
  };

  Tensor routed(const Tensor& x, long head, const SequenceLayout& layout) const {
    const Centroids& centroids = centroids_[std::size_t(head - local_)];
    const Tensor directions = centroids.directions();
    const Tensor q = l2_normalize(of_heads(x, query_, head, 1), 1);
    const Tensor k = config_.causal ? q : l2_normalize(of_heads(x, key_, head, 1), 1);
    const auto nearest = commit(q, centroids, directions, layout);
    if (!config_.causal) commit(k, centroids, directions, layout);
    ClusterRows clusters = config_.causal ? by_centroid(nearest, layout) : by_closeness(q, k, directions, layout);
    const double root = std::sqrt(double(width_));  // √D for each of q and k, and one to cancel the division
    const Tensor read = sparse_attention(
        gather_rows(scale(q, root * root * root), clusters.queries), gather_rows(k, clusters.keys),
        gather_rows(of_heads(x, value_, head, 1), clusters.keys), 1,
        [this, begins = std::move(clusters.begins)](long s, long, const PartVisitor& visit) {
          visit_parts(begins[std::size_t(s)], visit);
        },
        sites_[std::size_t(head - local_)], clusters.layout, clusters.layout);
    return mean_of_readings(read, clusters.queries, layout.tokens());
  }

  /// Returns the nearest centroid of each row of x, which follows the row; adds the commitment loss.
  std::vector<std::int32_t> commit(const Tensor& x, const Centroids& centroids, const Tensor& directions,
                                   const SequenceLayout& layout) const {
    std::vector<std::int32_t> nearest = nearest_centroids(x.matrix(), directions.matrix());
    centroids.follow(x, nearest);
    const Tensor off = subtract(x, gather_rows(directions, {nearest.begin(), nearest.end()}));
    const Tensor squares = multiply(off, off);
    const long terms = (heads_ - local_) * (config_.causal ? 1 : 2);
    for (long s = 0; s < layout.count(); ++s)
      auxiliary_loss(rows(squares, layout.begin(s), layout.size(s)),
                     config_.commitment / double(layout.size(s) * terms), layout);
    return nearest;
  }

  /// Assigns to each cluster the w queries and the w keys that are closest to its centroid.
  ClusterRows by_closeness(const Tensor& q, const Tensor& k, const Tensor& directions,
                           const SequenceLayout& layout) const {
    ClusterRows clusters = none(layout);
    for (long s = 0; s < layout.count(); ++s) {
      const long n = layout.size(s), w = members_of(n);
      for (const auto& [x, rows] : {std::pair{&q, &clusters.queries}, {&k, &clusters.keys}})
        for (const long member :
             top_members({x->data() + layout.begin(s) * width_, n, width_, width_}, directions.matrix(), w))
          rows->push_back(layout.begin(s) + member);
      for (long c = 0; c <= clusters_; ++c) clusters.begins.back().push_back(c * w);
      close(clusters, s);
    }
    return clusters;
  }

  /// Assigns each token to its nearest centroid.
  ClusterRows by_centroid(const std::vector<std::int32_t>& nearest, const SequenceLayout& layout) const {
    ClusterRows clusters = none(layout);
    for (long s = 0; s < layout.count(); ++s) {
      const std::span<const std::int32_t> own(nearest.data() + layout.begin(s), std::size_t(layout.size(s)));
      for (const std::int32_t token : stable_order(own, clusters_)) {
        const long row = layout.begin(s) + token, count = long(clusters.queries.size()) - clusters.layout.begin(s);
        if (count == 0 || nearest[std::size_t(row)] != nearest[std::size_t(clusters.queries.back())])
          clusters.begins.back().push_back(count);
        clusters.queries.push_back(row);
      }
      clusters.begins.back().push_back(layout.size(s));
      close(clusters, s);
    }
    clusters.keys = clusters.queries;
    return clusters;
  }

  static ClusterRows none(const SequenceLayout& layout) { return {{}, {}, {{}}, layout}; }
  void close(ClusterRows& clusters, long s) const {
    clusters.layout.offsets[std::size_t(s) + 1] = long(clusters.queries.size());
    clusters.layout.length = length_ + clusters_;
    clusters.begins.emplace_back();
  }

  /// The cluster size w in a sequence of n tokens. If causal it must not depend on n.
  long members_of(long n) const {
    const long whole = config_.causal ? length_ : n;
    return std::min(whole, config_.members > 0 ? config_.members : (whole + clusters_ - 1) / clusters_);
  }

  void visit_parts(const std::vector<long>& begins, const PartVisitor& visit) const {
    const long n = begins.back();
    for (std::size_t c = 0; c + 1 < begins.size(); ++c) {
      const Positions own = Positions(n).add(begins[c], begins[c + 1] - begins[c]);
      if (!config_.causal) {
        visit({own, own});
        continue;
      }
      const Positions first = Positions(n).add(begins[c], 1);  // sees only itself, because nothing precedes it
      visit({own, own, Window::band(members_of(n), -1)});
      visit({first, first});
    }
  }

  /// (T,D): the mean of each token's results over its clusters; 0 for a token in no cluster.
  static Tensor mean_of_readings(const Tensor& read, const std::vector<long>& tokens, long count) {
    std::vector<std::vector<long>> of_token(std::size_t(count), std::vector<long>{});
    for (std::size_t i = 0; i < tokens.size(); ++i) of_token[std::size_t(tokens[i])].push_back(long(i));
    std::vector<long> order;
    SequenceLayout readings;
    readings.offsets = {0};
    for (const std::vector<long>& own : of_token) {
      order.insert(order.end(), own.begin(), own.end());
      if (own.empty()) order.push_back(read.dim(0));
      readings.offsets.push_back(long(order.size()));
    }
    const Tensor with_nothing = concat_rows(std::vector{read, Tensor::zeros({1, read.dim(1)})});
    return mean_rows(gather_rows(with_nothing, std::move(order)), readings);
  }

  Config config_;
  long heads_, width_, length_, local_, clusters_;
  Window block_;
  Parameter query_, key_, value_, out_;
  Dropout local_site_;
  std::vector<Centroids> centroids_;  // of the routed heads, like the sites
  std::vector<Dropout> sites_;
};

const RegisterModel<Routing> registered{
    "routing",
    {.summary = "attention within clusters around centroids that follow their members",
     .paper = "Roy et al. \"Efficient Content-Based Sparse Attention with Routing Transformers.\" TACL 2021, "
              "arXiv:2003.05997",
     .complexity = "O(N √N)",
     .kind = "learnable pattern",
     .differs =
         "LRA's code does not have it. Queries and keys have length √D, which the authors' code achieves by a layer "
         "norm that also subtracts their mean; as there, products are not divided by √D. The result of a token in "
         "several clusters is the exact mean over them. Centroids are normalised when used, not when stored. "
         "Commitment sums squared differences of directions of length 1; the authors' code averages those of vectors "
         "of length √D over the features, which is the same. In the paper's causal model a cluster's best tokens "
         "depend on later ones; here, if causal, every token belongs to its nearest centroid and sees the last of its "
         "cluster before it. By default half of the heads of every layer route; the authors route in some layers, "
         "such as the last ones: `first_layer`.",
     .exponent = 1.5,
     .fixed_length = true,
     .causal = true,
     .auxiliary_loss = true}};

}  // namespace
}  // namespace lra
