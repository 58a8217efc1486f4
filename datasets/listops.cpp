#include "datasets/listops.h"

#include <algorithm>
#include <numeric>

namespace lra::listops {
namespace {

constexpr std::string_view kWords[] = {"[MIN", "[MAX", "[MED", "[SM", "X"};

std::uint16_t token_of(std::string_view word) {
  if (word.size() == 1 && word[0] >= '0' && word[0] <= '9') return std::uint16_t(kDigit0 + (word[0] - '0'));
  if (word == "]") return kClose;
  const auto found = std::find(std::begin(kWords), std::end(kWords), word);
  return found == std::end(kWords) ? std::uint16_t(kUnknown) : std::uint16_t(kMin + (found - std::begin(kWords)));
}

bool is_digit(std::uint16_t token) { return token >= kDigit0 && token < kDigit0 + 10; }

void grow_below(const Grammar& grammar, long depth, long cut, Sequence& draw, Tokens& out) {
  if (long(out.size()) > cut) return;
  if (depth >= grammar.max_depth || draw.uniform() >= grammar.p_operator) {
    out.push_back(std::uint16_t(kDigit0 + draw.below(10)));
    return;
  }
  const std::size_t here = out.size();
  out.push_back(kClose);  // its operator is drawn after the arguments
  const long arguments = 2 + long(draw.below(std::uint32_t(grammar.max_args - 1)));
  for (long i = 0; i < arguments; ++i) grow_below(grammar, depth + 1, cut, draw, out);
  out[here] = std::uint16_t(kMin + draw.below(4));
  out.push_back(kClose);
}

}  // namespace

Tokens tokenise(std::string_view text) {
  Tokens tokens;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) tokens.push_back(token_of(word));
    word.clear();
  };
  for (const char c : text) {
    if (c == '(' || c == ')') continue;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
      end_word();
    else
      word += c;
  }
  end_word();
  return tokens;
}

std::string to_text(std::span<const std::uint16_t> tokens) {
  std::string text;
  for (const std::uint16_t token : tokens) {
    if (!text.empty()) text += ' ';
    if (is_digit(token))
      text += char('0' + (token - kDigit0));
    else if (token >= kMin && token <= kClose)
      text += kWords[token - kMin];
    else
      text += '?';
  }
  return text;
}

std::string to_tree(std::span<const std::uint16_t> tokens) {
  std::string text;
  std::vector<std::size_t> open;  // where the operators around a token begin
  const auto value_of = [&](std::size_t begin) -> std::string {
    long depth = 0;
    for (std::size_t end = begin; end < tokens.size(); ++end) {
      depth += tokens[end] == kClose ? -1 : tokens[end] >= kMin && tokens[end] <= kSm ? 1 : 0;
      if (depth > 0) continue;
      const auto value = evaluate(tokens.subspan(begin, end + 1 - begin));
      return value ? " = " + std::to_string(*value) : "";
    }
    return "";
  };
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] == kClose) {
      if (!open.empty()) open.pop_back();
      continue;
    }
    text.append(2 * open.size(), ' ').append(to_text(tokens.subspan(i, 1)));
    if (tokens[i] >= kMin && tokens[i] <= kSm) {
      text += value_of(i);
      open.push_back(i);
    }
    text += '\n';
  }
  return text;
}

int apply(std::uint16_t op, std::vector<int> arguments) {
  if (op == kSm) return std::accumulate(arguments.begin(), arguments.end(), 0) % 10;
  std::sort(arguments.begin(), arguments.end());
  if (op == kMin) return arguments.front();
  if (op == kMax) return arguments.back();
  const std::size_t n = arguments.size();
  return (arguments[(n - 1) / 2] + arguments[n / 2]) / 2;
}

std::optional<int> evaluate(std::span<const std::uint16_t> tokens) {
  struct Open {
    std::uint16_t op;
    std::vector<int> arguments;
  };
  std::vector<Open> open;
  std::optional<int> result;
  for (const std::uint16_t token : tokens) {
    if (result) return std::nullopt;  // something follows the complete expression
    std::optional<int> value;
    if (token >= kMin && token <= kSm) {
      open.push_back({token, {}});
    } else if (is_digit(token)) {
      value = token - kDigit0;
    } else if (token == kClose && !open.empty() && !open.back().arguments.empty()) {
      value = apply(open.back().op, std::move(open.back().arguments));
      open.pop_back();
    } else {
      return std::nullopt;
    }
    if (!value) continue;
    if (open.empty())
      result = value;
    else
      open.back().arguments.push_back(*value);
  }
  return result;
}

void grow(const Grammar& grammar, long cut, Sequence& draw, Tokens& out) { grow_below(grammar, 1, cut, draw, out); }

}  // namespace lra::listops
