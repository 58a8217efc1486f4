/// Matrix products by oneDNN; the only file that includes its header. Builds with oneDNN 2.6 and 3.x.
#include "models/tensor/detail/onednn.h"

#include <dnnl_debug.h>
#include <omp.h>
#include <dnnl.hpp>

#include <algorithm>
#include <cassert>
#include <cctype>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/machine.h"
#include "models/tensor/context.h"
#include "models/tensor/detail/kernels.h"
#include "models/tensor/detail/token_tile.h"

namespace lra::inline LRA_ENGINE {
namespace {

using dnnl::memory;

/// The key of a primitive.
struct Product {
  long m, n, k, stride_a, stride_b, stride_c;
  bool transpose_a, transpose_b, accumulate, bias;
  Real scale;
  bool operator==(const Product&) const = default;
};

struct ProductHash {
  std::size_t operator()(const Product& p) const {
    std::size_t h = 0;
    for (const long part : {p.m, p.n, p.k, p.stride_a, p.stride_b, p.stride_c,
                            long(p.transpose_a) + 2 * p.transpose_b + 4 * p.accumulate + 8 * p.bias})
      h = (h ^ std::size_t(part)) * 0x9E3779B97F4A7C15u + (h >> 29);
    return h ^ std::hash<float>{}(float(p.scale));
  }
};

/// Gives matrices that differ only in the stride of a dimension of 1, which no element depends on, the same
/// description. oneDNN ignores such strides when it looks for a primitive that it has made before, but not when it
/// chooses the implementation of a new one. Without this, the bits of a product would depend on what the process
/// computed before.
void describe_once(long rows, long cols, long& stride, bool& transposed) {
  const bool is_row = rows == 1 && (!transposed || stride == 1), is_column = cols == 1 && (transposed || stride == 1);
  if (is_row) {
    stride = cols, transposed = false;
  } else if (is_column) {
    stride = rows, transposed = true;
  }
}

Product described_once(Product p) {
  describe_once(p.m, p.k, p.stride_a, p.transpose_a);
  describe_once(p.k, p.n, p.stride_b, p.transpose_b);
  if (p.m == 1) p.stride_c = p.n;
  return p;
}

memory::desc matrix(long rows, long cols, long stride, bool transposed) {
  return transposed ? memory::desc({rows, cols}, memory::data_type::f32, {1, stride})
                    : memory::desc({rows, cols}, memory::data_type::f32, {stride, 1});
}

dnnl::primitive_attr attributes(const Product& p) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops post;
  // A post-op that scales before the sum would make oneDNN use its reference loops, which are a thousand times slower.
#if DNNL_VERSION_MAJOR < 3
  if (p.scale != 1) attr.set_output_scales(0, {p.scale});
  if (p.accumulate) post.append_sum(1.0f);
#else
  if (p.accumulate) post.append_sum(1.0f / p.scale);
  if (p.scale != 1) post.append_eltwise(dnnl::algorithm::eltwise_linear, p.scale, 0.0f);
#endif
  attr.set_post_ops(post);
  return attr;
}

dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, const Product& p) {
  const auto a = matrix(p.m, p.k, p.stride_a, p.transpose_a);
  const auto b = matrix(p.k, p.n, p.stride_b, p.transpose_b);
  const auto c = matrix(p.m, p.n, p.stride_c, false);
  const auto bias = matrix(1, p.n, p.n, false);
#if DNNL_VERSION_MAJOR < 3
  const auto desc = p.bias ? dnnl::matmul::desc(a, b, bias, c) : dnnl::matmul::desc(a, b, c);
  return {desc, attributes(p), engine};
#else
  if (p.bias) return {engine, a, b, bias, c, attributes(p)};
  return {engine, a, b, c, attributes(p)};
#endif
}

/// A primitive and the memory objects of its arguments; only their addresses change from call to call.
struct Ready {
  dnnl::matmul primitive;
  memory a, b, c, bias, scratch;
  std::unordered_map<int, memory> arguments;
};

/// oneDNN writes through null pointers when an allocation for a primitive fails. So this throws std::bad_alloc before a
/// primitive is created unless the system has enough memory. One thread at a time creates primitives: can_have
/// allocates what it asks for, which would be missing to another thread.
class Making {
 public:
  Making() { expect(kEnough); }
  /// The first primitive of each of oneDNN's implementations needs more, for code generators and their tables.
  void expect_room_for(const std::string& implementation) {
    if (made_.contains(implementation)) return;
    expect(kEnough + kMoreAtFirst);
    made_.insert(implementation);
  }

 private:
  static void expect(std::size_t bytes) {
    if (!can_have(bytes)) throw std::bad_alloc();
  }

  static constexpr std::size_t kEnough = std::size_t{16} << 20, kMoreAtFirst = std::size_t{48} << 20;
  static inline std::mutex mutex_;
  static inline std::set<std::string> made_;

  const std::lock_guard<std::mutex> lock_{mutex_};
};

}  // namespace

/// One worker's oneDNN: engine, stream, primitives, scratchpad.
class Library {
 public:
  Library() : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {}

  void run(const Product& p, const Real* a, const Real* b, const Real* bias, Real* c) {
    auto found = ready_.find(p);
    if (found != ready_.end()) return execute(found->second, p, a, b, bias, c);
    Making making;  // until the end, because a primitive allocates some memory when it first runs
    const auto desc = describe(engine_, p);
    making.expect_room_for(desc.impl_info_str());
    execute(ready_.emplace(p, make(p, desc)).first->second, p, a, b, bias, c);
  }

  /// As run, with rows of zeros behind the p.m rows of a, which make them `padded`.
  void run_padded(Product p, long padded, const Real* a, const Real* b, const Real* bias, Real* c) {
    const long rows = std::exchange(p.m, padded);
    const long stride_a = std::exchange(p.stride_a, p.transpose_a ? p.m : p.k),
               stride_c = std::exchange(p.stride_c, p.n);
    padded_a_.assign(std::size_t(p.m * p.k), 0);
    padded_c_.assign(std::size_t(p.m * p.n), 0);
    const long a_rows = p.transpose_a ? p.k : rows, a_width = p.transpose_a ? rows : p.k;
    kernels::copy_rows({a, a_rows, a_width, stride_a}, {padded_a_.data(), a_rows, a_width, p.stride_a});
    const View own_c{c, rows, p.n, stride_c}, padded_c{padded_c_.data(), rows, p.n, p.n};
    if (p.accumulate) kernels::copy_rows(own_c, padded_c);
    run(described_once(p), padded_a_.data(), b, bias, padded_c_.data());
    kernels::copy_rows(padded_c, own_c);
  }

  long primitives() const { return long(ready_.size()); }

 private:
  void execute(Ready& r, const Product& p, const Real* a, const Real* b, const Real* bias, Real* c) {
    r.a.set_data_handle(const_cast<Real*>(a));
    r.b.set_data_handle(const_cast<Real*>(b));
    r.c.set_data_handle(c);
    if (p.bias) r.bias.set_data_handle(const_cast<Real*>(bias));
    r.scratch.set_data_handle(scratch_.data());
    r.primitive.execute(stream_, r.arguments);
  }

  Ready make(const Product& p, const dnnl::matmul::primitive_desc& desc) {
    Ready r;
    r.primitive = dnnl::matmul(desc);
    r.a = memory(desc.src_desc(), engine_, nullptr);
    r.b = memory(desc.weights_desc(), engine_, nullptr);
    r.c = memory(desc.dst_desc(), engine_, nullptr);
    r.scratch = memory(desc.scratchpad_desc(), engine_, nullptr);
    if (desc.scratchpad_desc().get_size() > scratch_.size()) scratch_.resize(desc.scratchpad_desc().get_size());
    r.arguments = {{DNNL_ARG_SRC, r.a}, {DNNL_ARG_WEIGHTS, r.b}, {DNNL_ARG_DST, r.c}, {DNNL_ARG_SCRATCHPAD, r.scratch}};
    if (p.bias) {
      r.bias = memory(desc.bias_desc(), engine_, nullptr);
      r.arguments.emplace(DNNL_ARG_BIAS, r.bias);
    }
    return r;
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  std::unordered_map<Product, Ready, ProductHash> ready_;
  std::vector<std::byte> scratch_;
  std::vector<Real> padded_a_, padded_c_;
};

namespace {

/// The sizes of the pieces of a dimension n: whole tiles, then halves of a tile down to 16, then the rest. So the
/// number of distinct primitives does not grow with the number of distinct lengths.
long next_piece(long n, long tile) {
  if (n >= tile) return tile;
  for (long piece = tile / 2; piece >= 16; piece /= 2)
    if (n >= piece) return piece;
  return n;
}

constexpr long kDepthTile = 512;  // tokens summed at a time in a weight gradient

/// Returns whether the bits of a product's row depend on how many rows there are. Below AVX-512, oneDNN computes six
/// rows at a time and sums one, two or three remaining rows in other orders.
bool rows_depend_on_their_number() {
  static const bool depend = (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) != dnnl_cpu_isa_avx512_core;
  return depend;
}

constexpr long kRowsAtATime = 6, kFewestRemaining = 4;
/// The largest multiple of kRowsAtATime, and so are its halves down to 30, that oneDNN does not divide again.
constexpr long kDependentRowTile = 240;

/// Returns the number of rows with which `rows` rows must be computed so that each has the bits of any other number.
long complete_rows(long rows) {
  const long remaining = rows % kRowsAtATime;
  const bool incomplete = rows_depend_on_their_number() && remaining > 0 && remaining < kFewestRemaining;
  return incomplete ? rows - remaining + kFewestRemaining : rows;
}

}  // namespace

Worker::Worker() {
  omp_set_num_threads(1);
  assert(!Context::current().library && "a thread is a worker once");
  try {
    Making making;
    making.expect_room_for("engine");
    Context::current().library = new Library();
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
    fail("oneDNN does not start: {}", error.message);
  }
}

Worker::~Worker() { delete std::exchange(Context::current().library, nullptr); }

std::string onednn_version() {
  const dnnl_version_t* v = dnnl_version();
  return fmt::format("{}.{}.{}", v->major, v->minor, v->patch);
}

std::string onednn_instruction_set() {
  std::string name = dnnl_cpu_isa2str(dnnl_get_effective_cpu_isa());  // cpu_isa_avx512_core
  name.erase(0, name.find("isa_") == std::string::npos ? 0 : name.find("isa_") + 4);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return char(std::toupper(c)); });
  return name;
}

long primitive_count() {
  const Library* library = Context::current().library;
  return library ? library->primitives() : 0;
}

namespace kernels {
namespace {

/// The number of rows and the depth of the largest piece of a product.
struct Cut {
  long rows, depth;
};

/// A product of depth 0: bias or zero.
void write_empty_sums(View c, const Real* bias) {
  for (long i = 0; i < c.rows; ++i)
    for (long j = 0; j < c.cols; ++j) c.data[i * c.stride + j] = bias ? bias[j] : Real(0);
}

void multiply(ConstView a, bool transpose_a, ConstView b, bool transpose_b, View c, bool accumulate, Real scale,
              const Real* bias, const Cut& cut) {
  const long m = c.rows, n = c.cols, k = transpose_a ? a.rows : a.cols;
  if (m == 0 || n == 0) return;
  if (k == 0 || a.cols == 0) return accumulate ? void() : write_empty_sums(c, bias);
  assert((transpose_a ? a.cols : a.rows) == m && (transpose_b ? b.cols : b.rows) == k &&
         (transpose_b ? b.rows : b.cols) == n);
  assert(!bias || (!accumulate && scale == 1));
  Context& context = Context::current();
  if (!context.library) fail("a matrix product was asked for outside a worker thread");
  context.work.flops += 2.0 * double(m) * double(n) * double(k);
  try {
    for (long i = 0; i < m;) {
      const long rows = next_piece(m - i, rows_depend_on_their_number() ? kDependentRowTile : cut.rows);
      for (long d = 0; d < k;) {
        const long depth = next_piece(k - d, cut.depth);
        const Real* a_piece = a.data + (transpose_a ? d * a.stride + i : i * a.stride + d);
        const Real* b_piece = b.data + (transpose_b ? d : d * b.stride);
        Real* const c_piece = c.data + i * c.stride;
        const Product product = described_once({rows, n, depth, a.stride, b.stride, c.stride, transpose_a, transpose_b,
                                                accumulate || d > 0, bias && d == 0, scale});
        if (const long padded = complete_rows(rows); padded == rows)
          context.library->run(product, a_piece, b_piece, bias, c_piece);
        else
          context.library->run_padded(product, padded, a_piece, b_piece, bias, c_piece);
        d += depth;
      }
      i += rows;
    }
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
    fail("oneDNN refuses a {}x{}x{} matrix product: {}", m, n, k, error.message);
  }
}

}  // namespace

void gemm(ConstView a, bool transpose_a, ConstView b, bool transpose_b, View c, bool accumulate, Real scale,
          const Real* bias) {
  const long k = transpose_a ? a.rows : a.cols;
  const long depth = transpose_a || k > 4 * kDepthTile ? kDepthTile : std::max(k, 1L);
  multiply(a, transpose_a, b, transpose_b, c, accumulate, scale, bias, {kTokenTile, depth});
}

void gemm_tile(ConstView a, bool transpose_a, ConstView b, bool transpose_b, View c, bool accumulate) {
  const long k = transpose_a ? a.rows : a.cols;
  const bool summed_as_gemm = transpose_a && k % 16 == 0;
  multiply(a, transpose_a, b, transpose_b, c, accumulate, 1, nullptr,
           {std::max(c.rows, 1L), summed_as_gemm ? kDepthTile : std::max(k, 1L)});
}

}  // namespace kernels
}  // namespace lra::inline LRA_ENGINE
