#include "datasets/input.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include "harness/core/error.h"

namespace lra {
namespace {

using Reader = std::unique_ptr<archive, int (*)(archive*)>;

/// Of reading and of handing over.
constexpr std::size_t kBlock = 1 << 16;

/// libarchive's own words, or why there are none: it says nothing of some streams that just end.
[[noreturn]] void fail_archive(const std::filesystem::path& path, archive* reader) {
  const char* words = archive_error_string(reader);
  fail_data("{} is damaged or incomplete ({}); get it again and compare its size", path.string(),
            words ? words : "unexpected end");
}

Reader open_archive(const std::filesystem::path& path, bool raw) {
  Reader reader(archive_read_new(), archive_read_free);
  archive_read_support_filter_all(reader.get());
  if (raw) {
    archive_read_support_format_raw(reader.get());
    archive_read_support_format_empty(reader.get());
  } else {
    archive_read_support_format_tar(reader.get());
    archive_read_support_format_zip(reader.get());
  }
  if (archive_read_open_filename(reader.get(), path.c_str(), kBlock) != ARCHIVE_OK) fail_archive(path, reader.get());
  return reader;
}

bool next(const std::filesystem::path& path, archive* reader, archive_entry*& entry) {
  const int status = archive_read_next_header(reader, &entry);
  if (status != ARCHIVE_OK && status != ARCHIVE_EOF) fail_archive(path, reader);
  return status == ARCHIVE_OK;
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

std::string collect(const std::string& name, const Content& content, std::size_t largest) {
  std::string text;
  content([&](std::span<const std::byte> piece) {
    if (piece.size() > largest - text.size()) fail_data("{} has more than {} bytes and is not read", name, largest);
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  });
  return text;
}

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
  fail_data("found none of {} in the data folder '{}'; {}", looked, root.string(), remedy);
}

void walk_archive(const std::filesystem::path& path,
                  const std::function<void(const std::string&, const Content&)>& each) {
  const Reader reader = open_archive(path, /*raw=*/false);
  for (archive_entry* entry = nullptr; next(path, reader.get(), entry);) {
    const char* name = archive_entry_pathname(entry);
    if (!name || archive_entry_filetype(entry) != AE_IFREG) continue;
    const std::string kept = name;  // the entry's memory is reused while its data are read
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

std::string read_compressed(const std::filesystem::path& path, std::size_t largest) {
  const Reader reader = open_archive(path, /*raw=*/true);
  archive_entry* entry = nullptr;
  if (!next(path, reader.get(), entry)) return {};
  return collect(
      path.string(), [&](const Put& put) { hand_over(path, reader.get(), put); }, largest);
}

void read_lines(const std::filesystem::path& file, const std::function<void(long, std::string_view)>& each) {
  std::ifstream in(file, std::ios::binary);
  if (!in) fail_data("cannot read {}: {}", file.string(), std::strerror(errno));
  std::string line;
  for (long number = 1; std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    each(number, line);
  }
  if (in.bad()) fail_data("cannot read {}: {}", file.string(), std::strerror(errno));
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
