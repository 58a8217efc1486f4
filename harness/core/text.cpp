#include "core/text.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cctype>

namespace lra {
namespace {

struct Character {
  std::size_t bytes;  // 0: the byte begins no character
  char32_t code;
};

/// Requires a non-empty text.
Character first_character(std::string_view text) {
  utf8proc_int32_t code = 0;
  const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                      static_cast<utf8proc_ssize_t>(text.size()), &code);
  return bytes > 0 ? Character{std::size_t(bytes), char32_t(code)}
                   : Character{0, static_cast<unsigned char>(text.front())};
}

/// Whether it is a control character, or a format character that changes the writing direction, breaks a line or has no
/// width.
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

/// Call f(bytes, character, is_visible) for each character.
template <typename F>
void for_each_character(std::string_view text, F f) {
  while (!text.empty()) {
    const Character c = first_character(text);
    const std::size_t bytes = std::max<std::size_t>(c.bytes, 1);
    f(text.substr(0, bytes), c, c.bytes > 0 && !is_hidden(c.code));
    text.remove_prefix(bytes);
  }
}

std::string shown_but(std::string_view text, bool (*is_kept)(std::string_view piece, std::string_view rest)) {
  std::string out;
  for_each_character(text, [&](std::string_view piece, const Character& c, bool seen) {
    const std::string_view rest = text.substr(std::size_t(piece.data() - text.data()) + piece.size());
    if (seen || is_kept(piece, rest))
      out += piece;
    else
      out += escape_of(c.code, c.bytes);
  });
  return out;
}

}  // namespace

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return text;
}

bool is_utf8(std::string_view text) {
  for (std::size_t bytes; !text.empty(); text.remove_prefix(bytes))
    if (bytes = first_character(text).bytes; bytes == 0) return false;
  return true;
}

std::filesystem::path utf8_path(const std::filesystem::path& whole, const std::filesystem::path& given) {
  return is_utf8(whole.native()) ? whole : given;
}

std::string shown(std::string_view text) {
  return shown_but(text, [](std::string_view piece, std::string_view rest) {
    return piece == "\t" || piece == "\n" || (piece == "\r" && rest.starts_with('\n'));
  });
}

std::string shown_on_a_line(std::string_view text) {
  return shown_but(text, [](std::string_view piece, std::string_view) { return piece == "\t"; });
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for_each_character(text, [&](std::string_view, const Character& c, bool) {
    width += c.bytes == 0 ? 1 : std::size_t(utf8proc_charwidth(utf8proc_int32_t(c.code)));
  });
  return width;
}

std::size_t bytes_of_unfinished_character(std::string_view text) {
  if (text.ends_with('\r')) return 1;
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const int byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xc0) == 0x80) continue;
    return utf8proc_utf8class[byte] > int(back) ? back : 0;
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
