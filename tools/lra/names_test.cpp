/// Names of files and folders with a special meaning for a shell, a terminal or JSON.
#include <gtest/gtest.h>

#include <fstream>

#include "core/text.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

const std::string kRun = "run --tasks lookup --models linear --preset smoke --db ";

void write_own_task(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  for (const char* split : {"train.tsv", "valid.tsv", "test.tsv"}) {
    std::ofstream out(folder / split);
    for (int i = 0; i < 40; ++i) out << i % 2 << '\t' << split << " text " << i << '\n';
  }
}

TEST(Names, TheStoredCommandRunsUnchangedInAShell) {
  const Sandbox sandbox;
  const std::string database = "my `touch ran` $(touch ran) it's.db";
  const Finished first = sandbox.lra(kRun + shell_word(database));
  ASSERT_EQ(first.code, 0) << first.err;
  const Json shown = sandbox.lra("runs show 1 --json --db " + shell_word(database)).json();
  const std::string command = shown.is_array() ? shown.at(0).at("command") : shown.at("command");
  EXPECT_NE(command.find(shell_word(database)), std::string::npos) << command;
  const std::string program = sandbox.program();
  const std::string script = program.substr(0, program.rfind(LRA_PROGRAM)) + command + " >again 2>&1";
  EXPECT_EQ(std::system(script.c_str()), 0) << script;
  EXPECT_NE(contents(sandbox.path("again")).find("done before"), std::string::npos) << contents(sandbox.path("again"));
  EXPECT_FALSE(std::filesystem::exists(sandbox.path("ran")));
}

TEST(Names, RejectsNamesThatAreNotUtf8BeforeAnyWork) {
  const Sandbox sandbox;
  write_own_task(sandbox.path("caf\xe9"));
  write_own_task(sandbox.path("text"));
  for (const std::string arguments :
       {"run --tasks 'tsv:caf\xe9' --models linear --preset smoke",
        "run --tasks tsv:text --models linear --preset smoke --db 'r\xe9s.db'",
        "run --tasks tsv:text --models linear --preset smoke --data 'd\xe9'", "report -o 'r\xe9.md'",
        "data show tsv:text -o '\xe9.txt'", "describe task 'tsv:caf\xe9'"}) {
    const Finished run = sandbox.lra(arguments);
    EXPECT_EQ(run.code, 2) << arguments << run.err;
    EXPECT_NE(run.err.find("is not UTF-8"), std::string::npos) << arguments << run.err;
    EXPECT_TRUE(is_utf8(run.err)) << arguments;
  }
  const Finished environment = sandbox.lra("list models", "LRA_DB=$(printf 'r\\351s.db')");
  EXPECT_EQ(environment.code, 2);
  EXPECT_NE(environment.err.find("LRA_DB is $'r\\351s.db', which is not UTF-8"), std::string::npos) << environment.err;
  for (const auto& file : std::filesystem::directory_iterator(sandbox.path("")))
    EXPECT_NE(file.path().extension(), ".db") << file.path();
}

TEST(Names, ALinkHidesAFolderThatIsNotUtf8) {
  const Sandbox sandbox;
  write_own_task(sandbox.path("caf\xe9"));
  std::filesystem::create_symlink("caf\xe9", sandbox.path("link"));
  const Finished own = sandbox.lra("run --tasks tsv:link --models linear --preset smoke --data link");
  EXPECT_EQ(own.code, 0) << own.err;
  EXPECT_NE(own.out.find("link"), std::string::npos) << own.out;
  EXPECT_EQ(sandbox.lra("runs reproduce 1").code, 0);

  const std::string program = sandbox.program();
  const std::string inside =
      program.substr(0, program.find(" && ")) + "/caf\xe9" + program.substr(program.find(" && "));
  EXPECT_EQ(std::system((inside + kRun + "here.db >said 2>&1").c_str()), 0) << contents(sandbox.path("caf\xe9/said"));
  EXPECT_TRUE(std::filesystem::exists(sandbox.path("caf\xe9/here.db")));
}

TEST(Names, DoNotControlTheTerminal) {
  const Sandbox sandbox;
  const std::string name = "a\x1b[31m\u202e\rb";
  write_own_task(sandbox.path(name));
  const auto quoted = [](const std::string& word) { return "'" + word + "'"; };  // in shell syntax
  const auto expect_harmless = [](const Finished& run) {
    for (const std::string* text : {&run.out, &run.err})
      for (const char* hidden : {"\x1b", "\r", "\u202e"}) EXPECT_EQ(text->find(hidden), std::string::npos) << *text;
  };
  const Finished run = sandbox.lra("run --models linear --preset smoke --tasks " + quoted("tsv:" + name));
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_NE(run.err.find("a\\x1B[31m\\u202E\\x0Db"), std::string::npos) << run.err;
  expect_harmless(run);
  for (const char* command : {"report", "runs list", "runs show 1", "data list"}) expect_harmless(sandbox.lra(command));
  expect_harmless(sandbox.lra("run --tasks " + quoted("tsv:no" + name)));
  expect_harmless(sandbox.lra("report --db " + quoted("no" + name)));
  expect_harmless(sandbox.lra(quoted(name)));
  expect_harmless(sandbox.lra("run " + quoted("--" + name)));
}

}  // namespace
}  // namespace lra
