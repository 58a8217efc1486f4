#include "datasets/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <variant>

#include "core/file.h"
#include "datasets/cache_format.h"
#include "datasets/checksum.h"

namespace lra {
namespace {

/// A dataset in the cache's format, in borrowed or owned bytes, read in place. Requires that cache::flaw accepts them.
class PackedDataset final : public Dataset {
 public:
  using Storage = std::variant<MappedFile, std::vector<std::byte>>;

  /// `file` is removed when its data are found to be damaged; empty: no file.
  PackedDataset(Storage storage, std::filesystem::path file) : storage_(std::move(storage)), file_(std::move(file)) {
    std::memcpy(&header_, bytes().data(), sizeof header_);
    fingerprint_.assign(header_.fingerprint, sizeof header_.fingerprint);
    const cache::Layout layout = cache::layout_of(header_);
    const std::uint64_t blocks = cache::blocks_of(layout);
    table_ = array<std::uint64_t>(bytes().subspan(sizeof header_), 0, blocks);
    body_ = bytes().subspan(sizeof header_ + 8 * blocks);
    verified_ = std::vector<std::atomic<bool>>(blocks);
    offsets_ = array<std::uint64_t>(body_, 0, header_.sequences + 1);
    tokens_ = array<std::uint16_t>(body_, layout.tokens, header_.tokens);
    findings_ = array<char>(body_, layout.findings, header_.findings);
    for (std::size_t s = 0; s < cache::kSplits; ++s) {
      const std::uint64_t n = header_.counts.examples[s];
      splits_[s].firsts = array<std::uint32_t>(body_, layout.firsts[s], n);
      splits_[s].seconds = array<std::uint32_t>(body_, layout.seconds[s], header_.counts.paired ? n : 0);
      splits_[s].labels = array<std::uint16_t>(body_, layout.labels[s], n);
    }
  }

  long size(Split split) const override { return long(of(split).labels.size()); }

  Example at(Split split, long index) const override {
    const SplitView& view = of(split);
    const auto i = std::size_t(index);
    Example example;
    example.tokens = sequence(verified(view.firsts, i, 1)[0]);
    if (!view.seconds.empty()) example.second = sequence(verified(view.seconds, i, 1)[0]);
    example.label = verified(view.labels, i, 1)[0];
    return example;
  }

  Extent extent(Split split) const override { return header_.extents[std::size_t(split)]; }
  const std::string& fingerprint() const override { return fingerprint_; }

  Findings findings() const override {
    const auto text = verified(findings_, 0, findings_.size());
    auto findings = cache::decode_findings({text.data(), text.size()});
    if (!findings) refuse(kNoFindings);
    return *std::move(findings);
  }

  CacheSummary summary() const {
    CacheSummary summary{bytes().size(), {}, long(header_.sequences), fingerprint_};
    for (std::size_t s = 0; s < cache::kSplits; ++s) summary.examples[s] = long(header_.counts.examples[s]);
    return summary;
  }

  /// Verifies all data; empty when they are valid.
  std::string flaw() const {
    for (std::size_t b = 0; b < table_.size(); ++b)
      if (!matches_checksum(b)) return fmt::format("the checksum of block {} does not agree", b);
    const auto beyond = [this](std::span<const std::uint32_t> numbers) {
      return !numbers.empty() && *std::max_element(numbers.begin(), numbers.end()) >= header_.sequences;
    };
    for (const SplitView& view : splits_)
      if (beyond(view.firsts) || beyond(view.seconds)) return kNoSequence;
    if (!std::is_sorted(offsets_.begin(), offsets_.end()) || offsets_.back() > header_.tokens) return kOutside;
    if (cache::fingerprint_of(header_.counts, [this](Split split, long i) { return at(split, i); }) != fingerprint_)
      return "its content is not what its fingerprint says";
    if (!cache::decode_findings({findings_.data(), findings_.size()})) return kNoFindings;
    return {};
  }

 private:
  static constexpr const char* kNoSequence = "an example refers to a sequence that is not there";
  static constexpr const char* kOutside = "a sequence lies outside the data";
  static constexpr const char* kNoFindings = "what was found in the data is not readable";

  struct SplitView {
    std::span<const std::uint32_t> firsts, seconds;
    std::span<const std::uint16_t> labels;
  };

  template <typename T>
  static std::span<const T> array(std::span<const std::byte> from, std::uint64_t at, std::uint64_t count) {
    return {reinterpret_cast<const T*>(from.data() + at), count};
  }

  std::span<const std::byte> bytes() const {
    if (const auto* file = std::get_if<MappedFile>(&storage_)) return file->bytes();
    return std::get<std::vector<std::byte>>(storage_);
  }
  const SplitView& of(Split split) const { return splits_[std::size_t(split)]; }

  std::span<const std::uint16_t> sequence(std::uint32_t number) const {
    if (number >= header_.sequences) refuse(kNoSequence);
    const auto border = verified(offsets_, number, 2);
    if (border[0] > border[1] || border[1] > header_.tokens) refuse(kOutside);
    return verified(tokens_, border[0], border[1] - border[0]);
  }

  /// Return a part of an array after checking its blocks.
  template <typename T>
  std::span<const T> verified(std::span<const T> whole, std::uint64_t at, std::uint64_t count) const {
    const std::span<const T> part = whole.subspan(at, count);
    if (part.empty()) return part;
    const auto begin = std::size_t(reinterpret_cast<const std::byte*>(part.data()) - body_.data());
    for (std::size_t b = begin / cache::kBlock; b <= (begin + part.size_bytes() - 1) / cache::kBlock; ++b)
      if (!matches_checksum(b)) refuse(fmt::format("the checksum of block {} does not agree", b));
    return part;
  }

  /// Check a block on its first use. Several threads may check the same block at once, with the same result.
  bool matches_checksum(std::size_t block) const {
    if (verified_[block].load(std::memory_order_relaxed)) return true;
    const std::size_t from = block * cache::kBlock;
    if (checksum(body_.subspan(from, std::min(cache::kBlock, body_.size() - from))) != table_[block]) return false;
    verified_[block].store(true, std::memory_order_relaxed);
    return true;
  }

  [[noreturn]] void refuse(const std::string& why) const {
    if (file_.empty()) fail_data("prepared data are damaged: {}", why);
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
    fail_data(
        "{} is damaged ({}) and was removed; the same command again prepares it anew, 'lra data verify' checks "
        "the other prepared data",
        file_.string(), why);
  }

  Storage storage_;
  std::filesystem::path file_;
  cache::Header header_;
  std::span<const std::uint64_t> table_, offsets_;
  std::span<const std::byte> body_;
  std::span<const std::uint16_t> tokens_;
  std::span<const char> findings_;
  SplitView splits_[cache::kSplits];
  std::string fingerprint_;
  mutable std::vector<std::atomic<bool>> verified_;
};

/// Return the file with a verified header, or nothing and in `why` what is wrong with it. For a missing file `why`
/// stays empty.
std::unique_ptr<PackedDataset> open_sound(const std::filesystem::path& file, const std::string& key, std::string& why) {
  if (!std::filesystem::exists(file)) return nullptr;
  MappedFile mapped(file);
  why = cache::flaw(mapped.bytes(), key);
  return why.empty() ? std::make_unique<PackedDataset>(std::move(mapped), file) : nullptr;
}

/// A lock that is held while a file is prepared. Where locks do not work, two processes may prepare the same file; the
/// result is still right because write_file renames, only slower.
class PreparationLock {
 public:
  explicit PreparationLock(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (fd_ >= 0) ::flock(fd_, LOCK_EX);
  }
  ~PreparationLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  PreparationLock(const PreparationLock&) = delete;
  PreparationLock& operator=(const PreparationLock&) = delete;

 private:
  int fd_;
};

}  // namespace

std::unique_ptr<Dataset> open_cached(const std::filesystem::path& file, const std::string& key,
                                     const std::function<Corpus()>& make, const Notice& notice) {
  std::string why;
  if (auto data = open_sound(file, key, why)) return data;

  std::error_code failed;
  std::filesystem::create_directories(file.parent_path(), failed);
  if (failed) fail("cannot make the cache folder {}: {}", file.parent_path().string(), failed.message());
  const PreparationLock lock(file.string() + ".lock");
  why.clear();
  if (auto data = open_sound(file, key, why)) return data;
  if (notice)
    notice(why.empty() ? fmt::format("preparing {}", file.string())
                       : fmt::format("preparing {} again: {}", file.string(), why));
  {
    const Corpus corpus = make();
    write_file(file, [&](const Put& put) { cache::write(corpus, key, put); });
    for (const auto* sentences : {&corpus.findings.remarks, &corpus.findings.cautions})
      for (const std::string& sentence : *sentences)
        if (notice) notice(sentence);
  }
  auto data = open_sound(file, key, why);
  if (!data) fail("{} was written but cannot be read back: {}", file.string(), why);
  return data;
}

std::unique_ptr<Dataset> in_memory(const Corpus& corpus) {
  std::vector<std::byte> bytes;
  cache::write(corpus, std::string(64, '0'),
               [&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  return std::make_unique<PackedDataset>(std::move(bytes), std::filesystem::path());
}

std::optional<CacheSummary> summarise_cache(const std::filesystem::path& file) {
  std::string why;
  const auto data = open_sound(file, "", why);
  if (!why.empty()) fail_data("{} cannot be used: {}; the next use prepares it anew", file.string(), why);
  return data ? std::optional(data->summary()) : std::nullopt;
}

std::string flaw_of_cache(const std::filesystem::path& file) {
  std::string why;
  const auto data = open_sound(file, "", why);
  if (data) why = data->flaw();
  if (!data && why.empty()) return "it is missing";
  if (!why.empty()) std::filesystem::remove(file);
  return why;
}

}  // namespace lra
