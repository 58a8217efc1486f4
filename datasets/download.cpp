#include "datasets/download.h"

#include <chrono>
#include <fstream>
#include <memory>
#include <thread>

#include <curl/curl.h>

#include "harness/core/config.h"
#include "harness/core/digest.h"
#include "harness/core/file.h"

namespace lra {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// One connection that appends to a part.
class Transfer {
 public:
  Transfer(const Download& download, const fs::path& part, const DownloadProgress& progress, const Patience& patience)
      : download_(download),
        part_(part),
        progress_(progress),
        stall_(patience.stall_seconds),
        curl_(curl_easy_init(), curl_easy_cleanup) {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (ready != CURLE_OK || !curl_) fail("libcurl cannot be started");
    set(CURLOPT_URL, download.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, 10L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, patience.stall_seconds);
    set(CURLOPT_USERAGENT, "lra");
    set(CURLOPT_ERRORBUFFER, words_);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_data);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
    set(CURLOPT_XFERINFODATA, this);
  }

  enum class End { whole, broken, refused, started_over, stopped };
  /// Tries once. `refused` is final; after `broken` another attempt may help.
  End run() {
    begin_ = fs::exists(part_) ? fs::file_size(part_) : 0;
    if (download_.size > 0 && begin_ == download_.size) return End::whole;
    // Not CURLOPT_RESUME_FROM: it gives up where a server can only send the whole.
    const std::string rest = fmt::format("{}-", begin_);
    set(CURLOPT_RANGE, begin_ > 0 ? rest.c_str() : nullptr);
    out_.open(part_, std::ios::binary | std::ios::app);
    if (!out_) fail("cannot write {}", part_.string());
    heard_ = Clock::now();
    const CURLcode code = curl_easy_perform(curl_.get());
    out_.close();
    if (stopped_) return End::stopped;
    if (!out_) fail("cannot write {}: is the disk full?", part_.string());
    return judge(code);
  }

  const std::string& why() const { return why_; }

 private:
  static constexpr long kOk = 200, kPartial = 206, kTooMany = 429, kServerErrors = 500;

  void set(CURLoption option, auto value) {
    if (curl_easy_setopt(curl_.get(), option, value) != CURLE_OK) fail("this libcurl lacks an option that is needed");
  }

  long status() const {
    long code = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &code);
    return code;
  }

  End judge(CURLcode code) {
    constexpr long kNotThere = 416;  // what the part lacks: it is whole, or of another file
    const long answer = status();
    if (answer == kNotThere && begin_ > 0) {
      if (download_.size == 0) return End::whole;
      fs::remove(part_);
      why_ = "the server has another file than before";
      return End::started_over;
    }
    if (answer >= 400) {
      why_ = fmt::format("the server answers {}", answer);
      return answer >= kServerErrors || answer == kTooMany ? End::broken : End::refused;
    }
    if (too_long_) {
      fs::remove(part_);
      why_ = fmt::format("the server sends more than {} bytes", download_.size);
      return End::refused;
    }
    if (code == CURLE_OK) return complete();
    why_ = stalled_    ? fmt::format("nothing came for {} seconds", stall_.count())
           : words_[0] ? words_
                       : curl_easy_strerror(code);
    const bool hopeless = code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
                          code == CURLE_TOO_MANY_REDIRECTS || code == CURLE_PEER_FAILED_VERIFICATION;
    return hopeless ? End::refused : End::broken;
  }

  End complete() {
    const std::uint64_t got = fs::file_size(part_);
    if (download_.size == 0 || got == download_.size) return End::whole;
    fs::remove(part_);
    why_ = fmt::format("the server sent {} bytes instead of {}", got, download_.size);
    return End::refused;
  }

  /// The answer's first bytes decide whether they follow the part or replace it. Error pages are not kept.
  static std::size_t on_data(char* data, std::size_t, std::size_t size, void* self) {
    Transfer& transfer = *static_cast<Transfer*>(self);
    const long answer = transfer.status();
    if (answer >= 400) return size;
    if (answer == kOk && transfer.begin_ > 0) {
      transfer.out_.close();
      transfer.out_.open(transfer.part_, std::ios::binary | std::ios::trunc);
      transfer.begin_ = 0;
    }
    transfer.received_ += size;
    transfer.heard_ = Clock::now();
    transfer.too_long_ = transfer.download_.size > 0 && transfer.begin_ + transfer.received_ > transfer.download_.size;
    if (transfer.too_long_) return 0;
    transfer.out_.write(data, std::streamsize(size));
    return transfer.out_ ? size : 0;
  }

  /// Called about once a second even when nothing comes. libcurl's own limit on slowness takes seconds more to see it.
  static int on_progress(void* self, curl_off_t total, curl_off_t, curl_off_t, curl_off_t) {
    Transfer& transfer = *static_cast<Transfer*>(self);
    const std::uint64_t of = transfer.download_.size > 0 ? transfer.download_.size
                             : total > 0                 ? transfer.begin_ + std::uint64_t(total)
                                                         : 0;
    transfer.stopped_ = transfer.progress_ && !transfer.progress_(transfer.begin_ + transfer.received_, of);
    transfer.stalled_ = Clock::now() - transfer.heard_ > transfer.stall_;
    return transfer.stopped_ || transfer.stalled_ ? 1 : 0;
  }

  const Download& download_;
  const fs::path& part_;
  const DownloadProgress& progress_;
  std::chrono::seconds stall_;
  Clock::time_point heard_{};
  std::unique_ptr<CURL, void (*)(CURL*)> curl_;
  std::ofstream out_;
  std::uint64_t begin_ = 0, received_ = 0;
  bool stopped_ = false, stalled_ = false, too_long_ = false;
  char words_[CURL_ERROR_SIZE] = "";
  std::string why_;
};

std::string digest_of(const fs::path& file, Digest::Algorithm algorithm) {
  const MappedFile mapped(file);
  Digest digest(algorithm);
  digest.add(mapped.bytes());
  return digest.hex();
}

void check(const Download& download, const fs::path& part) {
  for (const auto& [expected, algorithm, name] : {std::tuple(&download.sha256, Digest::Algorithm::sha256, "SHA-256"),
                                                  std::tuple(&download.md5, Digest::Algorithm::md5, "MD5")}) {
    if (expected->empty()) continue;
    const std::string found = digest_of(part, algorithm);
    if (found == *expected) continue;
    fs::remove(part);
    fail_data("{} is not what it should be: its {} is {} instead of {}; it was removed, try another source",
              download.url, name, found, *expected);
  }
}

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
    if (fs::path(entry.file).filename() != entry.file || entry.file == "..")
      fail_data("{}: '{}' is not a plain file name", who, entry.file);
    all.push_back({entry.name, entry.url, entry.file, std::uint64_t(entry.size), entry.sha256, entry.md5, entry.licence,
                   entry.citation});
  }
  return all;
}

bool fetch(const Download& download, const fs::path& target, const DownloadProgress& progress,
           const Patience& patience) {
  const fs::path part = target.string() + ".part";
  std::error_code failed;
  if (target.has_parent_path()) fs::create_directories(target.parent_path(), failed);
  if (failed) fail("cannot make the folder {}: {}", target.parent_path().string(), failed.message());
  std::chrono::milliseconds pause(patience.pause_milliseconds);
  for (long attempt = 1;; ++attempt) {
    Transfer transfer(download, part, progress, patience);
    const auto end = transfer.run();
    if (end == Transfer::End::whole) break;
    if (end == Transfer::End::stopped) return false;
    if (end == Transfer::End::refused)
      fail_data("{} cannot be had: {}; get {} elsewhere, then 'lra data import' it", download.url, transfer.why(),
                download.file);
    if (attempt >= patience.attempts)
      fail_data("{} broke off {} times, last because {}; the same command goes on where it stopped", download.url,
                attempt, transfer.why());
    std::this_thread::sleep_for(pause);
    pause *= 2;
  }
  check(download, part);
  fs::rename(part, target);
  return true;
}

}  // namespace lra
