#include "models/layers/classifier.h"

#include <cmath>
#include <initializer_list>

#include "models/autodiff/profile.h"
#include "models/layers/blocks.h"
#include "models/ops/step_states.h"

namespace lra::inline LRA_ENGINE {
namespace {

void check(const EncoderConfig& shape, const TaskSpec& task) {
  const auto one_of = [](const std::string& name, const std::string& value,
                         std::initializer_list<const char*> allowed) {
    for (const char* option : allowed)
      if (value == option) return;
    fail_usage("encoder: setting '{}' is '{}'; it may be {}", name, value, fmt::join(allowed, " or "));
  };
  one_of("pool", shape.pool, {"cls", "mean"});
  one_of("positions", shape.positions, {"learned", "sinusoid", "none"});
  one_of("interaction", shape.interaction, {"nli", "concat"});
  expect_in_range(shape, "encoder");
  const long qkv = shape.qkv ? shape.qkv : shape.width;
  if (qkv % shape.heads != 0)
    fail_usage("encoder: {} heads do not divide the {} features of queries (qkv)", shape.heads, qkv);
  for (const auto& [name, rate] : {std::pair{"dropout", shape.dropout}, {"attention_dropout", shape.attention_dropout}})
    if (!(rate >= 0 && rate < 1))
      fail_usage("encoder: setting '{}' is {}; it must be at least 0 and below 1", name, rate);
  if (task.vocab < 1 || task.classes < 2 || task.length < 1) fail_usage("task {} has no tokens or classes", task.name);
}

/// The ids as numbers, (T,1).
Tensor numbers(const std::vector<std::int32_t>& ids, const TaskSpec& task) {
  Tensor x = Tensor::empty({long(ids.size()), 1});
  Real* value = x.data();
  for (const std::int32_t id : ids) *value++ = Real((id - task.mean) / task.deviation);
  return x;
}

/// sin and cos of position · 10000^(−2i/C). Vaswani et al. arXiv:1706.03762, §3.5.
std::vector<Real> sinusoid(long length, long width) {
  std::vector<Real> table(std::size_t(length * width));
  for (long p = 0; p < length; ++p)
    for (long c = 0; c < width; ++c) {
      const double angle = double(p) * std::pow(10000.0, -double(c - c % 2) / double(width));
      table[std::size_t(p * width + c)] = Real(c % 2 ? std::cos(angle) : std::sin(angle));
    }
  return table;
}

}  // namespace

struct Classifier::Layers {
  bool cls;  // prepend a learned vector to each sequence
  Parameter tokens, positions, cls_vector;
  std::optional<Linear> values;  // instead of `tokens` where the task's ids are numbers
  std::vector<Real> fixed_positions;
  Dropout site;
  std::unique_ptr<Encoder> encoder;
  std::vector<Linear> head;

  Layers(const std::string& model, const Settings& settings, const EncoderConfig& shape, const TaskSpec& task,
         const LayerDims& dims, const ParameterScope& scope)
      : cls(shape.pool == "cls" && !task.paired),
        tokens(task.reads_numbers() ? Parameter()
                                    : scope.add("embedding.tokens", {task.vocab, shape.width}, Init::normal(1))),
        positions(shape.positions == "learned"
                      ? scope.add("embedding.positions", {dims.length, shape.width}, Init::normal(0.02))
                      : Parameter()),
        cls_vector(cls ? scope.add("embedding.cls", {shape.width}, Init::zeros()) : Parameter()),
        site(scope.dropout("embedding", shape.dropout)),
        encoder(make_encoder(model, settings, dims, scope / "encoder", shape)) {
    if (task.reads_numbers())
      values.emplace(scope / "embedding.values", 1, shape.width, Init::torch(1), Init::torch(1));
    if (shape.positions == "sinusoid") expect_room(0, "the table of positions", {dims.length, shape.width});
    // By default LRA's: one hidden layer, or two for pairs, the second half as wide.
    const long hidden = shape.head_width ? shape.head_width : shape.ff;
    const long hidden_layers = shape.head_layers >= 0 ? shape.head_layers : task.paired ? 2 : 1;
    long width = shape.width * (!task.paired ? 1 : shape.interaction == "nli" ? 4 : 2);
    std::vector<long> sizes;
    for (long l = 0; l < hidden_layers; ++l) sizes.push_back(std::max(1L, hidden >> l));
    sizes.push_back(task.classes);
    for (const long size : sizes) {
      head.emplace_back(scope / "head" / std::to_string(head.size()), width, size, Init::lecun(width), Init::zeros());
      width = size;
    }
  }
};

LayerDims dims_of(const EncoderConfig& shape, const TaskSpec& task) {
  LayerDims dims;
  dims.width = shape.width;
  dims.qkv = shape.qkv ? shape.qkv : shape.width;
  dims.heads = shape.heads;
  dims.length = task.length + (shape.pool == "cls" && !task.paired);
  dims.attention_dropout = shape.attention_dropout;
  dims.height = task.height;
  dims.image_width = task.width;
  dims.ff = shape.ff;
  dims.layers = shape.layers;
  dims.dropout = shape.dropout;
  return dims;
}

Classifier::Classifier(const std::string& model, const Settings& settings, const EncoderConfig& shape,
                       const TaskSpec& task, std::uint64_t seed, Build build)
    : parameters_(seed, build == Build::all), task_(task), shape_(shape) {
  check(shape, task);
  const LayerDims dims = dims_of(shape, task);
  layers_ = std::make_unique<Layers>(model, settings, shape, task, dims, ParameterScope(parameters_, ""));
  if (build == Build::all && shape.positions == "sinusoid")
    layers_->fixed_positions = sinusoid(dims.length, dims.width);
}

Classifier::~Classifier() = default;

SequenceLayout Classifier::layout_of(const Batch& batch, std::uint32_t step) const {
  SequenceLayout layout;
  layout.step = step;
  layout.length = task_.length + layers_->cls;
  const std::uint32_t sides = batch.paired ? 2 : 1;
  layout.offsets.push_back(0);
  for (long s = 0; s < batch.sequences(); ++s) {
    const long n = long(batch.offsets[std::size_t(s) + 1] - batch.offsets[std::size_t(s)]);
    if (n < 1 || n > task_.length)
      fail_data("{}: a sequence of {} tokens; there must be 1 to {}", task_.variant, n, task_.length);
    layout.offsets.push_back(layout.offsets.back() + n + layers_->cls);
    layout.sequences.push_back(batch.examples[std::size_t(s) / sides] * sides + std::uint32_t(s) % sides);
  }
  return layout;
}

Tensor Classifier::forward(const Batch& batch, std::uint32_t step, double weight) const {
  SequenceLayout layout = layout_of(batch, step);
  layout.weight = weight;
  return logits(batch, layout);
}

Tensor Classifier::step(const Batch& batch, StepStates& states) const {
  if (shape_.pool == "cls") fail_usage("encoder: with pool=cls there is no step form; set pool=mean");
  const SequenceLayout layout = layout_of(batch, 0);
  const Continued pass(states, layout);
  for (long s = 0; s < layout.count(); ++s)
    if (const long n = tokens_before(s) + layout.size(s); n > task_.length)
      fail_data("{}: a sequence of {} tokens; there must be 1 to {}", task_.variant, n, task_.length);
  return logits(batch, layout);
}

Tensor Classifier::logits(const Batch& batch, const SequenceLayout& layout) const {
  enter_layer("embedding");
  Tensor x =
      layers_->values ? (*layers_->values)(numbers(batch.ids, task_)) : embedding(batch.ids, layers_->tokens);  // (T,C)
  if (layers_->cls) x = prepend(layers_->cls_vector, x, layout);
  Tensor table = layers_->positions;
  if (!layers_->fixed_positions.empty())
    table = Tensor::borrow(const_cast<Real*>(layers_->fixed_positions.data()), {layout.length, shape_.width});
  if (shape_.positions != "none") x = add_positions(std::move(x), table, layout);
  x = dropout(std::move(x), layers_->site, layout);
  PackedSequences states = layers_->encoder->forward({std::move(x), layout});
  enter_layer("head");
  x = shape_.pool == "cls" ? first_rows(states.x, states.layout) : mean_rows(states.x, states.layout);  // (S,C)
  states.x = {};
  if (batch.paired) {
    const Tensor a = every_other_row(x, 0), b = every_other_row(x, 1);  // (B,C)
    x = shape_.interaction == "nli" ? concat_columns(std::vector{a, b, multiply(a, b), subtract(a, b)})
                                    : concat_columns(std::vector{a, b});
  }
  for (std::size_t i = 0; i + 1 < layers_->head.size(); ++i) x = relu(layers_->head[i](std::move(x)));
  return layers_->head.back()(std::move(x));  // (B,K)
}

}  // namespace lra::inline LRA_ENGINE
