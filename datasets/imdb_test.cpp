#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/digest.h"
#include "core/file.h"
#include "datasets/archive_testing.h"
#include "datasets/bytes.h"
#include "datasets/cache.h"
#include "datasets/files_testing.h"
#include "datasets/source.h"

namespace lra {
namespace {

using Tokens = std::vector<std::uint16_t>;
using Files = std::vector<std::pair<std::string, std::string>>;

constexpr long kPerPart = 10;
constexpr const char* kArchive = "aclImdb_v1.tar.gz";

Json settings(const std::string& valid = "tenth") { return {{"length", 20}, {"per_part", kPerPart}, {"valid", valid}}; }

// Source: Long Range Arena's byte encoder. "ab" is 98, 99, and an empty text is only padding, id 0.
TEST(Bytes, AreNumberedFromOne) {
  EXPECT_EQ(byte_tokens("ab", 10), (Tokens{98, 99}));
  EXPECT_EQ(byte_tokens("abc", 2), (Tokens{98, 99}));
  EXPECT_EQ(byte_tokens("\xff\xc3", 10), (Tokens{256, 196}));
  EXPECT_EQ(byte_tokens("", 10), Tokens{0});
}

/// Return reviews whose texts are their own names, such as "train/pos/3_9.txt".
Files reviews() {
  Files files;
  for (const char* part : {"train/pos/", "test/neg/", "train/neg/", "test/pos/"})
    for (long i = 0; i < kPerPart; ++i) {
      const std::string name = fmt::format("{}{}_9.txt", part, i);
      files.emplace_back(name, name);
    }
  return files;
}

Files in_archive(const Files& files) {
  Files named;
  for (const auto& [name, content] : files) named.emplace_back("aclImdb/" + name, content);
  return named;
}

void write_folder(const std::filesystem::path& root, const Files& files) {
  for (const auto& [name, content] : files) {
    const auto path = root / "aclImdb" / name;
    std::filesystem::create_directories(path.parent_path());
    write_file(path, content);
  }
}

Corpus load(const std::filesystem::path& root, const Json& with = settings()) {
  return sources().at("imdb").make(with, root);
}

/// Return the texts of a split, in order.
std::vector<std::string> texts(const Dataset& data, Split split) {
  std::vector<std::string> all;
  for (long i = 0; i < data.size(split); ++i) {
    std::string& text = all.emplace_back();
    for (const std::uint16_t token : data.at(split, i).tokens) text += char(token - 1);
  }
  return all;
}

TEST(Imdb, FolderAndArchiveHoldTheSameInWhateverOrder) {
  const TemporaryFolder root;
  std::filesystem::create_directories(root / "a");
  Files packed = in_archive(reviews());
  std::reverse(packed.begin(), packed.end());
  for (const char* other : {"aclImdb/README", "aclImdb/train/urls_pos.txt", "aclImdb/train/unsup/0_0.txt",
                            "aclImdb/test/pos/labels.txt", "elsewhere/train/pos/7_7.txt"})
    packed.emplace_back(other, "none of the reviews");
  write_tar_gz(root / "a" / kArchive, packed);
  write_folder(root / "b", reviews());
  write_file(root / "b/aclImdb/train/pos/notes.txt", std::string("none of the reviews"));
  const auto one = in_memory(load(root / "a")), other = in_memory(load(root / "b"));
  EXPECT_EQ(one->fingerprint(), other->fingerprint());
  EXPECT_EQ(one->size(Split::train), 18);
  EXPECT_EQ(one->size(Split::valid), 2);
  EXPECT_EQ(one->size(Split::test), 20);
}

TEST(Imdb, StandInTheOrderOfTensorFlowDatasets) {
  const TemporaryFolder root;
  write_folder(root.path(), reviews());
  const auto data = in_memory(load(root.path()));
  std::vector<std::string> train = texts(*data, Split::train), test = texts(*data, Split::test);
  const auto valid = texts(*data, Split::valid);
  train.insert(train.end(), valid.begin(), valid.end());
  EXPECT_EQ(train.size(), 20u);
  const auto digests_rise = [](const std::vector<std::string>& names, const std::string& split) {
    for (std::size_t i = 1; i < names.size(); ++i)
      EXPECT_LT(md5(split + "aclImdb/" + names[i - 1]), md5(split + "aclImdb/" + names[i]));
  };
  digests_rise(train, "train");
  digests_rise(test, "test");
  for (long i = 0; i < 20; ++i)
    EXPECT_EQ(data->at(Split::test, i).label, test[std::size_t(i)].find("pos") != std::string::npos);
}

TEST(Imdb, ValidatesOnTestWhereLraDoes) {
  const TemporaryFolder root;
  write_folder(root.path(), reviews());
  const auto data = in_memory(load(root.path(), settings("test")));
  EXPECT_EQ(data->size(Split::train), 20);
  EXPECT_EQ(texts(*data, Split::valid), texts(*data, Split::test));
  EXPECT_NE(sentence_of([&] { load(root.path(), settings("fifth")); }, Kind::usage).find("fifth"), std::string::npos);
}

std::string failure(const std::filesystem::path& root) {
  return sentence_of([&] { load(root); }, Kind::data);
}

TEST(Imdb, WhatIsNotOfficialIsNamed) {
  const TemporaryFolder root;
  EXPECT_NE(failure(root.path()).find(kArchive), std::string::npos);
  Files files = in_archive(reviews());
  files.push_back(files.front());
  write_tar_gz(root / kArchive, files);
  EXPECT_NE(failure(root.path()).find("holds train/pos/0_9.txt twice"), std::string::npos);
  files.resize(files.size() - 2);
  write_tar_gz(root / kArchive, files);
  EXPECT_NE(failure(root.path()).find("has 9 reviews in test/pos/ instead of 10"), std::string::npos);
  write_folder(root.path(), reviews());
  std::filesystem::remove_all(root / "aclImdb/test/neg");
  EXPECT_NE(failure(root.path()).find("test/neg/"), std::string::npos);
}

TEST(Imdb, TruncatedArchiveIsNamed) {
  const TemporaryFolder root;
  const auto path = root / kArchive;
  write_tar_gz(path, in_archive(reviews()));
  const std::string whole = read_file(path);
  for (const std::size_t kept : {whole.size() / 2, whole.size() / 4, std::size_t{20}, std::size_t{0}}) {
    write_file(path, whole.substr(0, kept));
    const std::string sentence = failure(root.path());
    EXPECT_NE(sentence.find(kArchive), std::string::npos) << sentence;
  }
}

/// Return how many examples of `split` also occur in the training split.
long repeated(const Dataset& data, Split split) {
  std::set<std::string> train;
  for (const std::string& text : texts(data, Split::train)) train.insert(md5(text));
  const auto all = texts(data, split);
  return std::count_if(all.begin(), all.end(), [&](const auto& text) { return train.count(md5(text)) > 0; });
}

// Source: a script over the archive. 123 of the official test reviews are also training reviews; the first training
// reviews in TensorFlow Datasets' order are 609_1, 674_3 and 184_2 of neg, with 709, 617 and 787 bytes.
TEST(SlowImdb, RealData) {
  if (!std::filesystem::exists(real_data() / kArchive))
    GTEST_SKIP() << kArchive << " is not in " << real_data() << "; set LRA_DATA_TEST to the folder of it";
  const auto data = in_memory(load(real_data(), {{"length", 1000}}));
  EXPECT_EQ(data->size(Split::train), 22500);
  EXPECT_EQ(data->size(Split::valid), 2500);
  EXPECT_EQ(data->size(Split::test), 25000);
  EXPECT_TRUE(texts(*data, Split::train)[0].starts_with("This was an absolutely terrible movie. "));
  for (const auto& [index, bytes] : {std::pair(0, 709u), std::pair(1, 617u), std::pair(2, 787u)})
    EXPECT_EQ(data->at(Split::train, index).tokens.size(), bytes);
  const auto positive = [&](Split split) {
    long count = 0;
    for (long i = 0; i < data->size(split); ++i) count += data->at(split, i).label;
    return count;
  };
  EXPECT_EQ(positive(Split::train), 11244);
  EXPECT_EQ(positive(Split::valid), 1256);
  EXPECT_EQ(positive(Split::test), 12500);
  EXPECT_EQ(repeated(*data, Split::valid), 19);
  EXPECT_EQ(repeated(*data, Split::test), 103);
  const auto official = in_memory(load(real_data(), {{"length", 4000}, {"valid", "test"}}));
  EXPECT_EQ(official->size(Split::train), 25000);
  EXPECT_EQ(official->size(Split::valid), 25000);
  EXPECT_EQ(repeated(*official, Split::test), 123);
}

}  // namespace
}  // namespace lra
