/// CIFAR-10 as gray images, split as Long Range Arena's input pipeline splits it.
///
///   Krizhevsky. "Learning Multiple Layers of Features from Tiny Images." 2009.
#include "datasets/cifar10.h"

#include <algorithm>
#include <map>

#include "core/file.h"
#include "datasets/input.h"
#include "datasets/missing.h"
#include "datasets/overlap.h"
#include "datasets/source.h"

namespace lra {
namespace {

constexpr std::size_t kPixels = 32 * 32;
constexpr std::size_t kRecord = 1 + 3 * kPixels;  // label, then the red, green and blue planes
constexpr const char* kFolder = "cifar-10-batches-bin";
constexpr const char* kArchive = "cifar-10-binary.tar.gz";
const std::vector<std::string> kTrain = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                                         "data_batch_5.bin"};
const std::vector<std::string> kTest = {"test_batch.bin"};

struct Config {
  long images_per_file = 10000;
  void fields(auto&& f) { f("images_per_file", images_per_file, "images in each of the six files"); }
};

bool is_batch(const std::string& name) {
  return std::count(kTrain.begin(), kTrain.end(), name) + std::count(kTest.begin(), kTest.end(), name) > 0;
}

std::optional<OfficialFile> recognise(const PathNames& path) {
  const std::string& name = path.last(0);
  if (!is_batch(name)) return {};
  return OfficialFile{.layout = "cifar10",
                      .place = fmt::format("{}/{}", kFolder, name),
                      .part = std::filesystem::path(name).stem().string(),
                      .official = Config{}.images_per_file,
                      .archive = kArchive};
}

std::vector<std::filesystem::path> inputs(const Config&, const std::filesystem::path& root) {
  const auto found = find_input(root, {kFolder, kArchive}, fetch_remedy("cifar10", root));
  if (!std::filesystem::is_directory(found)) return {found};
  std::vector<std::filesystem::path> files;
  for (const auto* names : {&kTrain, &kTest})
    for (const std::string& name : *names)
      files.push_back(find_input(root, {fmt::format("{}/{}", kFolder, name)}, "import the archive again"));
  return files;
}

/// Return the content of the batch files by name, and in `origin` the prefix of their names in errors.
std::map<std::string, std::string> read_batches(const std::vector<std::filesystem::path>& files, std::string& origin) {
  std::map<std::string, std::string> batches;
  if (files.size() > 1) {
    origin = files.front().parent_path().string() + "/";
    for (const auto& file : files) batches[file.filename().string()] = read_file(file);
    return batches;
  }
  origin = files.front().string() + ": ";
  const auto base = [](const std::string& name) { return std::filesystem::path(name).filename().string(); };
  read_archive(
      files.front(), [&](const std::string& name) { return is_batch(base(name)); },
      [&](const std::string& name, std::string content) { batches[base(name)] = std::move(content); });
  return batches;
}

struct Record {
  const std::uint8_t* bytes;
  int label() const { return bytes[0]; }
  void gray(std::span<std::uint16_t> out) const {
    for (std::size_t i = 0; i < kPixels; ++i)
      out[i] = cifar10::gray(bytes[1 + i], bytes[1 + kPixels + i], bytes[1 + 2 * kPixels + i]);
  }
};

/// Return the records of one file. Borrows from `content`; errors call the file `where`.
std::vector<Record> records(const Config& config, const std::string& content, const std::string& where) {
  if (content.size() != std::size_t(config.images_per_file) * kRecord)
    fail_data("{} has {} bytes instead of {}; get CIFAR-10's binary version again", where, content.size(),
              std::size_t(config.images_per_file) * kRecord);
  std::vector<Record> all;
  for (std::size_t at = 0; at < content.size(); at += kRecord) {
    all.push_back({reinterpret_cast<const std::uint8_t*>(content.data()) + at});
    if (all.back().label() > 9)
      fail_data("{}: image {} has label {}, but labels are 0 to 9", where, at / kRecord, all.back().label());
  }
  return all;
}

/// Return the records of the named files, in their official order. Borrows from `batches`.
std::vector<Record> records(const Config& config, const std::map<std::string, std::string>& batches,
                            const std::vector<std::string>& names, const std::string& origin) {
  std::vector<Record> all;
  for (const std::string& name : names) {
    const auto found = batches.find(name);
    if (found == batches.end()) fail_data("{}{} is missing; get CIFAR-10's binary version again", origin, name);
    const auto of_file = records(config, found->second, origin + name);
    all.insert(all.end(), of_file.begin(), of_file.end());
  }
  return all;
}

long inspect(const std::string&, const std::string& name, const Content& content) {
  const std::string images = collect(name, content);
  return long(records(Config{}, images, name).size());
}

void add(const std::vector<Record>& from, std::span<const std::uint32_t> order, Examples& to) {
  std::vector<std::uint16_t> pixels(kPixels);
  for (const std::uint32_t i : order) {
    from[i].gray(pixels);
    to.add(pixels, from[i].label());
  }
}

/// All images in their order on disk.
struct Images {
  Images(const Config& config, const std::filesystem::path& root)
      : batches(read_batches(inputs(config, root), origin)),
        train(records(config, batches, kTrain, origin)),
        test(records(config, batches, kTest, origin)) {}
  std::string origin;
  std::map<std::string, std::string> batches;
  std::vector<Record> train, test;
};

void check(const Config& config, const std::filesystem::path& root) { (void)Images(config, root); }

Corpus make(const Config& config, const std::filesystem::path& root) {
  const Images images(config, root);
  const auto &train = images.train, &test = images.test;
  const auto order = cifar10::stored_order("train", std::uint32_t(train.size()));
  const std::size_t kept = (order.size() * 9 + 5) / 10;  // TFDS rounds train[:90%]
  Corpus corpus;
  add(train, std::span(order).first(kept), corpus[Split::train]);
  add(train, std::span(order).subspan(kept), corpus[Split::valid]);
  add(test, cifar10::stored_order("test", std::uint32_t(test.size())), corpus[Split::test]);
  corpus.findings.cautions = overlaps(corpus, "image");
  return corpus;
}

const RegisterSource<Config> registered{
    "cifar10",
    {"CIFAR-10 in gray, 45,000 / 5,000 / 10,000 images as TensorFlow Datasets splits them",
     "not stated by its author; used in research",
     "Krizhevsky. Learning Multiple Layers of Features from Tiny Images. 2009",
     1,
     {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}},
    inputs,
    make,
    {.files = kFolder,
     .recognise = recognise,
     .inspect = inspect,
     .downloads = {{.name = "cifar10",
                    .url = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                    .file = kArchive,
                    .size = 170052171,
                    .sha256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                    .md5 = "c32a1d4ab5d03f1284b67883e8d87530"}}},
    check};

}  // namespace
}  // namespace lra
