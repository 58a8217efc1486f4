#include "harness/core/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace lra {
namespace {

struct Character {
  std::size_t bytes;  // 0: the byte begins no character
  char32_t code;
};

/// Bytes of the character that `first` begins, by itself: 0 for one that begins none.
std::size_t length_of(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/// The Unicode Standard 15.0, table 3-7: no overlong form, no surrogate, nothing beyond U+10FFFF.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const std::size_t bytes = length_of(byte(0));
  if (bytes == 0 || bytes > text.size()) return {0, byte(0)};
  char32_t code = bytes == 1 ? byte(0) : byte(0) & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, byte(0)};
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  if (overlong || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {0, byte(0)};
  return {bytes, code};
}

/// Control characters, and format characters that turn the direction of writing, break a line or have no width.
bool is_hidden(char32_t c) {
  const auto within = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  return c < 0x20 || within(0x7f, 0x9f) || c == 0xad || c == 0x61c || c == 0x180e || c == 0x200b ||
         within(0x200e, 0x200f) || within(0x2028, 0x202e) || within(0x2060, 0x206f) || c == 0xfeff ||
         within(0xfff9, 0xfffb) || within(0xe0000, 0xe007f);
}

/// In JSON, whose text holds no character below U+0020 and no byte that is not UTF-8, it stands for the same character.
std::string escape_of(char32_t c, std::size_t bytes) {
  if (bytes == 0 || c < 0x20) return fmt::format("\\x{:02X}", std::uint32_t(c));
  if (c < 0x10000) return fmt::format("\\u{:04X}", std::uint32_t(c));
  const std::uint32_t above = std::uint32_t(c) - 0x10000;
  return fmt::format("\\u{:04X}\\u{:04X}", 0xd800 + (above >> 10), 0xdc00 + (above & 0x3ff));
}

/// Calls f(bytes, character, whether it may be seen) for each character.
template <typename F>
void for_each_character(std::string_view text, F f) {
  while (!text.empty()) {
    const Character c = first_character(text);
    const std::size_t bytes = std::max<std::size_t>(c.bytes, 1);
    f(text.substr(0, bytes), c, c.bytes > 0 && !is_hidden(c.code));
    text.remove_prefix(bytes);
  }
}

std::string shown_but(std::string_view text, std::string_view kept) {
  std::string out;
  for_each_character(text, [&](std::string_view piece, const Character& c, bool seen) {
    if (seen || kept.find(piece) != std::string_view::npos)
      out += piece;
    else
      out += escape_of(c.code, c.bytes);
  });
  return out;
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t bytes; !text.empty(); text.remove_prefix(bytes))
    if (bytes = first_character(text).bytes; bytes == 0) return false;
  return true;
}

std::string shown(std::string_view text) { return shown_but(text, "\t\n"); }

std::string shown_on_a_line(std::string_view text) { return shown_but(text, "\t"); }

std::size_t bytes_of_unfinished_character(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xc0) == 0x80) continue;
    return length_of(byte) > back ? back : 0;
  }
  return 0;
}

std::string shell_word(std::string_view word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) return std::string(word);
  bool seen = true;
  for_each_character(word, [&](std::string_view, const Character&, bool visible) { seen = seen && visible; });
  std::string quoted = seen ? "'" : "$'";
  for_each_character(word, [&](std::string_view piece, const Character&, bool visible) {
    if (seen)
      quoted += piece == "'" ? "'\\''" : std::string(piece);
    else if (piece == "'" || piece == "\\")
      quoted.append("\\").append(piece);
    else if (visible)
      quoted += piece;
    else
      for (const char byte : piece) quoted += fmt::format("\\{:03o}", static_cast<unsigned char>(byte));
  });
  return quoted + "'";
}

std::string shell_command(const std::vector<std::string>& words) {
  std::string command;
  for (const std::string& word : words) command.append(command.empty() ? "" : " ").append(shell_word(word));
  return command;
}

}  // namespace lra
