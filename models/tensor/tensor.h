/// Tensors: handles on shared storage, with a shape.
///
/// Every tensor is dense: its elements fill their memory without gaps, in some order of the dimensions. Element-wise
/// ops therefore run over flat memory, and a (N, H·D) matrix can be viewed as (H, N, D) without a copy.
#pragma once

#include <array>
#include <cassert>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "models/tensor/context.h"
#include "models/tensor/view.h"

namespace lra::inline LRA_ENGINE {

/// Up to four dimensions.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<long> dims) : rank_(int(dims.size())) {
    if (dims.size() > dims_.size()) refuse_rank(dims.size());
    std::copy(dims.begin(), dims.end(), dims_.begin());
  }
  int rank() const { return rank_; }
  long operator[](int i) const { return dims_[std::size_t(i < 0 ? i + rank_ : i)]; }
  long& operator[](int i) { return dims_[std::size_t(i < 0 ? i + rank_ : i)]; }
  long size() const;
  bool operator==(const Shape&) const = default;
  std::string text() const;  // "(8,1024,64)"

 private:
  [[noreturn]] static void refuse_rank(std::size_t rank);

  std::array<long, 4> dims_{};
  int rank_ = 0;
};

class Tensor;

/// The gradient that a recorded value has accumulated so far.
struct GradientSlot;

/// Creating a tensor throws if its shape has a negative size or more elements than memory has addresses.
class Tensor {
 public:
  Tensor() = default;
  /// Uninitialised, last dimension contiguous.
  static Tensor empty(const Shape& shape);
  static Tensor zeros(const Shape& shape);
  static Tensor ones(const Shape& shape);
  static Tensor full(const Shape& shape, Real value);
  /// Uninitialised, with x's shape and order of dimensions.
  static Tensor empty_like(const Tensor& x);
  /// A view on memory that outlives the tensor.
  static Tensor borrow(Real* data, const Shape& shape);
  static Tensor copy_of(const Tensor& x);

  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  long dim(int i) const { return shape_[i]; }
  long stride(int i) const { return strides_[i]; }
  long size() const { return shape_.size(); }
  bool defined() const { return data_ != nullptr; }
  /// Last dimension fastest, first slowest.
  bool contiguous() const;

  Real* data() { return data_; }
  const Real* data() const { return data_; }

  /// As a matrix: the last dimension by all others. Requires contiguous.
  View matrix();
  ConstView matrix() const;
  /// Returns whether no other tensor shares the storage, which may then be overwritten.
  bool sole_owner() const { return storage_ && storage_.use_count() == 1; }

  /// The same storage seen with other dimensions; the caller keeps it dense.
  Tensor view(const Shape& shape, const Shape& strides, long offset = 0) const;

  /// Returns a handle that can receive the value's gradient but does not keep its data alive.
  Tensor without_data() const;

  const std::shared_ptr<GradientSlot>& slot() const { return slot_; }
  void set_slot(std::shared_ptr<GradientSlot> slot) { slot_ = std::move(slot); }
  /// Element offset in the flat parameter buffers, or −1.
  long parameter() const { return parameter_; }
  void set_parameter(long offset) { parameter_ = offset; }

 private:
  struct Storage;
  std::shared_ptr<Storage> storage_;
  Real* data_ = nullptr;
  Shape shape_, strides_;
  std::shared_ptr<GradientSlot> slot_;
  long parameter_ = -1;
};

struct GradientSlot {
  Tensor gradient;
};

/// Throws unless x has the shape `want`; the message begins with `who`.
void expect_shape(const Tensor& x, const Shape& want, const char* who);

}  // namespace lra::inline LRA_ENGINE
