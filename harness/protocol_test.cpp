#include "harness/protocol.h"

#include <gtest/gtest.h>

#include <cmath>

#include "harness/experiment.h"
#include "results/results_testing.h"

namespace lra {
namespace {

TEST(Protocol, ResultsArriveWhole) {
  CellMessage message;
  message.type = CellMessage::Type::result;
  message.result.parameters = 7;
  message.result.parameter_digest = "abc";
  message.result.test_loss = 1.0 / 3;
  message.result.history = {{1, "train", "loss", 0.1}, {2, "valid", "loss", 0.2}};
  message.result.seconds = 1.5, message.result.shared = true, message.result.timing_flaw = "1 and 2 threads";
  message.result.parts = {{{"threads", 1}}, {{"threads", 2}}};
  message.result.test_correctness = {1, 0, 1};
  const CellMessage copy = decode_message(encode(message));
  EXPECT_EQ(copy.type, CellMessage::Type::result);
  EXPECT_EQ(copy.result.parameters, 7);
  EXPECT_EQ(copy.result.parameter_digest, "abc");
  EXPECT_EQ(copy.result.test_loss, 1.0 / 3);
  ASSERT_EQ(copy.result.history.size(), 2u);
  EXPECT_EQ(copy.result.history[0].value, 0.1);
  EXPECT_EQ(copy.result.history[1].split, "valid");
  EXPECT_EQ(copy.result.seconds, 1.5);
  EXPECT_TRUE(copy.result.shared);
  EXPECT_EQ(copy.result.timing_flaw, "1 and 2 threads");
  EXPECT_EQ(copy.result.parts, message.result.parts);
  EXPECT_EQ(copy.result.test_correctness, (std::vector<std::uint8_t>{1, 0, 1}));
}

TEST(Protocol, AResultThatIsNotFiniteIsNone) {
  const auto said = [](auto&& change) {
    CellMessage message;
    message.type = CellMessage::Type::result;
    message.result.history = {{2, "valid", "loss", 0.1}};
    change(message.result);
    return sentence_of([&] { (void)decode_message(encode(message)); }, Kind::failed);
  };
  EXPECT_EQ(said([](TrainResult& run) { run.test_loss = NAN; }),
            "the cell's result has a test_loss that is not finite");
  EXPECT_EQ(said([](TrainResult& run) { run.gemm_peak_gflops = INFINITY; }),
            "the cell's result has a gemm_peak_gflops that is not finite");
  EXPECT_EQ(said([](TrainResult& run) { run.history[0].value = NAN; }),
            "the cell's result has a valid loss that is not finite");
}

TEST(Protocol, AProfileArrivesWithItsResult) {
  CellMessage message;
  message.type = CellMessage::Type::result;
  EXPECT_FALSE(decode_message(encode(message)).profile);
  message.profile =
      StepProfile{.steps = 3, .threads = 2, .seconds = 0.5, .rows = {{"head", "linear", {4, 0.25, 1e9, 64}, {}}}};
  const auto copy = decode_message(encode(message)).profile;
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->steps, 3);
  EXPECT_EQ(encode(*copy), encode(*message.profile));
}

TEST(Protocol, ProgressAndErrorsArrive) {
  CellMessage message;
  message.progress = {3, 10, 0.5, 0.25, -1, 100, 0.005, 4096, "train"};
  const CellMessage progress = decode_message(encode(message));
  EXPECT_EQ(progress.type, CellMessage::Type::progress);
  EXPECT_EQ(progress.progress.step, 3);
  EXPECT_EQ(progress.progress.data_share, 0.005);
  EXPECT_EQ(progress.progress.phase, "train");
  message.type = CellMessage::Type::error;
  message.sentence = "broken \xff bytes\nand lines";
  const std::string line = encode(message);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(decode_message(line).sentence.find("and lines"), std::string::npos);
}

TEST(Protocol, RefusesNonsense) {
  for (const char* line : {"", "hello", "[]", "{}", "{\"progress\":3}", "{\"result\":{}}", "{\"error\":1}"})
    EXPECT_NE(sentence_of([&] { (void)decode_message(line); }, Kind::failed).find("not a message"), std::string::npos)
        << line;
  sentence_of([] { (void)decode_request("{}"); }, Kind::usage);
}

TEST(Protocol, RequestsArriveWhole) {
  CellRequest request;
  request.experiment = make_experiment("listops", "smoke", "local", 3, 5, {});
  request.data_fingerprint = "f";
  request.paths.root = "/data";
  request.paths.cache = "/cache";
  request.options.threads = 4;
  request.options.check_finite = true;
  request.options.profile = true;
  request.options.shared = true;
  request.checkpoint = "cells/key.safetensors";
  request.options.checkpoint_seconds = 0.5;
  request.options.max_memory = 1L << 33;
  request.parent = 12;
  const CellRequest copy = decode_request(encode(request));
  EXPECT_EQ(encode(copy), encode(request));
  EXPECT_EQ(copy.paths.cache, request.paths.cache);
  EXPECT_EQ(copy.checkpoint, request.checkpoint);
  EXPECT_EQ(copy.options.checkpoint_seconds, request.options.checkpoint_seconds);
  EXPECT_EQ(copy.options.max_memory, request.options.max_memory);
  EXPECT_EQ(copy.options.threads, 4);
  EXPECT_TRUE(copy.options.profile);
  EXPECT_TRUE(copy.options.shared);
  EXPECT_EQ(copy.parent, 12);
}

}  // namespace
}  // namespace lra
