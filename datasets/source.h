/// Where examples come from: generators and readers of official files, one file each in datasets/sources/.
///
/// A source turns settings (and, for official files, a folder) into a Corpus in memory; `open_source` keeps the result
/// as a verified file and maps it. A source knows nothing of the cache, and its readers throw data errors that name the
/// file and the line.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datasets/dataset.h"
#include "datasets/distinct.h"
#include "datasets/input.h"
#include "harness/core/config.h"
#include "harness/core/random.h"
#include "harness/core/registry.h"

namespace lra {

/// One split in memory. Equal sequences are stored once, in the order in which they first came: sequence s is
/// tokens[offsets[s]] … tokens[offsets[s + 1] − 1], and example i has sequence firsts[i] and, where examples are pairs,
/// seconds[i].
struct Examples {
  std::vector<std::uint16_t> tokens;
  std::vector<std::uint64_t> offsets{0};
  std::vector<std::uint32_t> firsts, seconds;
  std::vector<std::uint16_t> labels;

  void add(std::span<const std::uint16_t> sequence, int label);
  void add(std::span<const std::uint16_t> sequence, std::span<const std::uint16_t> other, int label);
  long size() const { return long(labels.size()); }
  /// Requires 0 ≤ index < size(). Borrows from this.
  Example at(long index) const;
  std::span<const std::uint16_t> sequence(std::size_t number) const {
    return std::span(tokens).subspan(offsets[number], offsets[number + 1] - offsets[number]);
  }

 private:
  std::uint32_t store(std::span<const std::uint16_t> sequence);
  DistinctSequences distinct_;
};

/// Three splits, indexed by Split. In a paired corpus every example has a second sequence, in others none has.
struct Corpus {
  std::array<Examples, 3> splits;
  bool paired = false;
  Findings findings;

  Examples& operator[](Split split) { return splits[std::size_t(split)]; }
  const Examples& operator[](Split split) const { return splits[std::size_t(split)]; }
};

/// A generated corpus of so many examples a split, each made by `write` from draws of its own, which depend on the
/// seed, the source, the split and the example's number alone. Throws a usage error when a split would be empty.
Corpus generate(const std::string& source, std::int64_t seed, const std::array<long, 3>& wanted,
                const std::function<void(Sequence& draw, long number, Examples& split)>& write);

/// What is to be known about a source before its data are used.
struct SourceFacts {
  std::string summary;   // one sentence
  std::string licence;   // what its authors say about use
  std::string citation;  // the publication to cite
  long version = 1;      // raised whenever the same settings come to give other examples
  std::vector<std::string> classes =
      {};  // names of labels 0, 1, …; none where the numbers say all, or the data name them
};

/// Sound files that are fewer than the official ones.
struct Portion {
  Json settings;      // that read them
  long examples = 0;  // of all splits
  std::string what;   // a clause: "aclImdb holds 24,000 reviews instead of 50,000"
};

/// A registered source. `settings` are strict: an unknown key or a wrong type is a usage error.
struct SourceEntry {
  SourceFacts facts;
  std::vector<Field> fields;
  /// The settings with every default filled in.
  std::function<Json(const Json& settings)> resolve;
  /// The official files below `root` that are read; none for a generator. Throws a data error that says what is
  /// missing.
  std::function<std::vector<std::filesystem::path>(const Json& settings, const std::filesystem::path& root)> inputs;
  std::function<Corpus(const Json& settings, const std::filesystem::path& root)> make;
  /// What may be read under a name of its own where a part of the official files is there; nothing where all are, or
  /// where the source takes all or nothing. Requires that `inputs` finds its files.
  std::function<std::optional<Portion>(const Json& settings, const std::filesystem::path& root)> portion;
  /// Reads one official file as `make` will; `place` is where it belongs below the data folder, `name` what errors call
  /// it. Throws a data error that says what is wrong with it.
  std::function<void(const std::string& place, const std::string& name, const Content& content)> check;
};

Registry<SourceEntry>& sources();

/// The last line of a source's file: `const RegisterSource<Config> registered{"name", facts, inputs, make};`, and for
/// one whose files can be imported, or read in part, `check` and `portion`.
template <typename Config>
struct RegisterSource {
  using Inputs = std::vector<std::filesystem::path> (*)(const Config&, const std::filesystem::path& root);
  using Make = Corpus (*)(const Config&, const std::filesystem::path& root);
  using Check = void (*)(const std::string& place, const std::string& name, const Content& content);
  using FindPortion = std::optional<Portion> (*)(const Config&, const std::filesystem::path& root);

  RegisterSource(const std::string& name, SourceFacts facts, Inputs inputs, Make make, Check check = nullptr,
                 FindPortion portion = nullptr) {
    const auto read = [name](const Json& settings) { return parse<Config>(settings, name); };
    sources().add(
        name,
        {std::move(facts), fields_of(Config{}), [read](const Json& settings) { return to_json(read(settings)); },
         [read, inputs](const Json& settings, const std::filesystem::path& root) {
           return inputs(read(settings), root);
         },
         [read, make](const Json& settings, const std::filesystem::path& root) { return make(read(settings), root); },
         [read, portion](const Json& settings, const std::filesystem::path& root) {
           return portion ? portion(read(settings), root) : std::nullopt;
         },
         [check](const std::string& place, const std::string& file, const Content& content) {
           if (check) check(place, file, content);
         }});
  }
};

/// The `inputs` of a generator.
template <typename Config>
std::vector<std::filesystem::path> no_inputs(const Config&, const std::filesystem::path&) {
  return {};
}

/// Hears sentences worth showing while data are prepared; may be empty.
using Notice = std::function<void(const std::string&)>;

/// The source's data, prepared on first use and kept below `cache` under a name made of the source, its version, the
/// resolved settings and the size and time of its input files. Safe when several processes do it at once.
std::unique_ptr<Dataset> open_source(const std::string& name, const Json& settings, const std::filesystem::path& root,
                                     const std::filesystem::path& cache, const Notice& notice = {});

/// Where `open_source` keeps these data.
std::filesystem::path cache_file(const std::string& name, const Json& settings, const std::filesystem::path& root,
                                 const std::filesystem::path& cache);

/// All that `open_source` has kept below `cache`, by name; none if there is no such folder.
std::vector<std::filesystem::path> cache_files(const std::filesystem::path& cache);

}  // namespace lra
