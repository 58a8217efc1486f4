#include "datasets/cifar10.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "core/digest.h"
#include "core/file.h"
#include "datasets/archive_testing.h"
#include "datasets/cache.h"
#include "datasets/files_testing.h"
#include "datasets/source.h"

namespace lra {
namespace {

constexpr std::size_t kRecord = 3073;
const std::vector<std::string> kFiles = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                         "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};

// TensorFlow's rule calculated by hand: 0.2989, 0.5870 and 0.1140 times 255.5, rounded down.
TEST(Cifar10, Gray) {
  EXPECT_EQ(cifar10::gray(255, 255, 255), 255);
  EXPECT_EQ(cifar10::gray(0, 0, 0), 0);
  EXPECT_EQ(cifar10::gray(255, 0, 0), 76);
  EXPECT_EQ(cifar10::gray(0, 255, 0), 149);
  EXPECT_EQ(cifar10::gray(0, 0, 255), 29);
}

TEST(Cifar10, StoredOrderSortsByDigest) {
  const auto order = cifar10::stored_order("train", 1000);
  for (std::size_t i = 1; i < order.size(); ++i)
    EXPECT_LT(md5("train" + std::to_string(order[i - 1])), md5("train" + std::to_string(order[i])));
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::uint32_t i = 0; i < 1000; ++i) ASSERT_EQ(sorted[i], i);
  EXPECT_NE(order, cifar10::stored_order("test", 1000));
}

/// Return a batch file of two images in one gray each, with labels 3 and 9.
std::string batch_file() {
  std::string content;
  for (const auto& [label, level] : {std::pair('\3', '\x40'), std::pair('\x9', '\xff')}) {
    content += label;
    content.append(kRecord - 1, level);
  }
  return content;
}

void write_folder(const std::filesystem::path& root) {
  std::filesystem::create_directories(root / "cifar-10-batches-bin");
  for (const auto& name : kFiles) write_file(root / "cifar-10-batches-bin" / name, batch_file());
}

void write_archive(const std::filesystem::path& path) {
  std::vector<std::pair<std::string, std::string>> files;
  files.reserve(kFiles.size());
  for (const auto& name : kFiles) files.emplace_back(fmt::format("cifar-10-batches-bin/{}", name), batch_file());
  write_tar_gz(path, files);
}

const Json kTwoImages{{"images_per_file", 2}};

TEST(Cifar10, FolderAndArchiveHoldTheSame) {
  const TemporaryFolder root;
  std::filesystem::create_directories(root / "a");
  write_folder(root / "b");
  write_archive(root / "a/cifar-10-binary.tar.gz");
  const Corpus packed = sources().at("cifar10").make(kTwoImages, root / "a");
  const Corpus unpacked = sources().at("cifar10").make(kTwoImages, root / "b");
  EXPECT_EQ(in_memory(packed)->fingerprint(), in_memory(unpacked)->fingerprint());
  EXPECT_EQ(packed[Split::train].size(), 9);
  EXPECT_EQ(packed[Split::valid].size(), 1);
  EXPECT_EQ(packed[Split::test].size(), 2);
  // 0x40 = 64 in all channels: 64/255 · 0.9999 · 255.5 = 64.1
  for (long i = 0; i < 2; ++i) {
    const Example example = packed[Split::test].at(i);
    EXPECT_EQ(example.tokens[0], example.label == 3 ? 64 : 255);
  }
}

std::string failure(const std::filesystem::path& root) {
  return sentence_of([&] { sources().at("cifar10").make(kTwoImages, root); }, Kind::data);
}

TEST(Cifar10, DamageIsNamed) {
  const TemporaryFolder root;
  EXPECT_NE(failure(root.path()).find("cifar-10-binary.tar.gz"), std::string::npos);

  write_folder(root.path());
  std::string wrong = batch_file();
  wrong[kRecord] = '\xa';
  write_file(root / "cifar-10-batches-bin/data_batch_3.bin", wrong);
  EXPECT_NE(failure(root.path()).find("data_batch_3.bin: image 1 has label 10"), std::string::npos);
  write_file(root / "cifar-10-batches-bin/data_batch_3.bin", wrong.substr(1));
  EXPECT_NE(failure(root.path()).find("data_batch_3.bin has 6145 bytes instead of 6146"), std::string::npos);
  std::filesystem::remove(root / "cifar-10-batches-bin/data_batch_3.bin");
  EXPECT_NE(failure(root.path()).find("data_batch_3.bin"), std::string::npos);
}

TEST(Cifar10, TruncatedArchiveIsNamed) {
  const TemporaryFolder root;
  const auto path = root / "cifar-10-binary.tar.gz";
  write_archive(path);
  const std::string whole = read_file(path);
  for (const std::size_t kept : {whole.size() / 2, whole.size() / 4, std::size_t{20}}) {
    write_file(path, whole.substr(0, kept));
    const std::string sentence = failure(root.path());
    EXPECT_NE(sentence.find("cifar-10-binary.tar.gz"), std::string::npos) << sentence;
  }
}

// Source: the sizes and class balance of the official data; the first members of the split are recomputed.
TEST(SlowCifar10, RealData) {
  if (!std::filesystem::exists(real_data() / "cifar-10-binary.tar.gz"))
    GTEST_SKIP() << "cifar-10-binary.tar.gz is not in " << real_data() << "; set LRA_DATA_TEST to the folder of it";
  const Corpus corpus = sources().at("cifar10").make(Json::object(), real_data());
  EXPECT_EQ(corpus[Split::train].size(), 45000);
  EXPECT_EQ(corpus[Split::valid].size(), 5000);
  EXPECT_EQ(corpus[Split::test].size(), 10000);
  const auto count = [&](Split split, int label) {
    return std::count(corpus[split].labels.begin(), corpus[split].labels.end(), label);
  };
  for (int label = 0; label < 10; ++label) {
    EXPECT_EQ(count(Split::train, label) + count(Split::valid, label), 5000);
    EXPECT_EQ(count(Split::test, label), 1000);
  }
}

}  // namespace
}  // namespace lra
