/// Whether AddressSanitizer watches this build.
#pragma once

namespace lra {

/// It must be the first library that a process loads, its shadow memory counts towards limits, and it slows training
/// down many times.
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kSanitised = true;
#else
inline constexpr bool kSanitised = false;
#endif

}  // namespace lra
