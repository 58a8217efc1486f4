#include "datasets/download.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>

#include <curl/curl.h>

#include "core/file.h"
#include "core/json.h"

namespace lra {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// What the server reported about the file of a part, to recognise later whether it still has the same file.
struct Origin {
  std::string url, etag, modified;
  long size = 0;  // 0: unknown
  void fields(auto&& f) {
    f("url", url, "");
    f("etag", etag, "");
    f("modified", modified, "");
    f("size", size, "");
  }
  /// The value for If-Range: a strong ETag, or else the date. Empty: no validator that covers every byte.
  std::string validator() const { return !etag.empty() && !etag.starts_with("W/") ? etag : modified; }
};

/// A partial download: its bytes are in TARGET.part, their origin in TARGET.part.json. One process at a time holds it.
class Part {
 public:
  explicit Part(const fs::path& target) : path_(target.string() + ".part"), origin_(path_.string() + ".json") {}
  ~Part() {
    if (file_ >= 0 && !gone_ && size() == 0) remove();
    close();
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  /// Returns false when another process holds it.
  bool take() {
    for (;;) {
      file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
      if (file_ < 0) fail("cannot write {}: {}", path_.string(), std::strerror(errno));
      const bool taken = ::flock(file_, LOCK_EX | LOCK_NB) == 0;
      if (!taken && errno != EWOULDBLOCK) fail("cannot lock {}: {}", path_.string(), std::strerror(errno));
      struct stat mine {
      }, now{};
      const bool same = ::fstat(file_, &mine) == 0 && ::stat(path_.c_str(), &now) == 0 && mine.st_ino == now.st_ino;
      if (taken && same) return true;
      close();  // its previous holder has renamed or removed it meanwhile, so the name is another file's now
      if (!taken) return false;
    }
  }

  const fs::path& path() const { return path_; }
  std::uint64_t size() const { return fs::file_size(path_); }

  /// Return the origin; empty when unknown.
  Origin origin() const {
    if (!is_file(origin_)) return {};
    try {
      return parse<Origin>(Json::parse(read_file(origin_), nullptr, /*allow_exceptions=*/false), origin_.string());
    } catch (const Error&) {
      return {};  // damaged, so nothing is known
    }
  }

  void start_over() {
    if (::ftruncate(file_, 0) != 0) fail("cannot write {}: {}", path_.string(), std::strerror(errno));
    fs::remove(origin_);
  }
  void note(const Origin& origin) const { write_file(origin_, to_json(origin).dump()); }

  bool append(const char* data, std::size_t size) const {
    while (size > 0) {
      const ssize_t n = ::write(file_, data, size);
      if (n < 0 && errno != EINTR) return false;
      data += std::max<ssize_t>(n, 0), size -= std::size_t(std::max<ssize_t>(n, 0));
    }
    return true;
  }

  void rename_to(const fs::path& target) {
    fs::remove(origin_);
    rename_file(path_, target);
    gone_ = true;
  }
  void remove() {
    fs::remove(origin_);
    fs::remove(path_);
    gone_ = true;
  }

 private:
  void close() {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
  }

  fs::path path_, origin_;
  int file_ = -1;
  bool gone_ = false;  // the name belongs to another file now
};

bool has_checksum(const Download& download) { return !download.sha256.empty() || !download.md5.empty(); }

/// A Content-Range: "bytes 100-199/1000", "bytes 100-199/*", or, for an unsatisfiable range, "bytes */1000".
struct ContentRange {
  std::optional<std::uint64_t> first, total;
};
ContentRange parse_range(std::string_view text) {
  const auto number = [](std::string_view digits) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end == digits.data()) return {};
    return value;
  };
  const std::size_t begin = text.find(' '), slash = text.find('/');
  if (!text.starts_with("bytes") || begin == std::string_view::npos || slash == std::string_view::npos) return {};
  return {number(text.substr(begin + 1)), number(text.substr(slash + 1))};
}

/// One connection that appends to a part.
class Transfer {
 public:
  Transfer(const Download& download, Part& part, const DownloadProgress& progress, const Patience& patience)
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
  /// Make one attempt. `refused` is final; after `broken` or `started_over` another attempt may succeed.
  End run() {
    known_ = part_.origin();
    if (part_.size() > 0 && !can_go_on()) part_.start_over();
    begin_ = part_.size();
    if (has_checksum(download_) && download_.size > 0 && begin_ == download_.size) return End::whole;
    // Not CURLOPT_RESUME_FROM: it fails when a server can only send the whole file.
    const std::string rest = fmt::format("{}-", begin_), only_if = "If-Range: " + known_.validator();
    const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(curl_slist_append(nullptr, only_if.c_str()),
                                                                     curl_slist_free_all);
    set(CURLOPT_RANGE, begin_ > 0 ? rest.c_str() : nullptr);
    set(CURLOPT_HTTPHEADER, begin_ > 0 && !known_.validator().empty() ? headers.get() : nullptr);
    heard_ = Clock::now();
    const CURLcode code = curl_easy_perform(curl_.get());
    if (stopped_) return End::stopped;
    if (disk_error_) fail("cannot write {}: {}", part_.path().string(), std::strerror(disk_error_));
    const End end = judge(code);
    set(CURLOPT_HTTPHEADER, nullptr);
    return end;
  }

  const std::string& why() const { return why_; }

 private:
  static constexpr long kOk = 200, kPartial = 206, kNotThere = 416, kTooMany = 429, kServerErrors = 500;

  void set(CURLoption option, auto value) {
    if (curl_easy_setopt(curl_.get(), option, value) != CURLE_OK) fail("this libcurl lacks an option that is needed");
  }

  long status() const {
    long code = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &code);
    return code;
  }

  /// Return a header of the last response; empty when it has none.
  std::string header(const char* name) const {
    curl_header* found = nullptr;
    const bool there = curl_easy_header(curl_.get(), name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK;
    return there ? found->value : "";
  }

  /// Whether a mismatch between the part and the rest would be detected.
  bool can_go_on() const {
    if (download_.size > 0 && part_.size() > download_.size) return false;
    return has_checksum(download_) || (known_.url == download_.url && !known_.validator().empty());
  }

  /// Whether the response is about the same file as the part, as far as its headers tell.
  bool is_same_file(const ContentRange& range) const {
    const auto differs = [](const std::string& before, const std::string& now) {
      return !before.empty() && !now.empty() && before != now;
    };
    const std::uint64_t size = download_.size > 0 ? download_.size : std::uint64_t(known_.size);
    return !differs(known_.etag, header("ETag")) && !differs(known_.modified, header("Last-Modified")) &&
           (size == 0 || !range.total || *range.total == size);
  }

  End start_over(const char* why) {
    part_.start_over();
    why_ = why;
    return End::started_over;
  }

  End judge(CURLcode code) {
    const long answer = status();
    if (answer == kNotThere && begin_ > 0) {  // nothing follows the part: it is complete, or of another file
      const ContentRange range = parse_range(header("Content-Range"));
      if (is_same_file(range) && range.total == begin_) return complete();
      return start_over("the server has another file than before");
    }
    if (answer >= 400) {
      why_ = fmt::format("the server answers {}", answer);
      return answer >= kServerErrors || answer == kTooMany ? End::broken : End::refused;
    }
    if (code == CURLE_OK && received_ == 0) begin_answer(answer);  // an empty file
    if (wrong_part_) return start_over("the server sent another part of the file than was asked for");
    if (too_long_) {
      part_.remove();
      why_ = fmt::format("the server sends more than {} bytes", download_.size);
      return End::refused;
    }
    if (code == CURLE_OK) return complete();
    why_ = stalled_    ? fmt::format("nothing came for {} seconds", stall_.count())
           : words_[0] ? words_
                       : curl_easy_strerror(code);
    const bool hopeless = code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
                          code == CURLE_TOO_MANY_REDIRECTS || code == CURLE_PEER_FAILED_VERIFICATION ||
                          code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY;
    return hopeless ? End::refused : End::broken;
  }

  End complete() {
    const std::uint64_t got = part_.size();
    if (got == 0) {
      why_ = "the server sends no bytes";
      return End::refused;
    }
    const std::uint64_t expected = download_.size > 0 ? download_.size : total_.value_or(got);
    if (got == expected) return End::whole;
    if (download_.size == 0) return start_over("the parts do not add up to the file");
    part_.remove();
    why_ = fmt::format("the server sent {} bytes instead of {}", got, expected);
    return End::refused;
  }

  /// The beginning of the response decides whether its bytes follow the part or replace it.
  void begin_answer(long answer) {
    const ContentRange range = parse_range(header("Content-Range"));
    if (answer == kPartial) {
      wrong_part_ = begin_ == 0 || range.first != begin_ || !is_same_file(range);
      total_ = range.total;
      return;
    }
    if (begin_ > 0) part_.start_over();
    begin_ = 0;
    curl_off_t length = -1;
    curl_easy_getinfo(curl_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    part_.note({download_.url, header("ETag"), header("Last-Modified"), std::max<long>(length, 0)});
  }

  /// Error pages are not kept. No exception may pass through libcurl.
  static std::size_t on_data(char* data, std::size_t, std::size_t size, void* self) try {
    Transfer& transfer = *static_cast<Transfer*>(self);
    const long answer = transfer.status();
    if (answer >= 400) return size;
    if (transfer.received_ == 0) transfer.begin_answer(answer);
    transfer.received_ += size;
    transfer.heard_ = Clock::now();
    transfer.too_long_ = transfer.download_.size > 0 && transfer.begin_ + transfer.received_ > transfer.download_.size;
    if (transfer.too_long_ || transfer.wrong_part_) return 0;
    if (transfer.part_.append(data, size)) return size;
    transfer.disk_error_ = errno;
    return 0;
  } catch (const std::exception&) {
    static_cast<Transfer*>(self)->disk_error_ = errno ? errno : EIO;
    return 0;
  }

  /// Called about once per second even when no data arrive. libcurl's own low-speed limit takes seconds longer to
  /// react.
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
  Part& part_;
  const DownloadProgress& progress_;
  std::chrono::seconds stall_;
  Clock::time_point heard_{};
  std::unique_ptr<CURL, void (*)(CURL*)> curl_;
  Origin known_;                        // origin of the part, before this connection
  std::optional<std::uint64_t> total_;  // bytes of the whole file, according to the server
  std::uint64_t begin_ = 0, received_ = 0;
  bool stopped_ = false, stalled_ = false, too_long_ = false, wrong_part_ = false;
  int disk_error_ = 0;
  char words_[CURL_ERROR_SIZE] = "";
  std::string why_;
};

/// Removes the download when it is not the requested file.
void check(const Download& download, Part& part, const AcceptDownload& accept) {
  std::string flaw = flaw_of_download(download, part.path());
  if (!flaw.empty()) flaw = "its file " + flaw;
  if (accept && !has_checksum(download) && download.size == 0) try {
      accept(part.path());
    } catch (const Error& error) {
      if (error.kind() != Kind::data) throw;
      flaw = error.what();
    }
  if (flaw.empty()) return;
  part.remove();
  fail_data("{} did not send what was asked for: {}; it was removed, try again or another source", download.url, flaw);
}

/// Waits while another process fetches this file, and reports its progress. Returns false when `progress` stopped the
/// wait.
bool take_turn(Part& part, const Download& download, const DownloadProgress& progress) {
  while (!part.take()) {
    std::error_code gone;
    const std::uint64_t bytes = fs::file_size(part.path(), gone);
    if (progress && !progress(gone ? 0 : bytes, download.size)) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return true;
}

}  // namespace

bool fetch(const Download& download, const fs::path& target, const DownloadProgress& progress, const Patience& patience,
           const AcceptDownload& accept) {
  std::error_code failed;
  if (target.has_parent_path()) fs::create_directories(target.parent_path(), failed);
  if (failed) fail("cannot make the folder {}: {}", target.parent_path().string(), failed.message());
  const bool was_there = fs::exists(target);
  Part part(target);
  if (!take_turn(part, download, progress)) return false;
  if (!was_there && fs::exists(target)) {  // another process has just completed it
    part.remove();
    return true;
  }
  std::chrono::milliseconds pause(patience.pause_milliseconds);
  for (long attempt = 1;; ++attempt) {
    Transfer transfer(download, part, progress, patience);
    const auto end = transfer.run();
    if (end == Transfer::End::whole) break;
    if (end == Transfer::End::stopped) return false;
    if (end == Transfer::End::refused)
      fail_data("{} cannot be fetched: {}; get {} elsewhere, then 'lra data import' it", download.url, transfer.why(),
                download.file);
    if (attempt >= patience.attempts)
      fail_data("{} broke off {} times, last because {}; the same command resumes it", download.url, attempt,
                transfer.why());
    std::this_thread::sleep_for(pause);
    pause *= 2;
  }
  check(download, part, accept);
  part.rename_to(target);
  return true;
}

}  // namespace lra
