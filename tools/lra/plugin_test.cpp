// A model from outside the tree is loaded, listed, trained in a separate process and reported, and rejected when it
// does not fit.
#include <elf.h>
#include <gtest/gtest.h>

#include "core/file.h"
#include "core/source_folder_testing.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

const std::string kWith = std::string(" --plugin ") + LRA_PLUGIN;
const std::string kRun = "run --models sharp_linear,identity --tasks lookup --preset smoke";

/// Skips the tests when sharp_linear is in the tree, as after following the tutorial, because its name is taken then.
class Plugin : public testing::Test {
 protected:
  void SetUp() override {
    if (std::filesystem::exists(source_folder() / "models/attention/sharp_linear.cpp"))
      GTEST_SKIP() << "sharp_linear is a model of this tree";
  }
};
class SlowPlugin : public Plugin {};

TEST_F(Plugin, HasARowInTheReport) {
  const Sandbox sandbox;
  EXPECT_EQ(sandbox.lra(kRun).code, 2) << "without the plug-in there is no such model";
  const Finished finished = sandbox.lra(kRun + kWith);
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.out.find("| sharp_linear"), std::string::npos) << finished.out;
  EXPECT_NE(sandbox.lra("report --preset smoke").out.find("| sharp_linear"), std::string::npos)
      << "reading stored runs needs no plug-in";
  const Finished again = sandbox.lra(kRun + kWith + " --json");
  for (const Json& cell : again.json()) EXPECT_EQ(cell.at("skipped"), true);
  for (const Json& cell : again.json()) {
    const bool is_plugged = cell.at("model") == "sharp_linear";
    EXPECT_EQ(cell.at("model_revision").get<std::string>().size(), is_plugged ? 2 + 16u : 3u) << cell;
  }
}

TEST_F(Plugin, IsAvailableInEveryCommand) {
  const Sandbox sandbox;
  for (const char* arguments :
       {"list models", "describe model sharp_linear --preset smoke --model-args sharp_linear:sharpness=3",
        "probe --model sharp_linear --task lookup --preset smoke -o p.safetensors",
        "bench --models sharp_linear --lengths 16 --batch 2 --seconds 0.01 --set width=16"}) {
    const Finished finished = sandbox.lra(fmt::format("{}{}{}", arguments, kWith, kWith));
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_NE(finished.out.find("sharp_linear"), std::string::npos) << arguments << "\n" << finished.out;
  }
}

/// A copy of the plug-in in which `from` is replaced by `to`, of the same length.
std::string changed(const std::string& from, const std::string& to) {
  std::string bytes = contents(LRA_PLUGIN);
  const std::size_t at = bytes.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return bytes.replace(at, from.size(), to);
}

TEST_F(Plugin, IsRejectedWhenItDoesNotFit) {
  const Sandbox sandbox;
  const auto said = [&](const std::string& bytes) {
    write_file(sandbox.path("mine.so"), bytes);
    const Finished finished = sandbox.lra("list models --plugin mine.so");
    EXPECT_EQ(finished.code, 2);
    EXPECT_EQ(finished.out, "");
    return finished.err;
  };
  const std::string other = said(changed("lra plugin ABI 0", "lra plugin ABI 9"));
  EXPECT_NE(other.find("mine.so was made for the interface 9."), std::string::npos) << other;
  EXPECT_NE(other.find("this program has 0."), std::string::npos) << other;
  EXPECT_NE(said(changed("lra plugin ABI ", "xyz plugin ABI ")).find("mine.so has no symbol lra_plugin_abi"),
            std::string::npos);
  EXPECT_NE(said("somebody's letters").find("mine.so is not a shared library"), std::string::npos);
  EXPECT_NE(said("").find("mine.so is not a shared library"), std::string::npos);
  const std::string cut = contents(LRA_PLUGIN);
  EXPECT_NE(said(cut.substr(0, cut.find("lra plugin ABI") + 60)).find("mine.so is cut short"), std::string::npos);
  // Without its section table, which the loader does not need, the segments still extend beyond the end of the file.
  std::string bare = cut;
  bare.replace(offsetof(Elf64_Ehdr, e_shoff), 8, 8, '\0').replace(offsetof(Elf64_Ehdr, e_shnum), 2, 2, '\0');
  EXPECT_NE(said(bare.substr(0, cut.find("lra plugin ABI") + 60)).find("mine.so is cut short"), std::string::npos);
  EXPECT_NE(sandbox.lra("list models --plugin none.so").err.find("there is no file none.so"), std::string::npos);
}

TEST_F(Plugin, IsRejectedWhenItsNameIsTaken) {
  const Sandbox sandbox;
  write_file(sandbox.path("mine.so"), contents(LRA_PLUGIN));
  const Finished finished = sandbox.lra("list models --plugin mine.so" + kWith);
  EXPECT_EQ(finished.code, 2);
  EXPECT_NE(finished.err.find("registers the model 'sharp_linear', and there is one"), std::string::npos)
      << finished.err;
}

TEST_F(Plugin, KeepsTheContract) {
  const Sandbox sandbox(LRA_CONTRACT);
  const Finished good = sandbox.lra(fmt::format("{} {}", LRA_PLUGIN, LRA_PLUGIN_DOUBLE));
  EXPECT_EQ(good.code, 0) << good.out << good.err;
  EXPECT_NE(good.out.find("sharp_linear FloatAgreesWithDouble kept\n"), std::string::npos) << good.out;
}

TEST_F(Plugin, ThatBreaksTheContractFailsTheCheck) {
  const Sandbox sandbox(LRA_CONTRACT);
  const Finished broken = sandbox.lra(fmt::format("{} {}", LRA_BROKEN, LRA_BROKEN_DOUBLE));
  EXPECT_EQ(broken.code, 1) << broken.out << broken.err;
  EXPECT_NE(broken.out.find("broken PackingAndOrderChangeNothing BROKEN: it "), std::string::npos) << broken.out;
  EXPECT_NE(broken.out.find("broken FloatAgreesWithDouble kept\n"), std::string::npos) << broken.out;
}

TEST_F(Plugin, IsHeldToTheContractInBothEnginesOrNotAtAll) {
  const Sandbox sandbox(LRA_CONTRACT);
  const Finished mixed = sandbox.lra(fmt::format("{} {}", LRA_PLUGIN, LRA_BROKEN_DOUBLE));
  EXPECT_EQ(mixed.code, 2);
  EXPECT_NE(mixed.err.find("does not register the model 'sharp_linear'"), std::string::npos) << mixed.err;
  EXPECT_EQ(sandbox.lra(LRA_PLUGIN).code, 2) << "one file of two";
  EXPECT_EQ(sandbox.lra(std::string(LRA_PLUGIN) + " none.so").code, 3);
}

/// The compiler's messages for a model whose Config has this field and whose constructor has these parameters.
std::string compiled(const std::string& field, const std::string& parameters) {
  const Sandbox sandbox;
  write_file(sandbox.path("mine.cpp"),
             fmt::format("#include \"models/layers/mixer.h\"\n"
                         "using namespace lra;\n"
                         "struct Mine final : Mixer {{\n"
                         "  struct Config {{ {}; void fields(auto&& f) {{ f(\"k\", k, \"a number\"); }} }};\n"
                         "  Mine({}) {{}}\n"
                         "  Tensor forward(Tensor x, const SequenceLayout&) const override {{ return x; }}\n"
                         "}};\n"
                         "const RegisterModel<Mine> registered{{\"mine\", {{}}}};\n",
                         field, parameters));
  const std::string log = sandbox.path("log");
  const int status =
      std::system(fmt::format("{0} -std=c++20 -fsyntax-only -I{1} -I{1}/harness {2} >{3} 2>&1", LRA_COMPILER,
                              source_folder().string(), sandbox.path("mine.cpp").string(), log)
                      .c_str());
  EXPECT_EQ(status == 0, contents(log).find("error") == std::string::npos);
  return contents(log);
}

TEST(PluginSource, CompileErrorSaysWhatAModelNeeds) {
  const std::string right = "const Config&, const LayerDims&, const ParameterScope&";
  EXPECT_EQ(compiled("long k = 1", right), "");
  EXPECT_NE(compiled("float k = 1", right).find("a field of a Config must be a bool, int, long, double or std::string"),
            std::string::npos);
  EXPECT_NE(compiled("long k = 1", "const Config&, const ParameterScope&")
                .find("a model needs a public constructor (const Config&, const LayerDims&, const ParameterScope&)"),
            std::string::npos);
}

int shell(const std::string& command) { return std::system(command.c_str()); }

// Follows the README's tutorial: install, build outside the tree, run.
TEST_F(SlowPlugin, IsBuiltWithTheInstalledPackage) {
  const Sandbox sandbox;
  const std::string cmake = LRA_CMAKE, at = sandbox.path("").string(), quiet = " >" + at + "log 2>&1";
  const auto step = [&](const std::string& command) {
    EXPECT_EQ(shell(command + quiet), 0) << command << "\n" << contents(sandbox.path("log"));
  };
  step(source_folder().string() + "/tools/check_readme --extract " + at + "mine");
  step(cmake + " --install " + LRA_BUILD_DIR + " --prefix " + at + "installed");
  step(cmake + " -S " + at + "mine -B " + at + "mine/build -DCMAKE_PREFIX_PATH=" + at + "installed");
  step(cmake + " --build " + at + "mine/build");
  step(cmake + " --build " + at + "mine/build --target test_sharp_linear");
  EXPECT_NE(contents(sandbox.path("log")).find("sharp_linear FloatAgreesWithDouble kept"), std::string::npos);
  const Finished finished = sandbox.lra(kRun + " --plugin mine/build/libsharp_linear.so");
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.out.find("| sharp_linear"), std::string::npos) << finished.out;
}

// The same against the build folder, without installing.
TEST_F(SlowPlugin, IsBuiltWithTheBuildFolder) {
  const Sandbox sandbox;
  const std::string cmake = LRA_CMAKE, at = sandbox.path("").string(), quiet = " >" + at + "log 2>&1";
  EXPECT_EQ(shell(source_folder().string() + "/tools/check_readme --extract " + at + "mine" + quiet), 0);
  EXPECT_EQ(shell(cmake + " -S " + at + "mine -B " + at + "mine/build -Dlra_DIR=" + LRA_BUILD_DIR + quiet), 0)
      << contents(sandbox.path("log"));
  EXPECT_EQ(shell(cmake + " --build " + at + "mine/build" + quiet), 0) << contents(sandbox.path("log"));
  const Finished finished = sandbox.lra("list models --plugin mine/build/libsharp_linear.so");
  EXPECT_EQ(finished.code, 0) << finished.err;
}

}  // namespace
}  // namespace lra
