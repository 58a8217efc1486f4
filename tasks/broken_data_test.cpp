// Broken or incomplete official files: the check before reading reports the same error as reading them.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

#include "core/file.h"
#include "datasets/archive_testing.h"
#include "datasets/files_testing.h"
#include "datasets/png.h"
#include "tasks/inventory.h"

namespace lra {
namespace {

using Files = std::map<std::string, std::string>;

const std::string kPage = "<!DOCTYPE html><html>Not found</html>\n";
const std::string kGzip("\x1f\x8b\x08\0\0\0\0\0\0\3 and no more", 22);

constexpr std::size_t kBatchBytes = 10'000 * 3'073;  // of an official batch of CIFAR-10

std::string repeated(const std::string& row, int times) {
  std::string rows;
  for (int i = 0; i < times; ++i) rows += row;
  return rows;
}

/// Return `files` with those of `changed` added or replaced.
Files with(Files files, const Files& changed) {
  for (const auto& [name, content] : changed) files[name] = content;
  return files;
}

Files without(Files files, const std::string& ending) {
  std::erase_if(files, [&](const auto& file) { return file.first.ends_with(ending); });
  return files;
}

Files batches() {
  Files files;
  for (const char* name : {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"})
    files[fmt::format("cifar-10-batches-bin/{}.bin", name)] = "";
  files["cifar-10-batches-bin/test_batch.bin"] = "";
  return files;
}

Files expressions() {
  Files files;
  for (const char* split : {"train", "val", "test"})
    files[fmt::format("listops-1000/basic_{}.tsv", split)] = "Source\tTarget\n7\t7\n( ( [MAX 1 ) ] )\t1\n";
  return files;
}

Files reviews(int in_part) {
  Files files;
  for (const char* part : {"train/pos", "train/neg", "test/pos", "test/neg"})
    for (int i = 0; i < in_part; ++i) files[fmt::format("aclImdb/{}/{}_1.txt", part, i)] = "a film";
  return files;
}

Files pictures(int count, long size = 32) {
  const std::string folder = "pathfinder32/curv_contour_length_14",
                    png = encode_png(size, size, 1, std::vector<std::uint8_t>(std::size_t(size * size)));
  Files files;
  for (int i = 0; i < count; ++i) {
    files[folder + "/metadata/1.npy"] += fmt::format("imgs/1 sample_{}.png {} {}\n", i, i, i % 2);
    files[fmt::format("{}/imgs/1/sample_{}.png", folder, i)] = png;
  }
  return files;
}

Files pairs() {
  Files files;
  for (const char* split : {"train", "eval", "test"})
    files[fmt::format("tsv_data/new_aan_pairs.{}.tsv", split)] = "1.0\ta\tb\tone\ttwo\n0.0\ta\tb\tone\ttwo\n";
  return files;
}

Files named_pairs(const std::string& folder) {
  Files files{{folder + "/papers_text/a.txt", "one"}, {folder + "/papers_text/b.txt", "two"}};
  for (const char* split : {"train", "eval", "test"})
    files[fmt::format("{}/new_aan_pairs.{}.only_ids.tsv", folder, split)] = repeated("1\ta\tb\n", 3);
  return files;
}

constexpr const char* kReviews = "aclImdb_v1.tar.gz";
constexpr const char* kPictures = "pathfinder32.tar.gz";
constexpr const char* kPairs = "aan_mini.tar.gz";
const std::string kBatch = "cifar-10-batches-bin/data_batch_3.bin", kVal = "listops-1000/basic_val.tsv",
                  kTrainPairs = "tsv_data/new_aan_pairs.train.tsv",
                  kSample = "pathfinder32/curv_contour_length_14/imgs/1/sample_4.png",
                  kList = "pathfinder32/curv_contour_length_14/metadata/1.npy";

struct Case {
  std::string task;
  Files files;
  std::string archive;  // contains the files; empty: they are in the data folder
  std::string words;    // from the error; empty: the files can be read
  std::string variant;  // name of the data that are read
};

void PrintTo(const Case& given, std::ostream* out) { *out << given.task << ": " << given.words << given.variant; }

const std::vector<Case> kCases{
    {"image", batches(), "", "data_batch_1.bin has 0 bytes instead of 30730000", ""},
    {"image",
     with(batches(), {{"cifar-10-batches-bin/data_batch_1.bin", std::string(kBatchBytes, '\0')}, {kBatch, kPage}}), "",
     "data_batch_2.bin has 0 bytes", ""},
    {"image", without(batches(), "test_batch.bin"), "", "test_batch.bin", ""},
    {"image", {{"cifar-10-binary.tar.gz", kPage}}, "", "is a plain file and no tar or zip archive", ""},
    {"image", {{"cifar-10-binary.tar.gz", ""}}, "", "is empty", ""},
    {"image", {{"cifar-10-binary.tar.gz", kGzip}}, "", "is damaged or incomplete", ""},
    {"image",
     {{"cifar-10-batches-bin/test_batch.bin", "x"}},
     "cifar-10-binary.tar.gz",
     "data_batch_1.bin is missing",
     ""},
    {"image", {{"cifar-10-binary.tar.gz/x", ""}}, "", "data_batch_1.bin", ""},
    {"image", with(without(batches(), "test_batch.bin"), {{"cifar-10-batches-bin/test_batch.bin/x", ""}}), "",
     "test_batch.bin is a folder or a pipe", ""},
    {"text", reviews(6), "", "", "text@part-24"},
    {"text", reviews(6), kReviews, "", "text@part-24"},
    {"text", without(reviews(6), "train/neg/0_1.txt"), kReviews, "", "text@part-23"},
    {"text", reviews(1), "", "has 2 reviews in train, too few", ""},
    {"text", reviews(1), kReviews, "has 2 reviews in train, too few", ""},
    {"text", {{"aclImdb/train/pos/0_1.txt", "x"}}, kReviews, "has 0 reviews in train/neg/ instead of 12500", ""},
    {"text", {{"aclImdb/train/pos/0_1.txt", "x"}}, "", "train is there without neg", ""},
    {"text", {{kReviews, kPage}}, "", "is a plain file", ""},
    {"text", {{kReviews, ""}}, "", "is empty", ""},
    {"text", {{"aclImdb", kPage}}, "", "is a plain file", ""},
    {"listops", expressions(), "", "", "listops@part-6"},
    {"listops", with(expressions(), {{kVal, "7\t7\n7\t7\n"}}), "", "basic_val.tsv line 1: the first line", ""},
    {"listops", with(expressions(), {{kVal, "Source\tTarget\n"}}), "", "basic_val.tsv holds no examples", ""},
    {"listops", with(expressions(), {{kVal, kPage}}), "", "basic_val.tsv line 1", ""},
    {"listops", with(expressions(), {{kVal, "Source\tTarget\n7\t7\n7\t8\n"}}), "", "basic_val.tsv line 3", ""},
    {"listops", with(expressions(), {{kVal, kGzip}}), "", "holds compressed data", ""},
    {"listops", with(without(expressions(), "val.tsv"), {{kVal + ".gz", kGzip}}), "", "", "listops@generated"},
    {"listops", with(without(expressions(), "val.tsv"), {{kVal + "/x", ""}}), "", "", "listops@generated"},
    {"pathfinder", pictures(20), "", "", "pathfinder32@part-20"},
    {"pathfinder", pictures(20), kPictures, "", "pathfinder32@part-20"},
    {"pathfinder", with(pictures(20), {{"pathfinder32/curv_contour_length_14/metadata/2.npy", "imgs/2 a.png 0 1\n"}}),
     kPictures, "", "pathfinder32@part-20"},
    {"pathfinder", without(pictures(20), "sample_4.png"), "", "1.npy line 5: there is no", ""},
    {"pathfinder", without(pictures(20), "sample_4.png"), kPictures, "1.npy line 5: there is no", ""},
    {"pathfinder", with(pictures(20), {{kSample, kPage}}), "", "sample_4.png is not a readable PNG", ""},
    {"pathfinder", with(pictures(20), {{kSample, kPage}}), kPictures, "sample_4.png is not a readable PNG", ""},
    {"pathfinder", pictures(20, 16), "", "has 16 by 16 pixels instead of 32 by 32", ""},
    {"pathfinder", with(pictures(20), {{kList, ""}}), "", "lists 0 pictures instead of 200000", ""},
    {"pathfinder", with(pictures(20), {{kList, "\x93NUMPY\x01"}}), "", "binary NumPy array", ""},
    {"pathfinder", pictures(2), "", "lists 2 pictures, too few", ""},
    {"pathfinder", {{kPictures, kPage}}, "", "is a plain file", ""},
    {"retrieval", pairs(), "", "", "retrieval@part-6"},
    {"retrieval", with(pairs(), {{kTrainPairs, kPage}}), "", "train.tsv line 1", ""},
    {"retrieval", with(pairs(), {{kTrainPairs, ""}}), "", "train.tsv holds no pairs", ""},
    {"retrieval", with(pairs(), {{kTrainPairs, kGzip}}), "", "holds compressed data", ""},
    {"retrieval", named_pairs("aan"), "", "", "retrieval@part-9"},
    {"retrieval", without(named_pairs("aan"), "b.txt"), "", "line 1: the text of paper b is not in papers_text", ""},
    {"retrieval", named_pairs("aan_mini"), kPairs, "", "retrieval@mini"},
    {"retrieval", without(named_pairs("aan_mini"), "b.txt"), kPairs, "the text of paper b is not in papers_text", ""},
    {"retrieval", without(named_pairs("aan_mini"), ".test.only_ids.tsv"), kPairs, "is missing or empty", ""},
    {"retrieval", {{kPairs, kPage}}, "", "is a plain file", ""},
};

void lay_out(const Case& given, const std::filesystem::path& root) {
  std::filesystem::create_directories(root);
  if (!given.archive.empty()) return write_tar_gz(root / given.archive, {given.files.begin(), given.files.end()});
  for (const auto& [name, content] : given.files) {
    std::filesystem::create_directories((root / name).parent_path());
    write_file(root / name, content);
  }
}

class BrokenData : public testing::TestWithParam<Case> {};

TEST_P(BrokenData, IsKnownBeforeItIsRead) {
  const Case& given = GetParam();
  const TemporaryFolder folder;
  const DataPaths paths{folder / "data", folder / "cache"};
  lay_out(given, paths.root);
  const TaskPlan plan = plan_task(given.task, "small", "linear", paths.root);
  const DataStatus status = data_status(plan, paths);
  if (given.words.empty()) {
    EXPECT_EQ(status.state, "ready") << status.reason;
    EXPECT_EQ(plan.spec.variant, given.variant) << plan.remark;
    if (given.variant.ends_with("@generated")) return;  // too many to generate here
    EXPECT_GT(open_data(plan, paths)->size(Split::test), 0);
    return;
  }
  EXPECT_TRUE(status.state == "broken" || status.state == "missing") << status.state;
  EXPECT_NE(status.reason.find(given.words), std::string::npos) << status.reason;
  EXPECT_EQ(status.reason, sentence_of([&] { open_data(plan, paths); }, Kind::data));
}

INSTANTIATE_TEST_SUITE_P(All, BrokenData, testing::ValuesIn(kCases));

// A part of the official files has the same examples in an archive and in a folder.
TEST(Parts, AreReadFromAnArchiveAsFromAFolder) {
  for (const auto& [task, files, archive] :
       {std::tuple("text", reviews(6), kReviews), std::tuple("pathfinder", pictures(20), kPictures)}) {
    std::set<std::string> fingerprints;
    for (const char* name : {archive, ""}) {
      const TemporaryFolder folder;
      const DataPaths paths{folder / "data", folder / "cache"};
      lay_out({task, files, name, "", ""}, paths.root);
      fingerprints.insert(open_data(plan_task(task, "small", "linear", paths.root), paths)->fingerprint());
    }
    EXPECT_EQ(fingerprints.size(), 1u) << task;
  }
}

}  // namespace
}  // namespace lra
