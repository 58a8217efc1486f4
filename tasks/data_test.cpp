// The state and the rendering of the tasks' data, as `lra data` prints them.
#include <gtest/gtest.h>

#include "core/file.h"
#include "datasets/cache.h"
#include "datasets/files_testing.h"
#include "tasks/inventory.h"
#include "tasks/render.h"

namespace lra {
namespace {

TEST(Inventory, TellsWhatIsThere) {
  const TemporaryFolder root;
  const DataPaths paths{root / "data", root / "cache"};
  EXPECT_EQ(data_status("lookup", "smoke", paths).state, "ready");
  const auto data = open_data(plan_task("lookup", "smoke", ""), paths);
  const DataStatus prepared = data_status("lookup", "smoke", paths);
  EXPECT_EQ(prepared.state, "prepared");
  EXPECT_EQ(prepared.spec.variant, "lookup@smoke");
  EXPECT_EQ(prepared.examples, (std::array<long, 3>{64, 32, 32}));
  EXPECT_EQ(prepared.fingerprint, data->fingerprint());
  EXPECT_EQ(prepared.bytes, std::filesystem::file_size(prepared.file));
  EXPECT_FALSE(prepared.licence.empty() || prepared.citation.empty());

  write_file(prepared.file, std::string("something else"));
  const DataStatus damaged = data_status("lookup", "smoke", paths);
  EXPECT_EQ(damaged.state, "damaged");
  EXPECT_NE(damaged.reason.find(prepared.file.string()), std::string::npos);

  const DataStatus missing = data_status("image", "lra", paths);
  EXPECT_EQ(missing.state, "missing");
  EXPECT_NE(missing.reason.find("cifar-10-binary.tar.gz"), std::string::npos);
}

TEST(Render, ListOpsAsATree) {
  // MAX(4, SM(9, 3)) in tokens: [MAX is 2, [SM 4, the closing bracket 5, digit d is 6 + d.
  const std::vector<std::uint16_t> tokens{2, 10, 4, 15, 9, 5, 5};
  Example example;
  example.tokens = tokens;
  example.label = 4;
  EXPECT_EQ(render_text(plan_task("listops", "smoke", ""), example),
            "label: 4\n[MAX = 4\n  4\n  [SM = 2\n    9\n    3\n");
}

TEST(Render, BytesIdsAndPairs) {
  const std::vector<std::uint16_t> first{98, 99}, second{100};
  Example example;
  example.tokens = first;
  example.second = second;
  example.label = 1;
  TaskPlan plan;
  plan.task = "retrieval";
  EXPECT_EQ(render_text(plan, example), "label: 1\nfirst:\nab\nsecond:\nc\n");
  example.second = {};
  plan.task = "tsv:mail";
  EXPECT_EQ(render_text(plan, example), "label: 1\nab\n");
  plan.task = "lookup";
  plan.spec.vocab = 257;  // the task determines the form, not the vocabulary
  EXPECT_EQ(render_text(plan, example), "label: 1\n98 99\n");
  plan.classes = {"neg", "pos"};
  EXPECT_EQ(render_text(plan, example), "label: pos\n98 99\n");
}

TEST(Render, PicturesAsTextAndAsPng) {
  const std::vector<std::uint16_t> pixels{0, 255, 128, 64};
  Example example;
  example.tokens = pixels;
  TaskPlan plan;
  TaskSpec& spec = plan.spec;
  plan.task = "image";
  spec.vocab = 256, spec.length = 4, spec.height = spec.width = 2;
  EXPECT_EQ(render_text(plan, example), "label: 0\n @\n+:\n");
  const std::string png = render_png(spec, example, 3);
  // The signature, and width and height of the IHDR chunk (PNG specification, sections 5.2 and 11.2.2).
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(png.substr(16, 8), std::string("\0\0\0\6\0\0\0\6", 8));
  EXPECT_EQ(render_png(spec, example).substr(16, 8), std::string("\0\0\1\0\0\0\1\0", 8));
  spec.height = spec.width = 0;
  sentence_of([&] { render_png(spec, example); }, Kind::usage);
}

}  // namespace
}  // namespace lra
