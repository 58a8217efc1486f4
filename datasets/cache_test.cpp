#include "datasets/cache.h"
#include "core/source_folder_testing.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "core/file.h"
#include "datasets/cache_format.h"
#include "datasets/files_testing.h"
#include "datasets/source.h"

namespace lra {
namespace {

const std::string kKey(64, 'a');

Corpus corpus(int first_label = 1) {
  Corpus made;
  for (auto& split : made.splits) {
    split.add(std::vector<std::uint16_t>{1, 2, 3}, first_label);
    split.add(std::vector<std::uint16_t>{65535}, 7);
  }
  return made;
}

TEST(Cache, KeepsWhatWasMade) {
  const TemporaryFolder folder;
  long made = 0;
  const auto make = [&] { return ++made, corpus(); };
  const auto first = open_cached(folder / "deep/data", kKey, make);
  const auto again = open_cached(folder / "deep/data", kKey, make);
  EXPECT_EQ(made, 1);
  EXPECT_EQ(first->fingerprint(), again->fingerprint());
  EXPECT_EQ(again->fingerprint(), in_memory(corpus())->fingerprint());
  EXPECT_EQ(again->size(Split::valid), 2);
  const Example example = again->at(Split::test, 0);
  EXPECT_EQ(std::vector(example.tokens.begin(), example.tokens.end()), (std::vector<std::uint16_t>{1, 2, 3}));
  EXPECT_EQ(example.label, 1);
  EXPECT_TRUE(example.second.empty());
  EXPECT_EQ(again->at(Split::test, 1).tokens[0], 65535);
}

Corpus pairs() {
  Corpus made;
  made.paired = true;
  for (auto& split : made.splits) {
    split.add(std::vector<std::uint16_t>{1, 2}, std::vector<std::uint16_t>{3}, 0);
    split.add(std::vector<std::uint16_t>{4}, std::vector<std::uint16_t>{5, 6, 7}, 1);
  }
  return made;
}

TEST(Cache, KeepsPairs) {
  const auto data = in_memory(pairs());
  EXPECT_EQ(data->at(Split::train, 0).second[0], 3);
  EXPECT_EQ(data->at(Split::train, 1).second.size(), 3u);
  EXPECT_EQ(data->at(Split::train, 1).second[2], 7);
}

// Source: computed with Python's hashlib from the definition: counts, offsets, labels and tokens, little-endian.
TEST(Cache, FingerprintsAreThoseOfTheDefinition) {
  EXPECT_EQ(in_memory(corpus())->fingerprint(), "1ee8acadfe87d8b268db615894f69fd34f5c20b547757fd7f933865b39b1f1e1");
  EXPECT_EQ(in_memory(pairs())->fingerprint(), "ecbe6b3647d677ebba3ef4229f214a98f13bbbd04047d734940eba1931393b4a");
}

TEST(Cache, ASequenceIsStoredOnce) {
  const TemporaryFolder folder;
  std::vector<std::vector<std::uint16_t>> papers;
  for (std::uint16_t paper = 0; paper < 10; ++paper) papers.emplace_back(1000, paper);
  const auto make = [&] {
    Corpus made;
    made.paired = true;
    for (auto& split : made.splits)
      for (std::size_t i = 0; i < 100; ++i) split.add(papers[i % 10], papers[i / 10], int(i % 2));
    EXPECT_EQ(made[Split::train].tokens.size(), 10000u);
    return made;
  };
  const auto data = open_cached(folder / "data", kKey, make);
  for (long i = 0; i < 100; ++i) {
    const Example example = data->at(Split::test, i);
    ASSERT_EQ(example.tokens.size(), 1000u);
    ASSERT_EQ(example.tokens[0], i % 10);
    ASSERT_EQ(example.second[999], i / 10);
  }
  const auto summary = summarise_cache(folder / "data");
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->sequences, 10);
  EXPECT_EQ(summary->examples, (std::array<long, 3>{100, 100, 100}));
  EXPECT_LT(summary->bytes, 25000u);  // 20,000 bytes of papers, and 10 bytes per example
}

TEST(Cache, ExtentsAreThoseOfTheExamples) {
  Corpus made = pairs();
  made[Split::valid].add(std::vector<std::uint16_t>{8, 500, 9}, std::vector<std::uint16_t>{2, 2}, 6);
  const Extent extent = in_memory(made)->extent(Split::valid);
  EXPECT_EQ(extent.shortest, 1);
  EXPECT_EQ(extent.longest, 3);
  EXPECT_EQ(extent.second_shortest, 1);
  EXPECT_EQ(extent.second_longest, 3);
  EXPECT_EQ(extent.largest_token, 500);
  EXPECT_EQ(extent.largest_label, 6);
  EXPECT_EQ(in_memory(corpus())->extent(Split::train).second_longest, 0);
}

TEST(Cache, FingerprintTellsEveryTokenLabelAndBorder) {
  const std::string base = in_memory(corpus())->fingerprint();
  EXPECT_EQ(base.size(), 64u);
  EXPECT_NE(base, in_memory(corpus(2))->fingerprint());
  Corpus token = corpus();
  token[Split::test].tokens[1] = 9;
  EXPECT_NE(base, in_memory(token)->fingerprint());
  Corpus border = corpus();
  border[Split::train].offsets[1] = 2;
  EXPECT_NE(base, in_memory(border)->fingerprint());
}

void read_all(const Dataset& data) {
  for (const Split split : {Split::train, Split::valid, Split::test})
    for (long i = 0; i < data.size(split); ++i) data.at(split, i);
}

TEST(Cache, EveryFlippedByteIsNoticed) {
  const TemporaryFolder folder;
  const auto file = folder / "data";
  const std::string fingerprint = open_cached(file, kKey, [] { return corpus(); })->fingerprint();
  const std::string whole = read_file(file);
  const std::size_t body = sizeof(cache::Header) + 8;  // one block
  ASSERT_LT(body, whole.size());
  for (std::size_t at = 0; at < whole.size(); at += 5) {
    std::string damaged = whole;
    damaged[at] = char(damaged[at] ^ 0x10);
    write_file(file, damaged);
    ASSERT_NE(flaw_of_cache(file), "") << "byte " << at;
    ASSERT_FALSE(std::filesystem::exists(file));
    write_file(file, damaged);
    std::string heard;
    const auto open = [&] {
      return open_cached(
          file, kKey, [] { return corpus(); }, [&](const std::string& s) { heard = s; });
    };
    if (at >= body) {
      const auto data = open();
      ASSERT_EQ(heard, "") << "byte " << at;
      const std::string sentence = sentence_of([&] { read_all(*data); }, Kind::data);
      ASSERT_NE(sentence.find(file.string()), std::string::npos) << sentence;
    }
    const auto data = open();
    ASSERT_NE(heard.find(file.string()), std::string::npos) << "byte " << at;
    read_all(*data);
    ASSERT_EQ(data->fingerprint(), fingerprint);
    ASSERT_EQ(read_file(file), whole);
  }
}

/// Return a corpus of slightly more than three blocks of tokens.
Corpus large() {
  Corpus made;
  for (auto& split : made.splits)
    for (std::uint16_t i = 0; i < 40; ++i) split.add(std::vector<std::uint16_t>(40000, i), i % 2);
  return made;
}

TEST(Cache, DamageIsFoundWhereItIsTouched) {
  const TemporaryFolder folder;
  const auto file = folder / "data";
  open_cached(file, kKey, large);
  std::string damaged = read_file(file);
  ASSERT_GT(damaged.size(), 3 * cache::kBlock);
  damaged.back() = char(damaged.back() ^ 1);
  write_file(file, damaged);
  const auto data = open_cached(file, kKey, large);
  EXPECT_EQ(data->at(Split::train, 0).tokens[39999], 0);  // its blocks are intact
  EXPECT_NE(sentence_of([&] { data->at(Split::test, 39); }, Kind::data).find("block 3"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(file));
  std::string heard;
  read_all(*open_cached(file, kKey, large, [&](const std::string& s) { heard = s; }));
  EXPECT_EQ(heard, "preparing " + file.string());
  EXPECT_EQ(flaw_of_cache(file), "");
}

TEST(Cache, ThreadsMayTouchTheSameBlocks) {
  const TemporaryFolder folder;
  const auto data = open_cached(folder / "data", kKey, large);
  std::vector<long> sums(4);
  std::vector<std::thread> threads;
  threads.reserve(sums.size());
  for (long& sum : sums)
    threads.emplace_back([&] {
      for (long i = 0; i < 40; ++i) sum += data->at(Split::valid, i).tokens[20000];
    });
  for (auto& thread : threads) thread.join();
  for (const long sum : sums) EXPECT_EQ(sum, 780);  // 0 + 1 + … + 39
}

TEST(Cache, OpensInUnder50Milliseconds) {
  const TemporaryFolder folder;
  const auto make = [] {
    Corpus made;
    for (auto& split : made.splits)
      for (std::uint32_t i = 0; i < 160000; ++i)
        split.add(std::vector<std::uint16_t>{std::uint16_t(i), std::uint16_t(i >> 16)}, 0);
    return made;
  };
  open_cached(folder / "data", kKey, make);
  const auto start = std::chrono::steady_clock::now();
  const auto data = open_cached(folder / "data", kKey, make);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(data->size(Split::train), 160000);
  std::printf("opening 480,000 prepared examples took %.2f ms\n", took.count());
  EXPECT_LT(took.count(), 50);
}

TEST(Cache, ShortAndForeignFilesAreMadeAnew) {
  const TemporaryFolder folder;
  const auto file = folder / "data";
  open_cached(file, kKey, [] { return corpus(); });
  const std::string whole = read_file(file);
  std::string heard;
  const auto open = [&](const std::string& key) {
    return open_cached(
        file, key, [] { return corpus(5); }, [&](const std::string& s) { heard = s; });
  };
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, whole.size() - 1}) {
    write_file(file, whole.substr(0, size));
    EXPECT_EQ(open(kKey)->at(Split::train, 0).label, 5);
  }
  EXPECT_NE(heard.find("its size is not what its header says"), std::string::npos) << heard;
  open(std::string(64, 'b'));
  EXPECT_NE(heard.find("it was made for other settings"), std::string::npos) << heard;
}

TEST(Cache, AnUnwritableFolderIsNamed) {
  const TemporaryFolder folder;
  write_file(folder / "file", std::string("not a folder"));
  EXPECT_NE(sentence_of([&] { open_cached(folder / "file/data", kKey, [] { return corpus(); }); }, Kind::failed)
                .find((folder / "file").string()),
            std::string::npos);
}

TEST(Cache, ThreadsThatAskAtOnceMakeItOnce) {
  const TemporaryFolder folder;
  std::atomic<long> made = 0;
  std::vector<std::string> fingerprints(8);
  std::vector<std::thread> threads;
  threads.reserve(fingerprints.size());
  for (auto& fingerprint : fingerprints)
    threads.emplace_back(
        [&] { fingerprint = open_cached(folder / "data", kKey, [&] { return ++made, corpus(); })->fingerprint(); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
  for (const auto& fingerprint : fingerprints) EXPECT_EQ(fingerprint, fingerprints[0]);
}

TEST(Cache, ProcessesThatAskAtOnceAllGetIt) {
  const TemporaryFolder folder;
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto data = open_cached(folder / "data", kKey, [] { return corpus(); });
      ::_exit(data->fingerprint() == in_memory(corpus())->fingerprint() ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
}

TEST(Source, CacheFollowsSettingsVersionAndInputFiles) {
  const TemporaryFolder root;
  const auto name = [&](const char* source, const Json& settings) {
    return cache_file(source, settings, root.path(), root / "cache");
  };
  EXPECT_EQ(name("lookup", Json::object()), name("lookup", {{"seed", 0}}));  // the default, set explicitly
  EXPECT_NE(name("lookup", Json::object()), name("lookup", {{"seed", 1}}));

  for (const char* file : {"basic_train.tsv", "basic_val.tsv", "basic_test.tsv"})
    write_file(root / file, std::string("Source\tTarget\n7\t7\n"));
  const auto before = name("listops_tsv", Json::object());
  const auto first = open_source("listops_tsv", Json::object(), root.path(), root / "cache");
  write_file(root / "basic_test.tsv", std::string("Source\tTarget\n7\t7\n8\t8\n"));
  EXPECT_NE(before, name("listops_tsv", Json::object()));
  EXPECT_EQ(open_source("listops_tsv", Json::object(), root.path(), root / "cache")->size(Split::test), 2);
}

TEST(Source, EverySourceSaysWhatItIs) {
  const std::filesystem::directory_iterator files(source_folder() / "datasets/sources");
  EXPECT_EQ(std::ptrdiff_t(sources().names().size()), std::distance(begin(files), end(files)));  // one per file
  for (const auto& name : sources().names()) {
    const SourceEntry& source = sources().at(name);
    EXPECT_FALSE(source.facts.summary.empty() || source.facts.licence.empty() || source.facts.citation.empty()) << name;
    for (const Field& field : source.fields) EXPECT_FALSE(field.help.empty()) << name << " " << field.name;
    EXPECT_EQ(source.resolve(Json::object()).size(), source.fields.size()) << name;
    sentence_of([&] { source.resolve({{"no such setting", 1}}); }, Kind::usage);
  }
}

}  // namespace
}  // namespace lra
