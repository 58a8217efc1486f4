#include "datasets/download.h"

#include <algorithm>
#include <cctype>

#include "harness/core/config.h"
#include "harness/core/file.h"

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

const std::vector<Download>& official_downloads() {
  static const std::vector<Download> all{
      {"imdb", "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz", "aclImdb_v1.tar.gz", 84125825,
       "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe", "7c2ac02c03563afcf9b574c7e56c153a",
       "not stated by its authors; used in research",
       "Maas et al. Learning Word Vectors for Sentiment Analysis. ACL 2011"},
      {"cifar10", "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "cifar-10-binary.tar.gz", 170052171,
       "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", "c32a1d4ab5d03f1284b67883e8d87530",
       "not stated by its author; used in research",
       "Krizhevsky. Learning Multiple Layers of Features from Tiny Images. 2009"},
      {"lra_release", "https://storage.googleapis.com/long-range-arena/lra_release.gz", "lra_release.gz", 0, "", "",
       "Apache 2.0 for the release; not stated for the papers in it",
       "Tay et al. Long Range Arena: A Benchmark for Efficient Transformers. ICLR 2021"}};
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
    if (fs::path(entry.file).filename() != entry.file || entry.file == "..")
      fail_data("{}: '{}' is not a plain file name", who, entry.file);
    all.push_back({entry.name, entry.url, entry.file, std::uint64_t(entry.size), entry.sha256, entry.md5, entry.licence,
                   entry.citation});
  }
  return all;
}

}  // namespace lra
