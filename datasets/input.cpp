#include "datasets/input.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <utility>

#include "core/error.h"
#include "datasets/missing.h"

namespace lra {
namespace {

using Reader = std::unique_ptr<archive, int (*)(archive*)>;

/// The number of bytes that are read, and passed on, at a time.
constexpr std::size_t kBlock = 1 << 16;

/// Throws libarchive's error, or one for a truncated stream, of which it reports some without a message.
[[noreturn]] void fail_archive(const std::filesystem::path& path, archive* reader) {
  const char* words = archive_error_string(reader);
  fail_data("{} is damaged or incomplete ({}); get it again and compare its size", path.string(),
            words ? words : "unexpected end");
}

void hand_over(const std::filesystem::path& path, archive* reader, const Put& put) {
  std::vector<std::byte> block(kBlock);
  for (;;) {
    const la_ssize_t got = archive_read_data(reader, block.data(), block.size());
    if (got < 0) fail_archive(path, reader);
    if (got == 0) return;
    put(std::span(block).first(std::size_t(got)));
  }
}

[[noreturn]] void fail_format(const std::filesystem::path& path);

Reader new_reader(bool raw) {
  Reader reader(archive_read_new(), archive_read_free);
  archive_read_support_filter_all(reader.get());
  if (raw) {
    archive_read_support_format_raw(reader.get());
    archive_read_support_format_empty(reader.get());
  } else {
    archive_read_support_format_tar(reader.get());
    archive_read_support_format_zip(reader.get());
  }
  return reader;
}

Reader open_archive(const std::filesystem::path& path, bool raw) {
  check_can_be_read(path);
  Reader reader = new_reader(raw);
  if (archive_read_open_filename(reader.get(), path.c_str(), kBlock) != ARCHIVE_OK) {
    if (!raw) fail_format(path);
    fail_archive(path, reader.get());
  }
  return reader;
}

/// Throws the error for a file that is not an archive; it is called damaged only when its bytes cannot be read.
[[noreturn]] void fail_format(const std::filesystem::path& path) {
  if (!std::ifstream(path)) fail_data("cannot read {}: {}", path.string(), std::strerror(errno));
  if (std::filesystem::file_size(path) == 0) fail_data("{} is empty; get it again", path.string());
  const Reader reader = open_archive(path, /*raw=*/true);
  archive_entry* entry = nullptr;
  if (archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) fail_archive(path, reader.get());
  hand_over(path, reader.get(), [](auto&&) {});
  const bool compressed = archive_filter_code(reader.get(), 0) != ARCHIVE_FILTER_NONE;
  fail_data("{} is a {} file and no tar or zip archive; a single file is known by its official name, such as {}",
            path.string(), compressed ? "compressed" : "plain", compressed ? "basic_val.tsv.gz" : "basic_val.tsv");
}

bool next(const std::filesystem::path& path, archive* reader, archive_entry*& entry) {
  const int status = archive_read_next_header(reader, &entry);
  if (status != ARCHIVE_OK && status != ARCHIVE_EOF) fail_archive(path, reader);
  return status == ARCHIVE_OK;
}

/// Return the encoding of a text in UTF-16 or UTF-32, judged by a byte order mark or by the zeros beside most line ends
/// and tabs. Empty for other texts.
std::string wide_encoding(std::string_view begin) {
  using namespace std::string_view_literals;
  for (const auto& [mark, name] : {std::pair("\xff\xfe\0\0"sv, "UTF-32LE"), std::pair("\0\0\xfe\xff"sv, "UTF-32BE"),
                                   std::pair("\xff\xfe"sv, "UTF-16LE"), std::pair("\xfe\xff"sv, "UTF-16BE")})
    if (begin.starts_with(mark)) return name;
  long separators = 0, wide = 0, widest = 0, at_end = 0;  // at_end: at odd offsets, as in big-endian text
  for (std::size_t i = 0; i < begin.size(); ++i) {
    if (begin[i] != '\n' && begin[i] != '\t') continue;
    ++separators;
    at_end += i % 2;
    wide += begin.substr(i + 1).starts_with('\0') || begin.substr(0, i).ends_with('\0');
    widest += begin.substr(i + 1).starts_with("\0\0\0"sv) || begin.substr(0, i).ends_with("\0\0\0"sv);
  }
  if (2 * wide <= separators) return {};
  return fmt::format("UTF-{}{}", 2 * widest > separators ? "32" : "16", 2 * at_end > separators ? "BE" : "LE");
}

/// Return why a file with this beginning is not readable text; empty when it is.
std::string flaw_of_text(std::string_view begin) {
  for (const std::string_view magic :
       {std::string_view("\x1f\x8b"),
        std::string_view("\xfd"
                         "7zXZ"),
        std::string_view("BZh"), std::string_view("\x28\xb5\x2f\xfd"), std::string_view("PK\x03\x04")})
    if (begin.starts_with(magic))
      return "holds compressed data, not text; unpack it, or name its kind at the end of its name (.gz, .xz, .bz2, "
             ".zst)";
  if (const std::string encoding = wide_encoding(begin); !encoding.empty())
    return fmt::format("is written in {0}; save it in UTF-8 (iconv -f {0} -t UTF-8)", encoding);
  return {};
}

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// Splits a text that arrives in pieces into lines.
class LineCutter {
 public:
  explicit LineCutter(const EachLine& each) : each_(each) {}

  void add(std::string_view piece) {
    std::size_t from = pending_.size();
    pending_.append(piece);
    std::size_t begin = 0;
    for (std::size_t end; (end = pending_.find('\n', from)) != std::string::npos; begin = from = end + 1) {
      has_line_feed_ = true;
      hand_over(std::string_view(pending_).substr(begin, end - begin));
    }
    pending_.erase(0, begin);
  }

  void end() {
    std::string_view rest = pending_;
    for (std::size_t end; !has_line_feed_ && (end = rest.find('\r')) != std::string_view::npos;) {
      hand_over(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    hand_over(rest);
  }

 private:
  /// Empty lines are held back until a non-empty one follows.
  void hand_over(std::string_view line) {
    if (!std::exchange(begun_, true) && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) {
      ++empty_;
      return;
    }
    for (; empty_ > 0; --empty_) each_(++number_, {});
    each_(++number_, line);
  }

  const EachLine& each_;
  std::string pending_;  // the beginning of an unfinished line
  bool begun_ = false, has_line_feed_ = false;
  long number_ = 0, empty_ = 0;
};

bool leads_outside(const std::filesystem::path& name) {
  return name.is_absolute() || std::find(name.begin(), name.end(), "..") != name.end();
}

}  // namespace

std::filesystem::path find_input(const std::filesystem::path& root, const std::vector<std::string>& places,
                                 const std::string& remedy) {
  for (const std::string& place : places)
    if (!root.empty() && std::filesystem::exists(root / place)) return root / place;
  std::string looked;
  for (const std::string& place : places) looked += (looked.empty() ? "" : ", ") + place;
  const std::string near = near_form(root, places);
  fail_data("found none of {} in the data folder '{}'{}; {}", looked, root.string(),
            near.empty() ? "" : ", but " + near, remedy);
}

bool is_hidden(const std::filesystem::path& path) {
  return std::any_of(path.begin(), path.end(), [](const std::filesystem::path& part) {
    const std::string& name = part.native();
    return name == "__MACOSX" || (name.starts_with('.') && name != "." && name != "..");
  });
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (!is_hidden(entry.path().filename())) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

void walk_archive(const std::filesystem::path& path,
                  const std::function<void(const std::string&, const Content&)>& each) {
  const Reader reader = open_archive(path, /*raw=*/false);
  for (archive_entry* entry = nullptr; next(path, reader.get(), entry);) {
    const char* name = archive_entry_pathname(entry);
    if (!name || archive_entry_filetype(entry) != AE_IFREG) continue;
    const std::string kept = name;  // the entry's memory is reused while its data are read
    if (is_hidden(kept)) continue;
    if (leads_outside(kept)) fail_data("{}: the name '{}' leads out of the archive's folder", path.string(), kept);
    each(kept, [&](const Put& put) { hand_over(path, reader.get(), put); });
  }
}

void read_archive(const std::filesystem::path& path, const std::function<bool(const std::string&)>& wanted,
                  const std::function<void(const std::string&, std::string)>& each, std::size_t largest) {
  walk_archive(path, [&](const std::string& name, const Content& content) {
    if (wanted(name)) each(name, collect(path.string() + ": " + name, content, largest));
  });
}

std::string collect(const std::string& name, const Content& content, std::size_t largest) {
  std::string text;
  content([&](std::span<const std::byte> piece) {
    if (piece.size() > largest - text.size()) fail_data("{} has more than {} bytes and is not read", name, largest);
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  });
  return text;
}

void check_text(const std::string& name, std::string_view begin) {
  if (const std::string flaw = flaw_of_text(begin); !flaw.empty()) fail_data("{} {}", name, flaw);
}

void lines_of(const Content& content, const EachLine& each) {
  LineCutter lines(each);
  content([&](std::span<const std::byte> piece) {
    lines.add({reinterpret_cast<const char*>(piece.data()), piece.size()});
  });
  lines.end();
}

void read_pieces(const std::filesystem::path& file, const Put& put) {
  check_can_be_read(file);
  std::ifstream in(file, std::ios::binary);
  std::vector<char> block(std::size_t{1} << 20);
  while (in) {
    in.read(block.data(), std::streamsize(block.size()));
    put(std::as_bytes(std::span(block).first(std::size_t(in.gcount()))));
  }
  if (!in.eof()) fail_data("cannot read {}: {}", file.string(), std::strerror(errno));
}

std::optional<std::string> unpacked_name(const std::string& name) {
  for (const std::string_view ending : {".gz", ".xz", ".bz2", ".zst"})
    if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  return {};
}

void unpack(const std::filesystem::path& path, const Put& put) {
  const Reader reader = open_archive(path, /*raw=*/true);
  archive_entry* entry = nullptr;
  if (next(path, reader.get(), entry)) hand_over(path, reader.get(), put);
}

void unpack(const std::string& name, const Content& packed, const Put& put) {
  const std::string bytes = collect(name, packed);
  const Reader reader = new_reader(/*raw=*/true);
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    fail_archive(name, reader.get());
  archive_entry* entry = nullptr;
  if (next(name, reader.get(), entry)) hand_over(name, reader.get(), put);
}

std::string read_compressed(const std::filesystem::path& path, std::size_t largest) {
  return collect(
      path.string(), [&](const Put& put) { unpack(path, put); }, largest);
}

bool is_compressed(const std::filesystem::path& file) { return unpacked_name(file.string()).has_value(); }

void for_each_line(std::string_view text, const EachLine& each) {
  LineCutter lines(each);
  lines.add(text);
  lines.end();
}

void read_lines(const std::filesystem::path& file, const EachLine& each) {
  read_first_lines(file, std::numeric_limits<std::uintmax_t>::max(), each);
}

void read_first_lines(const std::filesystem::path& file, std::uintmax_t most, const EachLine& each) {
  LineCutter lines(each);
  bool looked = false;
  const auto add = [&](std::string_view piece) {
    if (!std::exchange(looked, true)) check_text(file.string(), piece);
    lines.add(piece);
  };
  if (is_compressed(file)) {
    const Reader reader = open_archive(file, /*raw=*/true);
    archive_entry* entry = nullptr;
    if (next(file, reader.get(), entry))
      hand_over(file, reader.get(), [&](std::span<const std::byte> piece) {
        add({reinterpret_cast<const char*>(piece.data()), piece.size()});
      });
  } else {
    check_can_be_read(file);
    std::ifstream in(file, std::ios::binary);
    if (!in) fail_data("cannot read {}: {}", file.string(), std::strerror(errno));
    std::array<char, kBlock> block;
    for (std::uintmax_t taken = 0; in.read(block.data(), kBlock), in.gcount() > 0; taken += kBlock) {
      if (taken >= most) return;
      add({block.data(), std::size_t(in.gcount())});
    }
    if (in.bad()) fail_data("cannot read {}: {}", file.string(), std::strerror(errno));
  }
  lines.end();
}

std::vector<std::string_view> split_tabs(std::string_view line) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t tab = line.find('\t');
    parts.push_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return parts;
    line.remove_prefix(tab + 1);
  }
}

}  // namespace lra
