/// All op cases, and the function that runs one.
#include "core/error.h"
#include "models/autodiff/tape.h"
#include "models/tensor/detail/kernels.h"
#include "models/testing/bridge.h"
#include "models/testing/op_entries.h"

namespace lra::inline LRA_ENGINE {
namespace {

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = [] {
    std::vector<Entry> joined;
    for (const auto& part : {product_cases(), simple_cases(), arithmetic_cases(), token_cases(), sequence_cases(),
                             attention_cases(), sparse_cases(), entmax_cases(), score_cases(), sorted_cases(),
                             kernel_cases(), gated_cases(), decay_cases(), delta_cases(), cell_cases()})
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
    const Training training;
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
    accumulate_gradient(y, std::move(dy));
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
    const Training training;
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
      accumulate_gradient(y, std::move(dy));
      tape.backward();
      for (const Tensor& dx : gradients)
        run.gradients.push_back(dx.defined() ? Numbers(dx.data(), dx.data() + dx.size()) : Numbers());
    }
    return run;
  }
  fail("there is no op case '{}'", name);
}

}  // namespace lra::inline LRA_ENGINE
