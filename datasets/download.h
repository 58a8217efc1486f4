/// Downloads: an interrupted one is resumed as long as the server has the same file, and a file is kept only when size
/// and checksum match. The only user of libcurl.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace lra {

struct Download {
  std::string name;                         // the name for `lra data fetch`: "imdb"
  std::string url;                          // http or https
  std::string file;                         // its name below the data folder
  std::uint64_t size = 0;                   // 0: not known
  std::string sha256 = {}, md5 = {};        // hex digits, published or recorded by others; empty: not known
  std::string licence = {}, citation = {};  // shown before anything is fetched
};

/// Return the downloads of the registered sources, by name.
std::vector<Download> official_downloads();

/// Read a table of downloads from a JSON file: [{"name", "url", "file", "size", "sha256", "md5", "licence",
/// "citation"}], all but the first three optional. Throws a data error that names the file and the entry.
std::vector<Download> read_downloads(const std::filesystem::path& file);

struct Patience {
  long stall_seconds = 30;         // without data before a connection counts as broken
  long attempts = 5;               // connection attempts, each resuming the one before
  long pause_milliseconds = 1000;  // pause between attempts, doubled each time
};

/// Called a few times per second with the received and the total bytes (0: unknown); returning false stops the
/// download.
using DownloadProgress = std::function<bool(std::uint64_t bytes, std::uint64_t of)>;

/// Reads a complete file under its temporary name and throws a data error when it is not the requested one.
using AcceptDownload = std::function<void(const std::filesystem::path& part)>;

/// Return why the size or a checksum of `file` does not match the download: "has 3 bytes instead of 30"; empty when all
/// match.
std::string flaw_of_download(const Download& download, const std::filesystem::path& file);

/// Download to `target` through `target`.part, which an interrupted download leaves behind and the next one resumes;
/// `target`.part.json identifies the file that it is a part of. Without a checksum a part is resumed only when the
/// server's ETag or date shows that it still has the same file; otherwise the download starts over. Follows redirects,
/// and waits while another process fetches the same target. A file with neither size nor checksum is renamed only after
/// `accept` has read it. Returns false when `progress` stopped the download. Throws a data error that names the URL
/// when the server refuses, sends nothing or cannot be resolved, when every attempt broke off, or when size, checksum
/// or `accept` reject the file (the part is then removed).
bool fetch(const Download& download, const std::filesystem::path& target, const DownloadProgress& progress = {},
           const Patience& patience = {}, const AcceptDownload& accept = {});

}  // namespace lra
