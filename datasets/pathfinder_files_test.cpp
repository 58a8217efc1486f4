// The layout of the release: which files are read, in which order, and which are rejected.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/digest.h"
#include "core/file.h"
#include "datasets/archive_testing.h"
#include "datasets/cache.h"
#include "datasets/files_testing.h"
#include "datasets/png.h"
#include "datasets/source.h"

namespace lra {
namespace {

constexpr long kSize = 4, kBatches = 2, kInBatch = 10, kPictures = kBatches * kInBatch;
const std::string kFolder = "curv_contour_length_14";

/// Return the files of a release. All pixels of picture `i` of batch `b` have the gray value 100 b + i; its label is
/// i modulo 2.
std::map<std::string, std::string> release() {
  std::map<std::string, std::string> files;
  for (long b = 0; b < kBatches; ++b)
    for (long i = 0; i < kInBatch; ++i) {
      const std::vector<std::uint8_t> pixels(kSize * kSize, std::uint8_t(100 * b + i));
      const std::string name = fmt::format("sample_{}.png", i);
      files[fmt::format("imgs/{}/{}", b, name)] = encode_png(kSize, kSize, 1, pixels);
      files[fmt::format("metadata/{}.npy", b)] +=
          fmt::format("imgs/{} {} {} {} 1.0 14 4 2 0.5 1 1\n", b, name, i, i % 2);
    }
  return files;
}

void write_folder(const std::filesystem::path& folder, const std::map<std::string, std::string>& files) {
  for (const auto& [name, content] : files) {
    std::filesystem::create_directories((folder / name).parent_path());
    write_file(folder / name, content);
  }
}

void write_archive(const std::filesystem::path& path, const std::string& top,
                   const std::map<std::string, std::string>& files) {
  std::vector<std::pair<std::string, std::string>> all;
  all.reserve(files.size());
  for (const auto& [name, content] : files) all.emplace_back(fmt::format("{}/{}", top, name), content);
  write_tar_gz(path, all);
}

const Json kSettings{{"size", kSize}, {"images", kPictures}};

std::unique_ptr<Dataset> load(const std::filesystem::path& root, const Json& more = Json::object()) {
  Json settings = kSettings;
  settings.update(more);
  return in_memory(sources().at("pathfinder").make(settings, root));
}

/// Return the gray values of a split's pictures, in order.
std::vector<int> grays(const Dataset& data, Split split) {
  std::vector<int> all;
  for (long i = 0; i < data.size(split); ++i) all.push_back(data.at(split, i).tokens[5]);
  return all;
}

// Source: TensorFlow Datasets' rule, evaluated here: ascending MD5 of the split's name and folder_file_line.
TEST(PathfinderFiles, OrderAndSplit) {
  const TemporaryFolder root;
  write_folder(root / "pathfinder4" / kFolder, release());
  std::vector<std::pair<std::string, int>> keyed;
  for (int b = 0; b < kBatches; ++b)
    for (int i = 0; i < kInBatch; ++i)
      keyed.emplace_back(md5(fmt::format("hardimgs/{}_sample_{}.png_{}", b, i, i + 1)), 100 * b + i);
  std::sort(keyed.begin(), keyed.end());
  std::vector<int> expected;
  expected.reserve(keyed.size());
  for (const auto& [key, gray] : keyed) expected.push_back(gray);

  const auto data = load(root.path());
  std::vector<int> found;
  for (const Split split : {Split::train, Split::valid, Split::test})
    for (const int gray : grays(*data, split)) found.push_back(gray);
  EXPECT_EQ(found, expected);
  EXPECT_EQ(data->size(Split::train), 16);
  EXPECT_EQ(data->size(Split::valid), 2);
  EXPECT_EQ(data->at(Split::test, 0).tokens.size(), 16u);
  for (long i = 0; i < data->size(Split::train); ++i)
    EXPECT_EQ(data->at(Split::train, i).label, data->at(Split::train, i).tokens[0] % 2);
}

TEST(PathfinderFiles, FoldersAndArchivesHoldTheSame) {
  const TemporaryFolder root;
  const auto at = [&](const std::string& name) {
    std::filesystem::create_directories(root / name);
    return root / name;
  };
  write_folder(root / "plain" / "pathfinder4" / kFolder, release());
  write_folder(root / "inner" / "lra_release" / "lra_release" / "pathfinder4" / kFolder, release());
  write_folder(root / "inner" / "lra_release" / "pathfinder4" / kFolder, {{"metadata/0.npy", "the outer copy\n"}});
  write_archive(at("tar") / "pathfinder4.tar.gz", "pathfinder4/" + kFolder, release());
  write_archive(at("up") / "pathfinder4_upstream.tar.gz", "pathfinder4_upstream/" + kFolder, release());
  const std::string fingerprint = load(root / "plain")->fingerprint();
  EXPECT_EQ(load(root / "inner")->fingerprint(), fingerprint);
  EXPECT_EQ(load(root / "tar")->fingerprint(), fingerprint);
  EXPECT_EQ(load(root / "up", {{"release", "upstream"}})->fingerprint(), fingerprint);
  EXPECT_NE(sentence_of([&] { load(root / "up"); }, Kind::data).find("fetch lra_release"), std::string::npos);
}

TEST(PathfinderFiles, DifficultiesHaveTheirFolders) {
  const TemporaryFolder root;
  write_folder(root / "pathfinder4" / "curv_baseline", release());
  EXPECT_EQ(load(root.path(), {{"difficulty", "easy"}})->size(Split::train), 16);
  EXPECT_THROW(load(root.path()), Error);
  EXPECT_NE(sentence_of(
                [&] {
                  load(root.path(), {{"difficulty", "mild"}});
                },
                Kind::usage)
                .find("'mild'"),
            std::string::npos);
}

TEST(PathfinderFiles, EmptyPicturesAreLeftOutUpToACount) {
  const TemporaryFolder root;
  auto files = release();
  files["imgs/1/sample_3.png"].clear();
  write_folder(root / "pathfinder4" / kFolder, files);
  const auto data = load(root.path());
  EXPECT_EQ(data->size(Split::train) + data->size(Split::valid) + data->size(Split::test), kPictures - 1);
  files["imgs/0/sample_3.png"].clear();
  write_folder(root / "pathfinder4" / kFolder, files);
  EXPECT_NE(sentence_of([&] { load(root.path()); }, Kind::data).find("has no bytes"), std::string::npos);
  EXPECT_EQ(load(root.path(), {{"empty", 2}})->size(Split::train) > 0, true);
}

/// Return the error of reading a release in which one file is replaced.
std::string complaint(const std::string& name, const std::string& content) {
  const TemporaryFolder root;
  auto files = release();
  files[name] = content;
  write_folder(root / "pathfinder4" / kFolder, files);
  return sentence_of([&] { load(root.path()); }, Kind::data);
}

TEST(PathfinderFiles, WrongLinesAreNamed) {
  const std::string list = release().at("metadata/1.npy");
  const auto with = [&](const std::string& old, const std::string& now) {
    std::string changed = list;
    changed.replace(changed.find(old), old.size(), now);
    return complaint("metadata/1.npy", changed);
  };
  const auto says = [](const std::string& sentence, const std::string& what) {
    EXPECT_NE(sentence.find("1.npy line 5"), std::string::npos) << sentence;
    EXPECT_NE(sentence.find(what), std::string::npos) << sentence;
  };
  says(with("imgs/1 sample_4.png 4 0", "imgs/1 sample_4.png 4 2"), "the label must be 0 or 1, not '2'");
  says(with("imgs/1 sample_4.png 4 0 1.0 14 4 2 0.5 1 1", "imgs/1 sample_4.png"), "has 2 columns");
  says(with("imgs/1 sample_4.png", "imgs/../../../x sample_4.png"), "outside the data folder");
  says(with("imgs/1 sample_4.png", "/etc sample_4.png"), "outside the data folder");
  says(with("imgs/1 sample_4.png", "imgs/1 sample_44.png"), "sample_44.png");
  says(with("sample_4.png", std::string(300, 'x')), "there is no");
  EXPECT_NE(complaint("metadata/1.npy", "\x93NUMPY\x01").find("binary NumPy array"), std::string::npos);
  EXPECT_NE(complaint("metadata/1.npy", "").find("lists 10 pictures instead of 20"), std::string::npos);
}

TEST(PathfinderFiles, WrongPicturesAreNamed) {
  const std::string name = "imgs/0/sample_7.png", whole = release().at(name);
  const std::vector<std::uint8_t> nine(9);
  EXPECT_NE(complaint(name, whole.substr(0, whole.size() / 2)).find("sample_7.png is not a readable PNG"),
            std::string::npos);
  EXPECT_NE(complaint(name, "no picture").find("sample_7.png is not a readable PNG"), std::string::npos);
  EXPECT_NE(complaint(name, encode_png(3, 3, 1, nine)).find("sample_7.png has 3 by 3 pixels instead of 4 by 4"),
            std::string::npos);
}

TEST(PathfinderFiles, AnArchiveWithoutListsOrPictures) {
  const TemporaryFolder root;
  auto files = release();
  files.erase("imgs/0/sample_2.png");
  write_archive(root / "pathfinder4.tar.gz", kFolder, files);
  EXPECT_NE(sentence_of([&] { load(root.path()); }, Kind::data).find("there is no"), std::string::npos);
  write_archive(root / "pathfinder4.tar.gz", kFolder, {{"imgs/0/sample_0.png", "x"}});
  EXPECT_NE(sentence_of([&] { load(root.path()); }, Kind::data).find("metadata/<batch>.npy"), std::string::npos);
}

}  // namespace
}  // namespace lra
