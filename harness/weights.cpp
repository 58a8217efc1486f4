#include "harness/weights.h"

#include <algorithm>

#include "core/error.h"
#include "core/names.h"

namespace lra {

std::vector<long> dimensions(const Shape& shape) {
  std::vector<long> all;
  all.reserve(std::size_t(shape.rank()));
  for (int i = 0; i < shape.rank(); ++i) all.push_back(shape[i]);
  return all;
}

std::vector<StoredArray> arrays_of(const Parameters& parameters, std::span<const float> values,
                                   const std::string& prefix) {
  std::vector<StoredArray> all;
  for (const ParameterInfo& p : parameters.list())
    all.push_back(StoredArray::of<float>(prefix + p.name, dimensions(p.shape),
                                         values.subspan(std::size_t(p.offset), std::size_t(p.shape.size()))));
  return all;
}

void load_weights(const std::filesystem::path& path, Parameters& parameters) {
  const StoredArrays file(path);
  std::vector<std::string> names;
  std::vector<float> values(parameters.values().size());
  for (const ParameterInfo& p : parameters.list()) {
    names.push_back(p.name);
    const StoredArray* array = file.find(p.name);
    if (!array) fail_data("{} has no parameter '{}' {}", path.string(), p.name, p.shape.text());
    if (array->shape != dimensions(p.shape))
      fail_data("{}: the parameter '{}' has the shape ({}); this model's has {}", path.string(), p.name,
                fmt::join(array->shape, ","), p.shape.text());
    const std::vector<float> stored = file.values<float>(p.name);
    std::copy(stored.begin(), stored.end(), values.begin() + p.offset);
  }
  for (const StoredArray& array : file.all())
    if (!array.name.starts_with(kBesideWeights) && std::find(names.begin(), names.end(), array.name) == names.end())
      fail_data("{}: this model has no parameter '{}'{}", path.string(), array.name, suggestion(array.name, names));
  std::copy(values.begin(), values.end(), parameters.values().begin());
}

}  // namespace lra
