#include "datasets/source.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "core/digest.h"
#include "core/text.h"
#include "datasets/cache.h"

namespace lra {
namespace {

constexpr const char* kExtension = ".lradata";

/// Return everything that determines the examples, including the state of the input files.
std::string cache_key(const SourceEntry& source, const std::string& name, const Json& settings,
                      const std::filesystem::path& root) {
  Json files = Json::array();
  for (const auto& path : source.inputs(settings, root)) {
    const auto time = std::filesystem::last_write_time(path).time_since_epoch().count();
    files.push_back(
        {utf8_path(std::filesystem::weakly_canonical(path), path).string(), std::filesystem::file_size(path), time});
  }
  const Json all{
      {"source", name}, {"version", source.facts.version}, {"settings", source.resolve(settings)}, {"files", files}};
  return sha256(all.dump());
}

std::filesystem::path file_of(const std::string& name, const std::string& key, const std::filesystem::path& cache) {
  return cache / fmt::format("{}-{}{}", name, key.substr(0, 16), kExtension);
}

void check_sizes(const std::string& source, const std::array<long, 3>& wanted) {
  if (*std::min_element(wanted.begin(), wanted.end()) < 1)
    fail_usage("{}: every split needs an example, but {} / {} / {} are asked for", source, wanted[0], wanted[1],
               wanted[2]);
}

}  // namespace

Corpus generate(const std::string& source, std::int64_t seed, const std::array<long, 3>& wanted,
                const std::function<void(Sequence& draw, long number, Examples& split)>& write) {
  check_sizes(source, wanted);
  Corpus corpus;
  for (std::size_t split = 0; split < wanted.size(); ++split) {
    const Random random(std::uint64_t(seed), source, name_of(Split(split)));
    for (long i = 0; i < wanted[split]; ++i) {
      Sequence draw(random.at(0, std::uint32_t(i)));
      write(draw, i, corpus.splits[split]);
    }
  }
  return corpus;
}

Corpus generate_distinct(
    const std::string& source, std::int64_t seed, const std::array<long, 3>& wanted,
    const std::function<std::optional<int>(Sequence& draw, std::vector<std::uint16_t>& tokens)>& write,
    const std::string& exhausted) {
  check_sizes(source, wanted);
  constexpr std::uint32_t kDrawsPerExample = 100000;
  const Random random(std::uint64_t(seed), source);
  Corpus corpus;
  std::unordered_set<std::string> seen;
  std::uint32_t draws = 0, last = 0;
  std::vector<std::uint16_t> tokens;
  for (std::size_t split = 0; split < wanted.size();) {
    if (draws - last > kDrawsPerExample) fail_usage("{}: {}", source, exhausted);
    Sequence draw(random.at(draws++, 0));
    tokens.clear();
    const std::optional<int> label = write(draw, tokens);
    if (!label || !seen.emplace(reinterpret_cast<const char*>(tokens.data()), 2 * tokens.size()).second) continue;
    last = draws;
    corpus.splits[split].add(tokens, *label);
    if (corpus.splits[split].size() == wanted[split]) ++split;
  }
  return corpus;
}

std::uint32_t Examples::store(std::span<const std::uint16_t> added) {
  const std::size_t known = distinct_.size();
  const std::uint32_t number = distinct_.number(added, [this](std::uint32_t s) { return sequence(s); });
  if (distinct_.size() > known) {
    tokens.insert(tokens.end(), added.begin(), added.end());
    offsets.push_back(tokens.size());
  }
  return number;
}

void Examples::add(std::span<const std::uint16_t> sequence, int label) {
  firsts.push_back(store(sequence));
  labels.push_back(std::uint16_t(label));
}

void Examples::add(std::span<const std::uint16_t> sequence, std::span<const std::uint16_t> other, int label) {
  add(sequence, label);
  seconds.push_back(store(other));
}

Example Examples::at(long index) const {
  const auto i = std::size_t(index);
  return {sequence(firsts[i]), seconds.empty() ? std::span<const std::uint16_t>() : sequence(seconds[i]), labels[i]};
}

void Extent::include(const Example& example, bool first_one) {
  const auto widen = [first_one](std::int64_t& low, std::int64_t& high, std::size_t size) {
    low = first_one ? std::int64_t(size) : std::min(low, std::int64_t(size));
    high = std::max(high, std::int64_t(size));
  };
  widen(shortest, longest, example.tokens.size());
  widen(second_shortest, second_longest, example.second.size());
  for (const auto sequence : {example.tokens, example.second})
    for (const std::uint16_t token : sequence) largest_token = std::max<std::int64_t>(largest_token, token);
  largest_label = std::max<std::int64_t>(largest_label, example.label);
}

const char* name_of(Split split) {
  static constexpr const char* kNames[] = {"train", "valid", "test"};
  return kNames[std::size_t(split)];
}

Registry<SourceEntry>& sources() {
  static Registry<SourceEntry> registry("data source");
  return registry;
}

std::vector<std::filesystem::path> regular_files(std::vector<std::filesystem::path> files) {
  for (const auto& file : files)
    if (!std::filesystem::is_regular_file(file))
      fail_data("{} is a folder or a pipe where a file is to be read; put the file in its place", file.string());
  return files;
}

std::string refusal_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    if (error.kind() != Kind::data) throw;
    return error.what();
  }
  return {};
}

std::unique_ptr<Dataset> open_source(const std::string& name, const Json& settings, const std::filesystem::path& root,
                                     const std::filesystem::path& cache, const Notice& notice) {
  const SourceEntry& source = sources().at(name);
  const std::string key = cache_key(source, name, settings, root);
  return open_cached(
      file_of(name, key, cache), key, [&] { return source.make(settings, root); }, notice);
}

void check_source(const std::string& name, const Json& settings, const std::filesystem::path& root) {
  static std::mutex mutex;
  static std::unordered_map<std::string, std::string> flaws;
  const SourceEntry& source = sources().at(name);
  const std::string key = cache_key(source, name, settings, root);
  if (!source.check) return;
  const std::lock_guard lock(mutex);
  const auto [flaw, is_new] = flaws.try_emplace(key);
  if (is_new) flaw->second = refusal_of([&] { source.check(settings, root); });
  if (!flaw->second.empty()) throw Error(Kind::data, flaw->second);
}

std::filesystem::path cache_file(const std::string& name, const Json& settings, const std::filesystem::path& root,
                                 const std::filesystem::path& cache) {
  return file_of(name, cache_key(sources().at(name), name, settings, root), cache);
}

std::vector<std::filesystem::path> cache_files(const std::filesystem::path& cache) {
  std::vector<std::filesystem::path> files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(cache, none))
    if (entry.path().extension() == kExtension && !is_hidden(entry.path().filename())) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace lra
