#include "core/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "core/core_testing.h"
#include "core/error.h"

namespace lra {
namespace {

/// Return a file with this header, followed by these bytes.
std::string file_of(const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[std::size_t(i)] = char(header.size() >> (8 * i) & 0xff);
  return bytes + header + data;
}

// Source: the format's description, byte by byte: length 0x40, header of that length padded with blanks, then
// 1.0f = 00 00 80 3f and −2.0f = 00 00 00 c0.
TEST(Safetensors, WritesTheDescribedBytes) {
  const TemporaryFolder folder;
  const std::vector<float> values = {1, -2};
  write_safetensors(folder / "arrays.safetensors", {StoredArray::of<float>("weights", {2, 1}, values)});
  std::string header = R"({"weights":{"data_offsets":[0,8],"dtype":"F32","shape":[2,1]}})";
  header.resize(64, ' ');
  EXPECT_EQ(read_file(folder / "arrays.safetensors"),
            file_of(header, std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8)));
}

TEST(Safetensors, ReadsWhatOthersWrite) {
  const TemporaryFolder folder;
  // The file has another order of keys, metadata, a scalar, an empty array and no padding.
  write_file(folder / "arrays.safetensors",
             file_of(R"({"__metadata__":{"by":"hand"},"b":{"dtype":"I32","shape":[],"data_offsets":[8,12]},)"
                     R"("a":{"data_offsets":[0,8],"dtype":"F64","shape":[1]},)"
                     R"("none":{"dtype":"F32","shape":[0,3],"data_offsets":[12,12]}})",
                     std::string("\x00\x00\x00\x00\x00\x00\xf0\x3f\x07\x00\x00\x00", 12)));
  const StoredArrays file(folder / "arrays.safetensors");
  EXPECT_EQ(file.text(), (StoredText{{"by", "hand"}}));
  EXPECT_EQ(file.values<double>("a"), std::vector<double>{1.0});
  EXPECT_EQ(file.values<std::int32_t>("b"), std::vector<std::int32_t>{7});
  EXPECT_TRUE(file.values<float>("none").empty());
  EXPECT_EQ(file.find("none")->shape, (std::vector<long>{0, 3}));
  EXPECT_EQ(file.find("c"), nullptr);
  EXPECT_THROW((void)file.values<float>("c"), Error);
  EXPECT_THROW((void)file.values<float>("a"), Error);
}

TEST(Safetensors, ComesBackAsItWasWritten) {
  const TemporaryFolder folder;
  const std::vector<float> f = {0.1f, -0.0f, 3e38f};
  const std::vector<std::int64_t> offsets = {0, 1, std::int64_t{1} << 40};
  write_safetensors(folder / "arrays.safetensors",
                    {StoredArray::of<float>("f", {3}, f), StoredArray::of<std::int64_t>("offsets", {3}, offsets)},
                    {{"model", "linear"}});
  const StoredArrays file(folder / "arrays.safetensors");
  EXPECT_EQ(file.values<float>("f"), f);
  EXPECT_EQ(file.values<std::int64_t>("offsets"), offsets);
  EXPECT_EQ(file.all().front().name, "offsets") << "the widest first";
  EXPECT_EQ(file.text().at("model"), "linear");
  EXPECT_THROW(write_safetensors(folder / "arrays.safetensors", {StoredArray::of<float>("f", {4}, f)}), Error);
  EXPECT_THROW(write_safetensors(folder / "arrays.safetensors",
                                 {StoredArray::of<float>("f", {3}, f), StoredArray::of<float>("f", {3}, f)}),
               Error);
}

struct Hostile {
  const char* name;
  std::string bytes;
};
void PrintTo(const Hostile& file, std::ostream* out) { *out << file.name; }

const std::string kFour(4, '\0');
const Hostile kHostile[] = {
    {"empty", ""},
    {"cut", std::string(7, '\0')},
    {"header_beyond_the_end", std::string("\xff\x00\x00\x00\x00\x00\x00\x00{}", 10)},
    {"header_of_2_to_64", std::string(8, '\xff') + "{}"},
    {"no_json", file_of("{\"a\":", "")},
    {"a_list", file_of("[]", "")},
    {"deep", file_of("{\"a\":" + std::string(10000, '[') + std::string(10000, ']') + "}", "")},
    {"twice",
     file_of(
         R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
         kFour)},
    {"no_object", file_of(R"({"a":3})", "")},
    {"no_type", file_of(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", kFour)},
    {"type_of_another", file_of(R"({"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})", kFour)},
    {"negative_shape", file_of(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", kFour)},
    {"shape_that_wraps",
     file_of(R"({"a":{"dtype":"F32","shape":[4,4294967296,4294967296],"data_offsets":[0,4]}})", kFour)},
    {"shape_of_text", file_of(R"({"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}})", kFour)},
    {"size_unlike_shape", file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", kFour)},
    {"backwards", file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", kFour)},
    {"beyond_the_end", file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", kFour)},
    {"offset_of_2_to_64",
     file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,18446744073709551615]}})", kFour)},
    {"gap", file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", kFour + kFour)},
    {"overlap",
     file_of(
         R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
         kFour)},
    {"bytes_left", file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", kFour + "x")},
    {"metadata_of_numbers", file_of(R"({"__metadata__":{"a":1}})", "")},
};

class HostileFile : public testing::TestWithParam<Hostile> {};

TEST_P(HostileFile, IsADataError) {
  const TemporaryFolder folder;
  write_file(folder / "arrays.safetensors", GetParam().bytes);
  try {
    const StoredArrays file(folder / "arrays.safetensors");
    ADD_FAILURE() << "it was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Kind::data);
    EXPECT_NE(std::string(error.what()).find((folder / "arrays.safetensors").string()), std::string::npos)
        << error.what();
  }
}
INSTANTIATE_TEST_SUITE_P(All, HostileFile, testing::ValuesIn(kHostile),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(Safetensors, NamesAFileThatIsNotThere) { EXPECT_THROW(StoredArrays("/no/such/file.safetensors"), Error); }

}  // namespace
}  // namespace lra
