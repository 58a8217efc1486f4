#include "datasets/download.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "core/file.h"
#include "core/json.h"
#include "datasets/source.h"

namespace lra {
namespace {

namespace fs = std::filesystem;

struct Entry {
  std::string name, url, file, sha256, md5, licence, citation;
  long size = 0;
  void fields(auto&& f) {
    f("name", name, "");
    f("url", url, "");
    f("file", file, "");
    f("size", size, "");
    f("sha256", sha256, "");
    f("md5", md5, "");
    f("licence", licence, "");
    f("citation", citation, "");
  }
};

bool is_digest(const std::string& digits, std::size_t size) {
  return digits.empty() || (digits.size() == size && std::all_of(digits.begin(), digits.end(),
                                                                 [](unsigned char c) { return std::isxdigit(c); }));
}

}  // namespace

std::vector<Download> official_downloads() {
  std::map<std::string, Download> by_name;
  for (const std::string& name : sources().names()) {
    const SourceEntry& source = sources().at(name);
    for (Download download : source.official.downloads) {
      if (download.licence.empty()) download.licence = source.facts.licence;
      if (download.citation.empty()) download.citation = source.facts.citation;
      by_name.emplace(download.name, std::move(download));
    }
  }
  std::vector<Download> all;
  all.reserve(by_name.size());
  for (auto& [name, download] : by_name) all.push_back(std::move(download));
  return all;
}

std::vector<Download> read_downloads(const fs::path& file) {
  const Json table = Json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
  if (!table.is_array()) fail_data("{} is not a JSON array of downloads", file.string());
  std::vector<Download> all;
  for (const Json& json : table) {
    const std::string who = fmt::format("{} entry {}", file.string(), all.size() + 1);
    const auto entry = parse<Entry>(json, who);
    if (entry.name.empty() || entry.url.empty() || entry.file.empty() || entry.size < 0)
      fail_data("{}: name, url and file must be given, and size be 0 or more", who);
    if (!is_digest(entry.sha256, 64) || !is_digest(entry.md5, 32))
      fail_data("{}: sha256 has 64 hexadecimal digits and md5 has 32, or they are left out", who);
    if (fs::path(entry.file).filename() != entry.file || entry.file == "." || entry.file == "..")
      fail_data("{}: '{}' is not the name of a file", who, entry.file);
    all.push_back({entry.name, entry.url, entry.file, std::uint64_t(entry.size), entry.sha256, entry.md5, entry.licence,
                   entry.citation});
  }
  return all;
}

}  // namespace lra
