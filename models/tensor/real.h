/// The scalar type of the engine. The program is built with float; the tests build models/ a second time with double
/// and plain reference kernels, in a separate inline namespace, so that both engines fit into one program.
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
