#include "models/layers/parameters.h"

#include <bit>

#include "core/digest.h"
#include "core/error.h"

namespace lra::inline LRA_ENGINE {
namespace {

/// Training needs at least 16 bytes per parameter: a model beyond this limit has a mistyped setting.
constexpr long kMostParameters = 1L << 29;

std::string below(const std::string& path, const std::string& name) { return path.empty() ? name : path + "." + name; }

long offset_of(const Parameters& parameters, const std::string& name, const Shape& shape) {
  for (const ParameterInfo& parameter : parameters.list())
    if (parameter.name == name && parameter.shape == shape) return parameter.offset;
  fail("a tied layer needs a parameter '{}' {}, which the layer that it is tied to has not", name, shape.text());
}

}  // namespace

void expect_room(long used, const std::string& what, const Shape& shape) {
  double size = 1;  // the product may exceed the range of long
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] < 0) fail_usage("{} would have the shape {}; try other settings", what, shape.text());
    size *= double(shape[i]);
  }
  if (double(used) + size > double(kMostParameters))
    fail_usage("{} of shape {} makes the model larger than {} parameters; try smaller settings", what, shape.text(),
               kMostParameters);
}

long Parameters::add(const std::string& name, const Shape& shape, const Init& init) {
  for (const ParameterInfo& other : list_)
    if (other.name == name) fail("the parameter '{}' is added twice", name);
  const long offset = count();
  expect_room(offset, fmt::format("the parameter '{}'", name), shape);
  list_.push_back({name, shape, offset});
  count_ += shape.size();
  if (!has_values_) return offset;
  values_.resize(values_.size() + std::size_t(shape.size()), Real(init.kind == Init::Kind::constant ? init.scale : 0));
  const Random random(seed_, "init", name);
  Real* value = values_.data() + offset;
  const std::vector<double> row = init.computed_row ? init.computed_row() : init.row;
  if (!row.empty())
    for (long i = 0; i < shape.size(); ++i) value[i] = Real(row[std::size_t(i) % row.size()]);
  const auto mapped = [&](double draw) { return Real(init.map ? init.map(draw) : draw); };
  if (init.kind == Init::Kind::normal)
    for (long i = 0; i < shape.size(); ++i) value[i] = mapped(init.scale * random.normal(std::uint64_t(i)));
  if (init.kind == Init::Kind::uniform)
    for (long i = 0; i < shape.size(); ++i)
      value[i] = mapped(init.center + init.scale * (2 * random.uniform(std::uint64_t(i)) - 1));
  return offset;
}

void Parameters::make_buffer(UpdateRule rule, bool is_metric) {
  list_.back().rule = std::move(rule);
  list_.back().is_metric = is_metric;
}

long Parameters::trained() const {
  long sum = 0;
  for (const auto& [begin, end] : trained_ranges()) sum += end - begin;
  return sum;
}

std::vector<std::pair<long, long>> Parameters::trained_ranges() const {
  std::vector<std::pair<long, long>> ranges;
  for (const TrainedRange& part : trained_ranges_by_options()) {
    if (ranges.empty() || ranges.back().second != part.begin) ranges.emplace_back(part.begin, part.begin);
    ranges.back().second = part.end;
  }
  return ranges;
}

std::vector<TrainedRange> Parameters::trained_ranges_by_options() const {
  std::vector<TrainedRange> ranges;
  for (const ParameterInfo& p : list_) {
    if (p.rule) continue;
    if (ranges.empty() || ranges.back().end != p.offset || ranges.back().options != p.options)
      ranges.push_back({p.offset, p.offset, p.options});
    ranges.back().end += p.shape.size();
  }
  return ranges;
}

std::string Parameters::digest() const {
  static_assert(std::endian::native == std::endian::little, "the digest is defined over little-endian values");
  Digest digest;
  for (const ParameterInfo& parameter : list_) {
    digest.add(parameter.name + parameter.shape.text());
    const std::vector<float> exact(values_.begin() + parameter.offset,
                                   values_.begin() + parameter.offset + parameter.shape.size());
    digest.add(std::as_bytes(std::span(exact)));
  }
  return digest.hex();
}

Parameter::operator Tensor() const {
  if (!owner_) return {};
  Tensor value = Tensor::borrow(owner_->values().data() + offset_, shape_);
  value.set_parameter(offset_);
  return value;
}

ParameterScope ParameterScope::operator/(const std::string& name) const {
  return {*parameters_, below(path_, name), below(owner_, name)};
}

Parameter ParameterScope::add(const std::string& name, const Shape& shape, const Init& init,
                              const TrainingOptions& options) const {
  const std::string full = below(owner_, name);
  if (is_tied()) return {*parameters_, offset_of(*parameters_, full, shape), shape};
  const long offset = parameters_->add(full, shape, init);
  parameters_->set_options(options);
  return {*parameters_, offset, shape};
}

Parameter ParameterScope::shared(const std::string& name, const Shape& shape, const Init& init) const {
  const std::string full = "shared." + name;
  for (const ParameterInfo& other : parameters_->list())
    if (other.name == full && other.shape == shape) return {*parameters_, other.offset, shape};
  return {*parameters_, parameters_->add(full, shape, init), shape};
}

Parameter ParameterScope::add_buffer(const std::string& name, const Shape& shape, const Init& init, UpdateRule rule,
                                     bool is_metric) const {
  const Parameter buffer = add(name, shape, init);
  if (!is_tied()) parameters_->make_buffer(std::move(rule), is_metric);
  return buffer;
}

Dropout ParameterScope::dropout(const std::string& name, double rate) const { return {rate, random("dropout", name)}; }

Random ParameterScope::random(const std::string& purpose, const std::string& name) const {
  const std::string path = below(path_, name);
  const Random stream(parameters_->seed(), purpose, path);
  parameters_->add_stream({purpose, path, stream.key()});
  return stream;
}

}  // namespace lra::inline LRA_ENGINE
