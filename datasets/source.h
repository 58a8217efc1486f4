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
#include "datasets/download.h"
#include "datasets/input.h"
#include "datasets/official.h"
#include "harness/core/json.h"
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

/// A generated corpus of so many examples per split, each made by `write` from draws of its own, which depend on the
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

/// What a source knows of its official files beside how examples are made of them; a generator has none of it.
struct OfficialData {
  std::string files = {};  // what people know them by: "aclImdb"
  /// What the file at `path` is, somewhere in a folder or an archive; nothing for a path that is none of the source's.
  std::function<std::optional<OfficialFile>(const PathNames& path)> recognise = {};
  /// Reads one official file as `make` will and returns how many of its part it holds: rows, pictures, or 1 where files
  /// are counted. `place` is where the file belongs below the data folder, `name` what errors call it. Throws a data
  /// error that says what is wrong with it. Without this function any content is sound, and files are counted.
  std::function<long(const std::string& place, const std::string& name, const Content& content)> inspect = {};
  /// Where the files can be fetched from. Licence and citation may be left to the source's facts. Sources that share an
  /// archive name the same download.
  std::vector<Download> downloads = {};
};

/// A registered source. `settings` are strict: an unknown key or a wrong type is a usage error.
struct SourceEntry {
  SourceFacts facts;
  std::vector<Field> fields;
  /// The settings with every default filled in.
  std::function<Json(const Json& settings)> resolve;
  /// The official files below `root` that are read; none for a generator. Throws a data error that says what is
  /// missing or is no file.
  std::function<std::vector<std::filesystem::path>(const Json& settings, const std::filesystem::path& root)> inputs;
  std::function<Corpus(const Json& settings, const std::filesystem::path& root)> make;
  /// Throws the data error that `make` would throw, as far as names, sizes, lists and tables tell and a look at some of
  /// the pictures and long texts; takes a few seconds at most. Empty for a source whose `inputs` says all.
  std::function<void(const Json& settings, const std::filesystem::path& root)> check;
  /// What may be read under a name of its own where a folder holds a part of the official files; nothing where it holds
  /// all, and where no part can be read. Requires that `inputs` finds its files. Throws a data error for files that
  /// cannot be counted. Empty for a source that takes all or nothing.
  std::function<std::optional<Portion>(const Json& settings, const std::filesystem::path& root)> portion;
  OfficialData official;
};

Registry<SourceEntry>& sources();

/// The same files. Throws a data error for one that is a folder, a pipe or a device.
std::vector<std::filesystem::path> regular_files(std::vector<std::filesystem::path> files);

/// The last line of a source's file: `const RegisterSource<Config> registered{"name", facts, inputs, make};`, for a
/// source of official files with what it knows of them and `check`, and with `portion` where it can read a part of
/// them.
template <typename Config>
struct RegisterSource {
  using Inputs = std::vector<std::filesystem::path> (*)(const Config&, const std::filesystem::path& root);
  using Make = Corpus (*)(const Config&, const std::filesystem::path& root);
  using Check = void (*)(const Config&, const std::filesystem::path& root);
  using FindPortion = std::optional<Portion> (*)(const Config&, const std::filesystem::path& root);

  RegisterSource(const std::string& name, SourceFacts facts, Inputs inputs, Make make, OfficialData official = {},
                 Check check = nullptr, FindPortion portion = nullptr) {
    const auto read = [name](const Json& settings) { return parse<Config>(settings, name); };
    const auto with_settings = [read](auto function) {
      return [read, function](const Json& settings, const std::filesystem::path& root) {
        return function(read(settings), root);
      };
    };
    SourceEntry entry;
    entry.facts = std::move(facts);
    entry.fields = fields_of(Config{});
    entry.resolve = [read](const Json& settings) { return to_json(read(settings)); };
    entry.inputs = [find = with_settings(inputs)](const Json& settings, const std::filesystem::path& root) {
      return regular_files(find(settings, root));
    };
    entry.make = with_settings(make);
    entry.official = std::move(official);
    if (check) entry.check = with_settings(check);
    if (portion) entry.portion = with_settings(portion);
    sources().add(name, std::move(entry));
  }
};

/// The `inputs` of a generator.
template <typename Config>
std::vector<std::filesystem::path> no_inputs(const Config&, const std::filesystem::path&) {
  return {};
}

/// Hears sentences worth showing while data are prepared; may be empty.
using Notice = std::function<void(const std::string&)>;

/// What `action` says in the data error that it throws; empty when it throws none. Other errors pass.
std::string refusal_of(const std::function<void()>& action);

/// The source's data, prepared on first use and kept below `cache` under a name made of the source, its version, the
/// resolved settings and the size and time of its input files. Safe when several processes do it at once.
std::unique_ptr<Dataset> open_source(const std::string& name, const Json& settings, const std::filesystem::path& root,
                                     const std::filesystem::path& cache, const Notice& notice = {});

/// Throws the data error for which `open_source` could not prepare the data, as far as the source's `check` sees it.
/// Looks once for each state of the input files.
void check_source(const std::string& name, const Json& settings, const std::filesystem::path& root);

/// Where `open_source` keeps these data.
std::filesystem::path cache_file(const std::string& name, const Json& settings, const std::filesystem::path& root,
                                 const std::filesystem::path& cache);

/// All that `open_source` has kept below `cache`, by name; none if there is no such folder.
std::vector<std::filesystem::path> cache_files(const std::filesystem::path& cache);

}  // namespace lra
