/// Every numeric setting of every model and of the encoder at extreme values; and every model on a constant input.
#include <gtest/gtest.h>

#include <new>

#include "models/layers/classifier.h"
#include "models/tensor/detail/onednn.h"
#include "models/testing/contract_cases.h"

namespace lra {
namespace {

const std::vector<Json> kExtremeCounts = {
    0, -1, -5000000, 1000000, 2147483647L, 2147483648L, 1L << 40, 9223372036854775807L, -9223372036854775807L - 1};
const std::vector<Json> kExtremeNumbers = {0, -1, 0.5, 1, 1e-300, 1e300, -1e300};

/// Empty if `run` succeeds or throws an Error; otherwise a description of what it throws.
template <typename StoredRun>
std::string complaint(StoredRun run) {
  try {
    run();
  } catch (const Error& error) {
    return error.kind() == Kind::usage ? "" : fmt::format("no usage error: {}", error.what());
  } catch (const std::bad_alloc&) {
    return "";  // an error message of the program
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

class EveryModelAtItsEdges : public testing::TestWithParam<std::string> {};

TEST_P(EveryModelAtItsEdges, WorksOrIsRefusedInOurWords) {
  const Worker worker;
  const std::string model = GetParam();
  for (const Json& variant : variants(model))
    for (const Field& field : models().at(model).settings) {
      if (field.type != "int" && field.type != "float") continue;
      for (const Json& value : field.type == "int" ? kExtremeCounts : kExtremeNumbers) {
        Json settings = variant;
        settings[field.name] = value;
        const std::string said = complaint([&] {
          const MixerCase c = mixer_case(model, {7, 1}, settings, 0.2);
          const Numbers x = tokens_of(c, "x");
          EXPECT_EQ(f32::run_mixer(c, x, x).result.size(), x.size()) << with(settings);
        });
        EXPECT_EQ(said, "") << model << with(settings);
      }
    }
}

// Source: the derivative with respect to a parameter does not depend on whether the input is constant.
TEST_P(EveryModelAtItsEdges, AConstantInputChangesNoGradientOfAParameter) {
  const Worker worker;
  for (const Json& variant : variants(GetParam())) {
    MixerCase c = mixer_case(GetParam(), {19, 1, 8}, variant, 0.2);
    const Numbers x = tokens_of(c, "x"), dy = tokens_of(c, "dy");
    MixerRun all = f32::run_mixer(c, x, dy);
    c.constant = true;
    const MixerRun held = f32::run_mixer(c, x, dy);
    EXPECT_EQ(held.result, all.result) << with(variant);
    all.gradients["x"] = Numbers(x.size());
    EXPECT_EQ(held.gradients, all.gradients) << with(variant);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EveryModelAtItsEdges, testing::ValuesIn(f32::model_names()),
                         [](const auto& instance) { return instance.param; });

TEST(EncoderSettings, WorkOrAreRefusedInOurWords) {
  const Worker worker;
  ModelCase c;
  c.model = "transformer";
  c.task = {.name = "t", .variant = "t", .vocab = 5, .length = 6, .classes = 2};
  for (const Field& field : fields_of(EncoderConfig{})) {
    if (field.type != "int" && field.type != "float") continue;
    for (const Json& value : field.type == "int" ? kExtremeCounts : kExtremeNumbers)
      for (const char* positions : {"learned", "sinusoid"}) {
        const Json encoder = {{field.name, value}, {"positions", positions}};
        const std::string said = complaint(
            [&] { (void)Classifier(c.model, c.settings, parse<EncoderConfig>(encoder, "encoder"), c.task, 1); });
        EXPECT_EQ(said, "") << encoder.dump();
        EncoderConfig unparsed;  // as if a program had filled the struct directly
        if (field.name == "width" && value.is_number_integer()) unparsed.width = value.get<long>();
        EXPECT_EQ(complaint([&] { (void)Classifier(c.model, c.settings, unparsed, c.task, 1); }), "");
      }
  }
}

TEST(Settings, AreRefusedWithTheirRange) {
  const auto sentence = [](const std::string& model, const Json& settings) -> std::string {
    try {
      (void)models().at(model).resolve(settings);
    } catch (const Error& error) {
      return error.what();
    }
    return "taken";
  };
  EXPECT_EQ(sentence("linformer", {{"k", 0}}), "linformer: setting 'k' is 0; it must be from 1 to 65536");
  EXPECT_EQ(sentence("linformer", {{"k", 1'000'000}}), "linformer: setting 'k' is 1000000; it must be from 1 to 65536");
  EXPECT_EQ(sentence("local", {{"block", 0}}), "local: setting 'block' is 0; it must be at least 1");
  EXPECT_EQ(sentence("local", {{"block", 1L << 40}}),
            "local: setting 'block' is 1099511627776; it must be at most 2147483647");
  EXPECT_EQ(sentence("nystromformer", {{"iterations", 1001}}),
            "nystromformer: setting 'iterations' is 1001; it must be from 0 to 1000");
  EXPECT_EQ(sentence("sinkhorn", {{"temperature", 0}}), "sinkhorn: setting 'temperature' is 0; it must be more than 0");
  EXPECT_EQ(sentence("routing", {{"decay", 1.5}}), "routing: setting 'decay' is 1.5; it must be from 0 to 1");
}

}  // namespace
}  // namespace lra
