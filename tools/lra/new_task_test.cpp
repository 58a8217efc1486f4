// Adding a task with a data source takes two files and no other edit: a program built with them supports the task in
// every command.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/file.h"
#include "datasets/archive_testing.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

const std::vector<std::pair<std::string, std::string>> kTables{
    {"release/parity/train.tsv", "1\t1011\n0\t11\n1\t0100\n0\t0000000000\n"},
    {"release/parity/valid.tsv", "1\t1\n0\t0\n"},
    {"release/parity/test.tsv", "0\t0110\n1\t111\n"}};

class NewTask : public testing::Test {
 protected:
  Finished lra(const std::string& arguments) const {
    return sandbox_.lra(arguments, "LRA_DATA=" + folder("data") + " XDG_CACHE_HOME=" + folder("cache"));
  }
  std::string folder(const std::string& name) const {
    std::filesystem::create_directories(sandbox_.path(name));
    return sandbox_.path(name).string();
  }
  void import_tables() const {
    write_tar_gz(sandbox_.path("mine.tar.gz"), kTables);
    const Finished imported = lra("data import mine.tar.gz");
    ASSERT_EQ(imported.code, 0) << imported.err;
  }

  Sandbox sandbox_{LRA_WITH_PARITY};
};

TEST_F(NewTask, IsListed) {
  const Json all = lra("list tasks --json").json();
  const auto task = std::find_if(all.begin(), all.end(), [](const Json& t) { return t.at("name") == "parity"; });
  ASSERT_NE(task, all.end());
  EXPECT_EQ(task->at("presets"), (Json{"overnight", "small"}));
  const Json described = lra("describe task parity --preset small --json").json();
  EXPECT_EQ(described.at("recipe").at("steps"), 300) << "its own";
  EXPECT_EQ(described.at("recipe").at("lr"), 0.0001) << "the preset's";
  EXPECT_EQ(described.at("source").at("name"), "parity_files");
}

TEST_F(NewTask, SaysWhatIsMissingAndHowToGetIt) {
  for (const char* command :
       {"run --tasks parity --models identity --preset overnight", "data generate parity --preset overnight"}) {
    const Finished finished = lra(command);
    EXPECT_EQ(finished.code, 3) << command;
    EXPECT_NE(finished.err.find("parity/train.tsv"), std::string::npos) << finished.err;
    EXPECT_NE(finished.err.find("'lra data fetch parity --data " + folder("data") + "' gets them"), std::string::npos)
        << finished.err;
  }
}

TEST_F(NewTask, IsInTheTableOfDownloads) {
  const Finished list = lra("data fetch --list");
  EXPECT_NE(list.out.find("parity\n  https://parity.invalid/parity.tar.gz"), std::string::npos) << list.out;
  EXPECT_NE(list.out.find("licence  for tests, no licence needed"), std::string::npos) << list.out;
  const Finished fetched = lra("data fetch parity");
  EXPECT_EQ(fetched.code, 3);
  EXPECT_NE(fetched.err.find("https://parity.invalid/parity.tar.gz cannot be fetched"), std::string::npos)
      << fetched.err;
}

TEST_F(NewTask, ItsFilesAreRecognisedAndInspected) {
  import_tables();
  const Json all = lra("data import mine.tar.gz --json").json();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].at("layout"), "parity");
  EXPECT_EQ(all[0].at("parts").at("train"), (Json{{"found", 4}, {"official", 4}}));
  EXPECT_EQ(all[0].at("lacking"), "");
  auto wrong = kTables;
  wrong[2].second += "2\t0\n";
  write_tar_gz(sandbox_.path("wrong.tar.gz"), wrong);
  const Finished refused = lra("data import wrong.tar.gz");
  EXPECT_EQ(refused.code, 3);
  EXPECT_NE(refused.err.find("test.tsv line 3: a row has a label"), std::string::npos) << refused.err;
  write_tar_gz(sandbox_.path("letters.tar.gz"), {{"letters/a.txt", "dear"}});
  EXPECT_NE(lra("data import letters.tar.gz").err.find(", parity"), std::string::npos)
      << "it is among the known layouts";
}

TEST_F(NewTask, IsPreparedAndShown) {
  import_tables();
  const Finished made = lra("data generate parity --preset overnight");
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_NE(made.out.find("parity@overnight: 4 / 2 / 2 examples"), std::string::npos) << made.out;
  const Json status = lra("data list parity --preset overnight --json").json();
  EXPECT_EQ(status.at(0).at("state"), "prepared");
  EXPECT_EQ(status.at(0).at("class_names"), (Json{"even", "odd"}));
  EXPECT_EQ(lra("data show parity --preset overnight").out, "label: odd\nx.xx\n");
  EXPECT_EQ(lra("data show parity --preset overnight --index 3").out, "label: even\n........\n") << "cut to 8 bits";
}

TEST_F(NewTask, IsTrainedOnAndReported) {
  import_tables();
  const Finished run = lra("run --tasks parity --models identity,transformer --preset overnight --json");
  ASSERT_EQ(run.code, 0) << run.err;
  for (const Json& cell : run.json()) {
    EXPECT_EQ(cell.at("variant"), "parity@overnight");
    EXPECT_EQ(cell.at("test_examples"), 2);
  }
  const Finished report = lra("report --table accuracy");
  EXPECT_NE(report.out.find("parity@overnight"), std::string::npos) << report.out;
}

}  // namespace
}  // namespace lra
