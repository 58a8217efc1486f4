/// Sources of examples: generators and readers of official files, one file each in datasets/sources/.
///
/// A source turns settings (and, for official files, a folder) into a Corpus in memory; `open_source` keeps the result
/// as a verified file and maps it. A source is independent of the cache, and its readers throw data errors that name
/// the file and the line.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/random.h"
#include "core/registry.h"
#include "datasets/dataset.h"
#include "datasets/distinct.h"
#include "datasets/download.h"
#include "datasets/input.h"
#include "datasets/official.h"

namespace lra {

/// One split in memory. Equal sequences are stored once, in the order of their first occurrence: sequence s is
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
  /// Return an example, which borrows from this. Requires 0 ≤ index < size().
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

/// Generate a corpus with the given number of examples per split. `write` makes each example from its own random
/// stream, which depends only on the seed, the source, the split and the example's number. Throws a usage error when a
/// split would be empty.
Corpus generate(const std::string& source, std::int64_t seed, const std::array<long, 3>& wanted,
                const std::function<void(Sequence& draw, long number, Examples& split)>& write);

/// Generate a corpus without equal sequences, so that no split holds an example of another. `write` fills `tokens` and
/// returns the label, or nothing to reject what it drew; each call has its own random stream, which depends only on the
/// seed, the source and the number of calls before. Throws a usage error when a split would be empty, and one that says
/// `exhausted` when 100,000 draws in a row gave nothing new: the settings are then a mistake.
Corpus generate_distinct(
    const std::string& source, std::int64_t seed, const std::array<long, 3>& wanted,
    const std::function<std::optional<int>(Sequence& draw, std::vector<std::uint16_t>& tokens)>& write,
    const std::string& exhausted);

/// The facts about a source that users need before they use its data.
struct SourceFacts {
  std::string summary;   // one sentence
  std::string licence;   // its authors' terms of use
  std::string citation;  // the publication to cite
  long version = 1;      // raised whenever the same settings produce other examples
  std::vector<std::string> classes =
      {};  // names of labels 0, 1, …; none where labels are plain numbers or the data name them
};

/// A valid subset of the official files.
struct Portion {
  Json settings;      // with which the source reads the subset
  long examples = 0;  // of all splits
  std::string what;   // a clause: "aclImdb holds 24,000 reviews instead of 50,000"
};

/// What a source knows about its official files apart from how to read examples; empty for a generator.
struct OfficialData {
  std::string files = {};  // their common name: "aclImdb"
  /// Identifies the file at `path`, anywhere in a folder or an archive; nothing for a path that is not the source's.
  std::function<std::optional<OfficialFile>(const PathNames& path)> recognise = {};
  /// Reads one official file as `make` will and returns how many items of its part it contains: rows, pictures, or 1
  /// where files are counted. `place` is its path below the data folder, `name` its name in errors. Throws a data error
  /// that says what is wrong with it. Without this function any content is valid, and files are counted.
  std::function<long(const std::string& place, const std::string& name, const Content& content)> inspect = {};
  /// Whether an archive that lacks some of the files is imported as a folder of those that it contains, because they
  /// are useful without the others.
  bool separable = false;
  /// The downloads of the files. Licence and citation default to the source's facts. Sources that share an archive name
  /// the same download.
  std::vector<Download> downloads = {};
};

/// A registered source. An unknown key or a wrong type in `settings` is a usage error.
struct SourceEntry {
  SourceFacts facts;
  std::vector<Field> fields;
  /// Returns the settings with every default filled in.
  std::function<Json(const Json& settings)> resolve;
  /// Returns the official files below `root` that are read; none for a generator. Throws a data error that says what is
  /// missing or is not a file.
  std::function<std::vector<std::filesystem::path>(const Json& settings, const std::filesystem::path& root)> inputs;
  std::function<Corpus(const Json& settings, const std::filesystem::path& root)> make;
  /// Throws the data error that `make` would throw, as far as names, sizes, lists, tables and a sample of the pictures
  /// and long texts show it; takes a few seconds at most. Empty for a source whose `inputs` checks everything.
  std::function<void(const Json& settings, const std::filesystem::path& root)> check;
  /// Returns the subset of the official files that a folder contains, which is read as a variant of its own; nothing
  /// when the folder contains all files or no readable subset. Requires that `inputs` finds its files. Throws a data
  /// error for files that cannot be counted. Empty for a source that requires all files.
  std::function<std::optional<Portion>(const Json& settings, const std::filesystem::path& root)> portion;
  OfficialData official;
};

Registry<SourceEntry>& sources();

/// Return `files` unchanged. Throws a data error for one that is a folder, a pipe or a device.
std::vector<std::filesystem::path> regular_files(std::vector<std::filesystem::path> files);

/// The last line of a source's file: `const RegisterSource<Config> registered{"name", facts, inputs, make};`, for a
/// source of official files also with its OfficialData and `check`, and with `portion` where it can read a part of
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

/// Called with messages for the user while data are prepared; may be empty.
using Notice = std::function<void(const std::string&)>;

/// Return the message of the data error that `action` throws; empty when it throws none. Other errors propagate.
std::string refusal_of(const std::function<void()>& action);

/// Return the source's data, which are prepared on first use and stored below `cache` under a name made of the source,
/// its version, the resolved settings and the size and time of its input files. Safe to call from several processes at
/// once.
std::unique_ptr<Dataset> open_source(const std::string& name, const Json& settings, const std::filesystem::path& root,
                                     const std::filesystem::path& cache, const Notice& notice = {});

/// Throws the data error that `open_source` would throw, as far as the source's `check` finds it. Checks once for each
/// state of the input files.
void check_source(const std::string& name, const Json& settings, const std::filesystem::path& root);

/// Return the file in which `open_source` stores these data.
std::filesystem::path cache_file(const std::string& name, const Json& settings, const std::filesystem::path& root,
                                 const std::filesystem::path& cache);

/// Return all files that `open_source` has stored below `cache`, by name; none when the folder does not exist.
std::vector<std::filesystem::path> cache_files(const std::filesystem::path& cache);

}  // namespace lra
