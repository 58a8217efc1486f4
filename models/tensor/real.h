/// The scalar that the engine computes with. The product is built with float; the tests build models/ a second time
/// with double over plain reference kernels, in an inline namespace of its own, so that both can stand in one program.
#pragma once

#ifndef LRA_ENGINE
#define LRA_ENGINE f32
#endif

namespace lra {

namespace engine {
struct f32 {
  using Scalar = float;
};
struct f64 {
  using Scalar = double;
};
}  // namespace engine

inline namespace LRA_ENGINE {
using Real = engine::LRA_ENGINE::Scalar;
}

}  // namespace lra
