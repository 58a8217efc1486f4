/// ListOps: nested prefix expressions over digits, as text, as tokens and as values.
///
///   Nangia, Bowman. "ListOps: A Diagnostic Dataset for Latent Tree Learning." NAACL-SRW 2018.
///   The token rule is Long Range Arena's (Tay et al., ICLR 2021): a closing bracket is a token of its own, the round
///   brackets of the binary tree are dropped.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.h"

namespace lra::listops {

/// Token ids; 0 is never used and 16 stands for unknown words. LRA leaves their order to chance; here it is fixed: [MIN
/// [MAX [MED [SM X 0 … 9.
enum Token : std::uint16_t { kMin = 1, kMax, kMed, kSm, kClose, kDigit0, kUnknown = 16 };
constexpr long kVocab = 17;

using Tokens = std::vector<std::uint16_t>;

/// Parse an expression in the notation of the official files: "( ( ( [MAX 4 ) 3 ) ] )".
Tokens tokenise(std::string_view text);

/// Return a token sequence as text, such as "[MAX 4 3 X".
std::string to_text(std::span<const std::uint16_t> tokens);

/// Return one node per line, with arguments indented under their operator and the value of each operator whose
/// expression is complete:
///
///   [MAX = 4
///     4
///     3
std::string to_tree(std::span<const std::uint16_t> tokens);

/// Return the value, 0 … 9, of a single well-formed expression; nothing for any other sequence.
std::optional<int> evaluate(std::span<const std::uint16_t> tokens);

/// Return the value of an operator (kMin … kSm) on arguments 0 … 9. MED is the median (of an even number, the mean of
/// the middle two, rounded down); SM is the sum modulo 10.
int apply(std::uint16_t op, std::vector<int> arguments);

/// The random tree of LRA's generator.
struct Grammar {
  long max_depth = 10;       // operators at depth 1 … max_depth − 1
  long max_args = 10;        // 2 … max_args arguments
  double p_operator = 0.25;  // at each node above the last level
};

/// Append one random tree as tokens. Stops early, with `out` longer than `cut`, once the tree is certain to exceed it.
void grow(const Grammar& grammar, long cut, Sequence& draw, Tokens& out);

}  // namespace lra::listops
