/// Files from the net: resumed where they broke off as long as the server has the same file, and kept only when size
/// and checksum agree. The one user of libcurl.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace lra {

struct Download {
  std::string name;                         // what is asked for: "imdb"
  std::string url;                          // http or https
  std::string file;                         // its name below the data folder
  std::uint64_t size = 0;                   // 0: not known
  std::string sha256 = {}, md5 = {};        // hex digits, published or recorded by others; empty: not known
  std::string licence = {}, citation = {};  // shown before anything is fetched
};

/// What the registered sources can be fetched from, by name.
std::vector<Download> official_downloads();

/// A table of the same form from a JSON file: [{"name", "url", "file", "size", "sha256", "md5", "licence",
/// "citation"}], all but the first three optional. Throws a data error that names the file and the entry.
std::vector<Download> read_downloads(const std::filesystem::path& file);

struct Patience {
  long stall_seconds = 30;         // without a byte, before the connection counts as broken
  long attempts = 5;               // connections tried, each going on where the last broke off
  long pause_milliseconds = 1000;  // between them, doubled every time
};

/// Hears how many bytes there are of how many (0: not known), a few times per second; false ends the download.
using DownloadProgress = std::function<bool(std::uint64_t bytes, std::uint64_t of)>;

/// Reads a whole file that is still called otherwise and throws a data error when it is not what was asked for.
using AcceptDownload = std::function<void(const std::filesystem::path& part)>;

/// Why `file` cannot be the download, by its size and checksums: "has 3 bytes instead of 30"; empty when nothing says
/// so.
std::string flaw_of_download(const Download& download, const std::filesystem::path& file);

/// Fetches to `target`, by way of `target`.part, which stays when the download breaks off and is gone on with the next
/// time; `target`.part.json beside it tells of which file it is a part. Without a checksum a part is gone on with only
/// where the server gives an ETag or a date to tell the same file by, and is begun anew when it has another. Waits
/// while another process fetches the same target. Redirections are followed. What neither size nor
/// checksum vouches for gets its name only after `accept` has read it. Returns false when `progress` ended it. Throws a
/// data error that names the URL: the server refuses or sends nothing, its name is not known, every attempt broke off,
/// or size, checksum or `accept` say that it is another file (then the part is removed).
bool fetch(const Download& download, const std::filesystem::path& target, const DownloadProgress& progress = {},
           const Patience& patience = {}, const AcceptDownload& accept = {});

}  // namespace lra
