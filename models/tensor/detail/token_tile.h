/// The number of tokens that the engine takes through one op after another while they stay in the cache.
#pragma once

namespace lra {

/// Rows of a matrix product where rows are tokens. Ops that work on a product's result walk tiles of the same size.
constexpr long kTokenTile = 256;

}  // namespace lra
