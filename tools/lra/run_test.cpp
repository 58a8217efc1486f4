// The real program over the smoke preset: results, reruns, isolation, and bits that do not depend on threads.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <thread>

#include "core/file.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

const std::string kSmall = "run --preset smoke --tasks listops,lookup --models transformer,linear ";

/// The parts of each cell's result that must be identical whenever the same experiment runs.
Json bits(const Finished& finished) {
  Json all = Json::array();
  for (const Json& cell : finished.json())
    all.push_back({cell.at("key"), cell.at("parameter_digest"), cell.at("accuracy"), cell.at("test_loss"),
                   cell.at("history"), cell.at("baselines")});
  return all;
}

TEST(Run, JsonHasItsDocumentedKeys) {
  const Sandbox sandbox;
  const Finished finished = sandbox.lra(kSmall + "--json");
  ASSERT_EQ(finished.code, 0) << finished.err;
  const Json cells = finished.json();
  ASSERT_EQ(cells.size(), 4u);
  for (const Json& cell : cells) {
    EXPECT_EQ(cell.at("key").get<std::string>().size(), 64u);
    EXPECT_EQ(cell.at("parameter_digest").get<std::string>().size(), 64u);
    EXPECT_EQ(cell.at("status"), "done");
    EXPECT_EQ(cell.at("test_examples"), 32);  // from the preset
    EXPECT_EQ(cell.at("accuracy").get<double>(), cell.at("test_correct").get<double>() / 32);
    EXPECT_EQ(cell.at("majority"), cell.at("baselines").at("majority"));
    EXPECT_GE(cell.at("best_baseline").get<double>(), cell.at("majority").get<double>());
    EXPECT_EQ(sandbox.lra(fmt::format("runs show {} --json", cell.at("run").get<long>())).json().at("key"),
              cell.at("key"));
  }
  EXPECT_EQ(cells[0].at("variant"), "listops@smoke");  // by task, then model, in the given order
  EXPECT_EQ(cells[1].at("model"), "linear");
  EXPECT_EQ(cells[2].at("task"), "lookup");
}

/// A folder of user data: texts whose label is their first letter.
void write_own(const Sandbox& sandbox, const std::string& folder) {
  std::filesystem::create_directories(sandbox.path(folder));
  std::string rows;
  for (int i = 0; i < 30; ++i)
    rows += fmt::format("{}\t{} and so on\n", i % 3 == 0 ? "a" : "b", i % 3 == 0 ? "a" : "b");
  for (const char* split : {"train", "valid", "test"})
    write_file(sandbox.path(folder) / fmt::format("{}.tsv", split), rows);
}

TEST(Run, TrainsOnUserData) {
  const Sandbox sandbox;
  write_own(sandbox, "mail");
  write_own(sandbox, "copy/mail");
  const std::string rest = " --preset smoke --models identity,linear --threads 1 --json";
  const Finished finished = sandbox.lra("run --tasks listops,tsv:mail" + rest);
  ASSERT_EQ(finished.code, 0) << finished.err;
  ASSERT_EQ(finished.json().size(), 4u);
  const Json cell = finished.json().at(2);
  EXPECT_EQ(cell.at("task"), "tsv:mail");
  EXPECT_EQ(cell.at("variant"), "tsv:mail@smoke");
  EXPECT_EQ(cell.at("test_examples"), 30);
  EXPECT_EQ(cell.at("comparable"), true);
  EXPECT_EQ(cell.at("data_fingerprint").get<std::string>().size(), 64u);
  EXPECT_EQ(cell.at("baselines").at("majority").get<double>(), 20.0 / 30);
  EXPECT_EQ(cell.at("baselines").at("first_token").get<double>(), 1);
  const Finished moved = sandbox.lra("run --tasks tsv:copy/mail/" + rest);
  for (const Json& again : moved.json()) EXPECT_EQ(again.at("skipped"), true) << "equal data elsewhere";
  EXPECT_NE(sandbox.lra("report --preset smoke --table accuracy").out.find("tsv:mail@smoke"), std::string::npos);
  EXPECT_EQ(sandbox.lra("describe task tsv:mail --preset smoke --json").json().at("spec").at("classes"), 2);
}

TEST(Run, UserDataMustBeReadable) {
  const Sandbox sandbox;
  EXPECT_EQ(sandbox.lra("run --preset smoke --models identity --tasks tsv:none").code, 3);
  write_own(sandbox, "mail");
  write_file(sandbox.path("mail/valid.tsv"), std::string("a\tx\nc\ty\n"));
  const Finished finished = sandbox.lra("run --preset smoke --models identity --tasks tsv:mail");
  EXPECT_EQ(finished.code, 3);
  EXPECT_NE(finished.err.find("valid.tsv line 2: no row of train.tsv has the label 'c'"), std::string::npos)
      << finished.err;
}

TEST(Run, SkipsDoneCells) {
  const Sandbox sandbox;
  const Finished first = sandbox.lra(kSmall + "--json"), second = sandbox.lra(kSmall + "--json --threads 2 --data .");
  ASSERT_EQ(first.code, 0) << first.err;
  ASSERT_EQ(second.code, 0) << second.err;
  EXPECT_EQ(bits(first), bits(second));
  for (const Json& cell : second.json()) EXPECT_EQ(cell.at("skipped"), true);
  const Finished more = sandbox.lra(kSmall + "--seeds 0..1 --json");
  ASSERT_EQ(more.json().size(), 8u);
  for (const Json& cell : more.json()) EXPECT_EQ(cell.at("skipped"), cell.at("seed") == 0);
  for (const Json& cell : sandbox.lra(kSmall + "--dry-run --no-estimate --seeds 1..2 --json").json())
    EXPECT_EQ(cell.at("status"), cell.at("seed") == 1 ? "done" : "to run");
}

TEST(Run, PrintsItsTableOnStdoutAndItsProgressOnStderr) {
  const Sandbox sandbox;
  const Finished finished = sandbox.lra(kSmall);
  ASSERT_EQ(finished.code, 0) << finished.err;
  for (const char* word : {"listops@smoke", "lookup@smoke", "transformer", "linear", "majority"})
    EXPECT_NE(finished.out.find(word), std::string::npos) << word << " in\n" << finished.out;
  EXPECT_NE(finished.err.find("[4/4] lookup@smoke linear seed 0: accuracy"), std::string::npos) << finished.err;
  EXPECT_EQ(finished.out.find("[4/4]"), std::string::npos);
  EXPECT_EQ(finished.err.find('\033'), std::string::npos) << "no colours and no cursor movements into a file";
  const Finished report = sandbox.lra("report --preset smoke --table accuracy");
  EXPECT_EQ(report.code, 0);
  EXPECT_EQ(report.out, finished.out);
}

TEST(Run, ShortRunsAreNotComparable) {
  const Sandbox sandbox;
  const auto comparable = [&](const std::string& arguments) {
    const Finished finished = sandbox.lra("run --preset smoke --tasks listops --models identity --json " + arguments);
    EXPECT_EQ(finished.code, 0) << finished.err;
    return finished.json().at(0).at("comparable").get<bool>();
  };
  EXPECT_TRUE(comparable(""));
  EXPECT_FALSE(comparable("--limit 8"));
  EXPECT_FALSE(comparable("--set steps=5"));
}

TEST(Run, TheCommandLineOverridesTheConfiguration) {
  const Sandbox sandbox;
  write_file(sandbox.path("c.json"), std::string(R"({"preset":"smoke","tasks":["listops","image"],"models":"linformer",
      "seeds":[1,2],"set":{"steps":7,"width":32},"model_args":{"linformer":{"k":4}}})"));
  const Finished finished = sandbox.lra("run --config c.json --seeds 5 --set steps=9 --dry-run --no-estimate --json");
  ASSERT_EQ(finished.code, 0) << finished.err;
  ASSERT_EQ(finished.json().size(), 2u);
  for (const Json& cell : finished.json()) {
    EXPECT_EQ(cell.at("seed"), 5);
    EXPECT_EQ(cell.at("steps"), 9);
    EXPECT_EQ(cell.at("model"), "linformer");
  }
}

TEST(Run, ASweepIsOneRowOfTheTable) {
  const Sandbox sandbox;
  const std::string run = "run --preset smoke --tasks lookup --models identity --threads 1 --seeds 0,1";
  ASSERT_EQ(sandbox.lra(run).code, 0);
  const Finished swept = sandbox.lra(run + " --sweep lr=0.001,0.03 --json");
  ASSERT_EQ(swept.code, 0) << swept.err;
  ASSERT_EQ(swept.json().size(), 4u);
  std::set<std::pair<double, long>> tried;
  for (const Json& cell : swept.json()) {
    EXPECT_EQ(cell.at("skipped"), false) << "the preset's own rate was not chosen by a sweep";
    EXPECT_EQ(cell.at("experiment").at("sweep"), (Json{{"lr", {0.001, 0.03}}}));
    tried.emplace(cell.at("experiment").at("recipe").at("lr").get<double>(), cell.at("seed").get<long>());
  }
  EXPECT_EQ(tried, (std::set<std::pair<double, long>>{{0.001, 0}, {0.001, 1}, {0.03, 0}, {0.03, 1}}));
  write_file(sandbox.path("c.json"), std::string(R"({"sweep":{"lr":[0.001,0.03]}})"));
  for (const Json& cell : sandbox.lra(run + " --config c.json --json").json()) EXPECT_EQ(cell.at("skipped"), true);
  const std::string table = sandbox.lra("report --preset smoke --table accuracy").out;
  EXPECT_NE(table.find("| identity best of 2 lr |"), std::string::npos) << table;
  EXPECT_NE(table.find("| identity "), std::string::npos) << "next to the untuned row";
}

TEST(Run, ADryRunEstimatesTheCost) {
  const Sandbox sandbox;
  ASSERT_EQ(sandbox.lra("run --preset smoke --tasks listops --models linear").code, 0);
  const Json cells = sandbox.lra(kSmall + "--dry-run --json --seeds 0..1").json();
  ASSERT_EQ(cells.size(), 8u);
  for (const Json& cell : cells) {
    const bool done = cell.at("variant") == "listops@smoke" && cell.at("model") == "linear" && cell.at("seed") == 0;
    EXPECT_EQ(cell.at("status"), done ? "done" : "to run");
    for (const char* figure : {"flops", "peak_bytes", "seconds"}) {
      ASSERT_EQ(cell.at(figure).is_number(), !done) << figure;
      EXPECT_TRUE(done || cell.at(figure).get<double>() > 0) << figure;
    }
  }
  EXPECT_EQ(cells[0].at("seconds"), cells[1].at("seconds")) << "each task and model is timed once for all seeds";
  const Finished text = sandbox.lra(kSmall + "--dry-run");
  EXPECT_NE(text.out.find("3 of 4 cells to run"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("lengths from"), std::string::npos) << text.out;
}

// Source: counted by hand. A block of 8 holds the class token and 7 of the 32 tokens.
TEST(Run, SaysWhichTokensAModelSees) {
  const Sandbox sandbox;
  const std::string run = "run --preset smoke --tasks text --models local --set pool=cls ";
  const std::string caveat = "sees 7 of 32 tokens";
  EXPECT_EQ(sandbox.lra(run + "--dry-run --json").json().at(0).at("caveat"), caveat);
  EXPECT_NE(sandbox.lra(run + "--dry-run").out.find("\nlocal on text@smoke: " + caveat + "\n"), std::string::npos);
  EXPECT_EQ(sandbox.lra(run + "--json").json().at(0).at("reason"), caveat);
  const Finished table = sandbox.lra("report --table accuracy");
  EXPECT_NE(table.out.find("local pool=cls on text@smoke: " + caveat + "."), std::string::npos) << table.out;
  const Json model = sandbox.lra("describe model local --task text --preset smoke --set pool=cls --json").json();
  EXPECT_EQ(model.at("caveat"), caveat);
  EXPECT_EQ(sandbox.lra("describe model local --task text --preset smoke --json").json().at("caveat"), "");
}

TEST(Run, AProfileAccountsForTheSteps) {
  const Sandbox sandbox;
  const std::string arguments = "run --preset smoke --tasks listops --models linear --profile ";
  const Finished plain = sandbox.lra(arguments);
  ASSERT_EQ(plain.code, 0) << plain.err;
  for (const char* words : {"encoder.0.mixer", "kernel_attention", "not arithmetic: optimiser", "listops@smoke linear"})
    EXPECT_NE(plain.out.find(words), std::string::npos) << words << " in\n" << plain.out;
  const Json cell = sandbox.lra(arguments + "--force --json --threads 1").json().at(0);
  const Json& profile = cell.at("profile");
  EXPECT_EQ(profile.at("steps"), 20);  // from the preset
  EXPECT_EQ(profile.at("threads"), 1);
  double seconds = 0, flops = 0;
  for (const Json& op : profile.at("ops"))
    for (const char* pass : {"forward", "backward"}) {
      flops += op.at(pass).at("flops").get<double>();
      if (op.at("layer") != "") seconds += op.at(pass).at("seconds").get<double>();
    }
  for (const Json& other : profile.at("not_arithmetic")) seconds += other.get<double>();
  EXPECT_NEAR(seconds, profile.at("seconds").get<double>(), 0.01 * seconds);
  EXPECT_NEAR(flops, 1e9 * cell.at("gflops").get<double>() * cell.at("train_seconds").get<double>(), 1e-6 * flops);
}

TEST(Bench, AProfileAccountsForTheSteps) {
  const Sandbox sandbox;
  const std::string arguments = "bench --models linear --lengths 64 --batch 2 --seconds 0.05 --threads 1 --profile ";
  for (const char* mode : {"--mode train", "--mode infer"}) {
    const Finished finished = sandbox.lra(arguments + "--json " + mode);
    ASSERT_EQ(finished.code, 0) << finished.err;
    const Json row = finished.json().at(0);
    const Json& profile = row.at("profile");
    double flops = 0;
    for (const Json& op : profile.at("ops"))
      for (const char* pass : {"forward", "backward"}) flops += op.at(pass).at("flops").get<double>();
    const double a_step = 1e6 * row.at("gflops").get<double>() * row.at("median_ms").get<double>();
    EXPECT_NEAR(flops / profile.at("steps").get<double>(), a_step, 1e-6 * a_step) << mode;
  }
  const Finished text = sandbox.lra(arguments);
  EXPECT_NE(text.out.find("linear N 64: "), std::string::npos) << text.out;
}

TEST(Run, BitsDoNotDependOnThreads) {
  const Sandbox one, three;
  const Finished first = one.lra(kSmall + "--json --threads 1"), second = three.lra(kSmall + "--json --threads 3");
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(bits(first), bits(second));
}

TEST(SlowRun, BitsDependOnNeitherThreadsNorOpenMp) {
  const std::string all =
      "run --preset smoke --tasks all --models all --set steps=6 --set dropout=0.1 --set attention_dropout=0.1 --json ";
  const Sandbox usual;
  const Finished first = usual.lra(all + "--threads 1");
  ASSERT_EQ(first.code, 0) << first.err;
  for (const char* threads : {"2", "3", "5"})
    EXPECT_EQ(bits(Sandbox().lra(all + "--threads " + threads)), bits(first)) << threads << " threads";
  for (const char* openmp : {"OMP_NUM_THREADS=1", "OMP_NUM_THREADS=4"})
    EXPECT_EQ(bits(Sandbox().lra(all + "--threads 2", openmp)), bits(first)) << openmp;
}

/// The program in the background, so that signals can be sent to it and to its cells.
class Background {
 public:
  Background(const Sandbox& sandbox, const std::string& arguments) {
    const std::string line = sandbox.program() + arguments + " >/dev/null 2>" + sandbox.path("stderr").string();
    process_ = fork();
    if (process_ != 0) return;
    execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
    _exit(127);
  }
  pid_t process() const { return process_; }

  /// Waits for a running cell's process other than `before` and returns it.
  pid_t cell(pid_t before = 0) const {
    const std::string list = "/proc/" + std::to_string(process_) + "/task/" + std::to_string(process_) + "/children";
    for (int i = 0; i < 3000; ++i, std::this_thread::sleep_for(std::chrono::milliseconds(10))) {
      const std::string text = contents(list);
      const pid_t child = text.empty() ? 0 : pid_t(std::stol(text));
      if (child != 0 && child != before) return child;
    }
    return 0;
  }
  int wait() const {
    int status = 0;
    waitpid(process_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t process_;
};

std::multiset<std::string> statuses(const Finished& finished) {
  std::multiset<std::string> all;
  for (const Json& cell : finished.json()) all.insert(cell.at("status"));
  return all;
}

TEST(Run, AKilledCellFailsAlone) {
  const Sandbox sandbox;
  const std::string arguments =
      "run --preset smoke --tasks listops --models identity,linear,local --set steps=400 --threads 1";
  const Background background(sandbox, arguments);
  const pid_t first = background.cell();
  ASSERT_GT(first, 0);
  kill(first, SIGKILL);
  EXPECT_EQ(background.wait(), 1);
  EXPECT_NE(contents(sandbox.path("stderr")).find("identity seed 0: failed: the cell's process ended with signal 9"),
            std::string::npos);
  EXPECT_EQ(statuses(sandbox.lra(arguments + " --dry-run --no-estimate --json")),
            (std::multiset<std::string>{"done", "done", "to run"}));
}

TEST(Run, ADivergedCellFailsWithTheStep) {
  const Sandbox sandbox;
  const std::string arguments = "run --preset smoke --tasks listops --models transformer --set lr=1e30 ";
  const Finished plain = sandbox.lra(arguments), json = sandbox.lra(arguments + "--json");
  EXPECT_EQ(plain.code, 1);
  EXPECT_EQ(plain.out, "") << "there is nothing for a table";
  EXPECT_EQ(json.code, 1);
  const Json cell = json.json().at(0);
  EXPECT_EQ(cell.at("status"), "failed");
  EXPECT_NE(cell.at("reason").get<std::string>().find("not finite at step"), std::string::npos) << cell.at("reason");
  EXPECT_TRUE(cell.at("accuracy").is_null());
}

// `switch` notes other figures beside its loss.
TEST(Run, SaysThatTheLossNeverLeftThatOfGuessing) {
  const Sandbox sandbox;
  const std::string run = "run --tasks retrieval --models switch --preset smoke --set steps=110 --json ";
  const Finished learns = sandbox.lra(run), stays = sandbox.lra(run + "--set lr=1e-9");
  ASSERT_EQ(learns.code, 0) << learns.err;
  ASSERT_EQ(stays.code, 0) << stays.err;
  EXPECT_LT(learns.json().at(0).at("train_loss").get<double>(), 0.9 * std::log(2));
  EXPECT_EQ(learns.json().at(0).at("reason").get<std::string>().find("guessing"), std::string::npos);
  EXPECT_NE(stays.json().at(0).at("reason").get<std::string>().find("guessing"), std::string::npos);
}

TEST(Run, AnInterruptedMatrixResumesWhereItStopped) {
  const Sandbox sandbox;
  const std::string arguments = "run --preset smoke --tasks listops --models identity,linear --threads 1 --set steps=";
  ASSERT_EQ(sandbox.lra(arguments + "20").code, 0);
  const Background background(sandbox, arguments + "1000000");
  const pid_t cell = background.cell();
  ASSERT_GT(cell, 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  kill(background.process(), SIGINT);
  EXPECT_EQ(background.wait(), 130);
  EXPECT_NE(kill(cell, 0), 0) << "the cell must be gone";
  EXPECT_EQ(statuses(sandbox.lra(arguments + "20 --dry-run --no-estimate --json")),
            (std::multiset<std::string>{"done", "done"}));
  EXPECT_EQ(statuses(sandbox.lra(arguments + "1000000 --dry-run --no-estimate --json")),
            (std::multiset<std::string>{"to run", "to run"}));
}

TEST(Run, CellsEndWithTheProgramThatStartedThem) {
  const Sandbox sandbox;
  const Background background(sandbox, "run --preset smoke --tasks listops --models identity --set steps=1000000");
  const pid_t cell = background.cell();
  ASSERT_GT(cell, 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  kill(background.process(), SIGKILL);
  background.wait();
  for (int i = 0; i < 500 && std::filesystem::exists("/proc/" + std::to_string(cell)); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(std::filesystem::exists("/proc/" + std::to_string(cell)));
}

}  // namespace
}  // namespace lra
