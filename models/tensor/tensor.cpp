#include "models/tensor/tensor.h"
#include "models/tensor/detail/kernels.h"

#include "core/error.h"

namespace lra::inline LRA_ENGINE {

void Shape::refuse_rank(std::size_t rank) { fail("[tensor] {} dimensions; there are up to 4", rank); }

long Shape::size() const {
  long n = 1;
  for (int i = 0; i < rank_; ++i) n *= dims_[std::size_t(i)];
  return n;
}

std::string Shape::text() const {
  std::string text = "(";
  for (int i = 0; i < rank_; ++i) text += (i ? "," : "") + std::to_string(dims_[std::size_t(i)]);
  return text + ")";
}

struct Tensor::Storage {
  explicit Storage(std::size_t size) : owner(&Context::current().memory), bytes(size), block(owner->take(size)) {}
  ~Storage() { owner->give_back(block, bytes); }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  Memory* owner;
  std::size_t bytes;
  Real* block;
};

namespace {
void count_traffic(const Shape& shape) { Context::current().work.bytes += 2.0 * double(shape.size()) * sizeof(Real); }

void check_sizes(const Shape& shape) {
  long bytes = sizeof(Real);
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] < 0) fail("[tensor] the shape {} has a negative size", shape.text());
    if (__builtin_mul_overflow(bytes, shape[i], &bytes))
      fail("[tensor] the shape {} has more numbers than memory has addresses", shape.text());
  }
}

Shape row_major(const Shape& shape) {
  Shape strides = shape;
  long step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}
}  // namespace

Tensor Tensor::empty(const Shape& shape) {
  check_sizes(shape);
  Tensor t;
  t.shape_ = shape;
  t.strides_ = row_major(shape);
  t.storage_ = std::make_shared<Storage>(std::size_t(std::max(shape.size(), 1L)) * sizeof(Real));
  t.data_ = t.storage_->block;
  count_traffic(shape);
  return t;
}

Tensor Tensor::zeros(const Shape& shape) { return full(shape, 0); }

Tensor Tensor::ones(const Shape& shape) { return full(shape, 1); }

Tensor Tensor::full(const Shape& shape, Real value) {
  Tensor t = empty(shape);
  kernels::fill(t.data(), t.size(), value);
  return t;
}

Tensor Tensor::empty_like(const Tensor& x) {
  Tensor t = empty(x.shape_);
  t.strides_ = x.strides_;
  return t;
}

Tensor Tensor::borrow(Real* data, const Shape& shape) {
  check_sizes(shape);
  Tensor t;
  t.shape_ = shape;
  t.strides_ = row_major(shape);
  t.data_ = data;
  count_traffic(shape);
  return t;
}

Tensor Tensor::copy_of(const Tensor& x) {
  Tensor t = empty_like(x);
  kernels::copy(x.data(), t.data(), x.size());
  return t;
}

bool Tensor::contiguous() const {
  const Shape want = row_major(shape_);
  for (int i = 0; i < shape_.rank(); ++i)
    if (shape_[i] != 1 && strides_[i] != want[i]) return false;
  return true;
}

View Tensor::matrix() {
  assert(contiguous());
  const long cols = shape_[-1];
  return {data_, cols ? size() / cols : 0, cols, cols};
}

ConstView Tensor::matrix() const {
  assert(contiguous());
  const long cols = shape_[-1];
  return {data_, cols ? size() / cols : 0, cols, cols};
}

Tensor Tensor::view(const Shape& shape, const Shape& strides, long offset) const {
  check_sizes(shape);
  Tensor t;
  t.storage_ = storage_;
  t.data_ = data_ + offset;
  t.shape_ = shape;
  t.strides_ = strides;
  return t;
}

Tensor Tensor::without_data() const {
  Tensor t = *this;
  t.storage_.reset();
  t.data_ = nullptr;
  return t;
}

void expect_shape(const Tensor& x, const Shape& want, const char* who) {
  if (x.shape() != want) fail("[{}] got a tensor of shape {}, expected {}", who, x.shape().text(), want.text());
}

}  // namespace lra::inline LRA_ENGINE
