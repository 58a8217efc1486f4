#include "core/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <thread>

#include "core/core_testing.h"

namespace lra {
namespace {

namespace fs = std::filesystem;

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

/// Run `action` in a child process that kills itself afterwards, without any clean-up.
void do_and_die(auto&& action) {
  const pid_t child = fork();
  if (child == 0) {
    action();
    ::raise(SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
}

TEST(File, WritesWholeFilesAndNamesWhatItCannotRead) {
  const TemporaryFolder folder;
  write_file(folder / "a", std::string("one"));
  write_file(folder / "a", std::string("two"));
  EXPECT_EQ(read_file(folder / "a"), "two");
  EXPECT_EQ(MappedFile(folder / "a").bytes().size(), 3u);
  EXPECT_NE(sentence_of([&] { (void)read_file(folder / "none"); }, Kind::data).find("none"), std::string::npos);
  const std::string longest(255, 'n');
  write_file(folder / longest, std::string("three"));
  EXPECT_EQ(read_file(folder / longest), "three") << "any name that a file may have";
}

TEST(File, OfWhatIsNoFileOnlyAnOpenPipeIsRead) {
  const TemporaryFolder folder;
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const fs::path& path : {pipe, fs::path("/dev/zero")}) {
    const std::string expected = "cannot read " + path.string() + ": it is not a regular file";
    EXPECT_TRUE(sentence_of([&] { (void)read_file(path); }, Kind::data).starts_with(expected));
    EXPECT_TRUE(sentence_of([&] { (void)MappedFile(path); }, Kind::data).starts_with(expected));
  }
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "words", 5), 5);
  ::close(ends[1]);
  EXPECT_EQ(read_file(fmt::format("/dev/fd/{}", ends[0])), "words");
  ::close(ends[0]);
}

TEST(File, AFolderIsNoFile) {
  const TemporaryFolder folder;
  for (const auto& said : {sentence_of([&] { (void)read_file(folder.path()); }, Kind::data),
                           sentence_of([&] { (void)MappedFile(folder.path()); }, Kind::data)})
    EXPECT_NE(said.find("is a folder; name a file"), std::string::npos) << said;
}

TEST(File, PiecesOfAnySizeStayInOrder) {
  const TemporaryFolder folder;
  std::string expected;
  write_file(folder / "a", [&](const Put& put) {
    for (const std::size_t size : {1, 1'048'575, 1, 3'000'000, 0, 7}) {
      const std::string piece(size, char('a' + expected.size() % 26));
      put(bytes_of(piece));
      expected += piece;
    }
  });
  EXPECT_EQ(read_file(folder / "a"), expected);
}

TEST(NewFile, HasItsNameOnlyOnceItIsWhole) {
  const TemporaryFolder folder;
  write_file(folder / "a", std::string("old"));
  {
    NewFile file(folder / "a");
    file.write(bytes_of("new"));
    EXPECT_EQ(contents(file.draft()), "new");
    EXPECT_EQ(contents(folder / "a"), "old");
  }
  EXPECT_EQ(contents(folder / "a"), "old");
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"a"});
  NewFile file(folder / "a");
  file.write(bytes_of("new"));
  file.commit();
  EXPECT_EQ(contents(folder / "a"), "new");
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"a"});
}

TEST(NewFile, LeavesTheOldOneWhereThereIsNoRoom) {
  const TemporaryFolder folder;
  write_file(folder / "a", std::string("old"));
  const FileSizeLimit limit(100);
  EXPECT_EQ(sentence_of([&] { write_file(folder / "a", std::string(101, 'x')); }, Kind::failed),
            "cannot write " + (folder / "a").string() + ": File too large");
  EXPECT_EQ(contents(folder / "a"), "old");
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"a"});
}

TEST(NewFile, DraftsOfTheKilledGoAndThoseOfTheLivingStay) {
  const TemporaryFolder folder;
  std::ofstream(folder / "a") << "old";
  std::ofstream(folder / ".lra-notes") << "mine";
  std::ofstream(folder / "notes.tmp") << "mine";
  const std::set<std::string> all = names_in(folder.path());
  const auto leave_a_draft = [&] {
    auto* file = new NewFile(folder / "a");
    file->write(bytes_of("half"));
    (void)file->draft();
  };
  do_and_die(leave_a_draft);
  EXPECT_EQ(names_in(folder.path()).size(), all.size() + 1);
  do_and_die(leave_a_draft);
  EXPECT_EQ(names_in(folder.path()).size(), all.size() + 1) << "the second has removed the draft of the first";
  EXPECT_EQ(contents(folder / "a"), "old");
  NewFile living(folder / "a");
  living.write(bytes_of("whole"));
  do_and_die([&] { remove_abandoned_drafts(folder.path()); });
  living.commit();
  EXPECT_EQ(names_in(folder.path()), all);
  EXPECT_EQ(contents(folder / "a"), "whole");
}

TEST(NewFile, ManyAtOnceInOneFolderAreAllWhole) {
  const TemporaryFolder folder;
  constexpr int kProcesses = 8, kFiles = 40;
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    try {
      for (int i = 0; i < kFiles; ++i) {
        remove_abandoned_drafts(folder.path());
        write_file(folder / fmt::format("{}", i % 3), std::string(1000, char('a' + p)));
      }
    } catch (...) {
      _exit(1);
    }
    _exit(0);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(names_in(folder.path()), (std::set<std::string>{"0", "1", "2"}));
  for (const char* name : {"0", "1", "2"}) {
    const std::string text = contents(folder / name);
    EXPECT_EQ(text, std::string(1000, text.at(0)));
  }
}

TEST(NewFile, FollowsLinksAndKeepsThem) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "real/deep");
  fs::create_directories(folder / "out");
  write_file(folder / "real/page", std::string("old"));
  fs::create_symlink("../real/page", folder / "out/page");
  fs::create_symlink("out/page", folder / "chain");
  fs::create_symlink(folder / "real/deep/none", folder / "dangling");
  write_file(folder / "chain", std::string("new"));
  EXPECT_EQ(contents(folder / "real/page"), "new");
  EXPECT_TRUE(fs::is_symlink(folder / "chain"));
  EXPECT_TRUE(fs::is_symlink(folder / "out/page"));
  write_file(folder / "dangling", std::string("made"));
  EXPECT_EQ(contents(folder / "real/deep/none"), "made");
  EXPECT_TRUE(fs::is_symlink(folder / "dangling"));
  EXPECT_EQ(names_in(folder / "out"), std::set<std::string>{"page"});

  fs::create_symlink("circle", folder / "circle");
  EXPECT_NE(sentence_of([&] { write_file(folder / "circle", std::string()); }, Kind::failed).find("Too many levels"),
            std::string::npos);
}

TEST(NewFile, ReplacesNoDatabaseNorWhatBelongsToOne) {
  const TemporaryFolder folder;
  const std::string database("SQLite format 3\0and pages", 25);
  std::ofstream(folder / "results.sqlite") << database;
  std::ofstream(folder / "results.sqlite-wal") << "changes";
  fs::create_symlink("results.sqlite", folder / "link");
  for (const char* name : {"results.sqlite", "link", "results.sqlite-wal", "results.sqlite-journal"}) {
    const std::string said = sentence_of([&] { write_file(folder / name, std::string("a report")); }, Kind::usage);
    EXPECT_NE(said.find(" a database, which nothing else may replace; name another file"), std::string::npos) << said;
  }
  EXPECT_EQ(contents(folder / "results.sqlite"), database);
  EXPECT_EQ(contents(folder / "results.sqlite-wal"), "changes");
  EXPECT_EQ(names_in(folder.path()), (std::set<std::string>{"link", "results.sqlite", "results.sqlite-wal"}));
  std::ofstream(folder / "notes") << "SQLite format 3 has a magic string";
  write_file(folder / "notes", std::string("new"));
  write_file(folder / "notes-wal", std::string("new"));
}

TEST(NewFile, DraftsGoWhenASignalEndsTheProcess) {
  const TemporaryFolder folder;
  do_and_die([&] {
    NewFile one(folder / "a"), done(folder / "b"), other(folder / "c");
    done.commit();
    remove_own_drafts();
  });
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"b"});
}

TEST(NewFile, KeepsTheModeOfWhatItReplaces) {
  const TemporaryFolder folder;
  const mode_t before = umask(027);
  for (const mode_t mode : {0600, 0664, 0640}) {
    write_file(folder / "a", std::string("old"));
    ::chmod((folder / "a").c_str(), mode);
    write_file(folder / "a", std::string("new"));
    EXPECT_EQ(mode_of(folder / "a"), mode);
  }
  write_file(folder / "b", std::string("new"));
  umask(before);
  EXPECT_EQ(mode_of(folder / "b"), 0640u) << "a new one has what the umask leaves";
}

TEST(NewFile, WritesIntoDevicesAndNeverReplacesThem) {
  const TemporaryFolder folder;
  fs::create_symlink("/dev/full", folder / "full");
  for (const fs::path& path : {fs::path("/dev/full"), folder / "full"})
    EXPECT_EQ(sentence_of([&] { write_file(path, std::string("x")); }, Kind::failed),
              "cannot write " + path.string() + ": No space left on device");
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  write_file("/dev/null", std::string("x"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(sentence_of([&] { write_file(folder.path(), std::string("x")); }, Kind::failed),
            "cannot write " + folder.path().string() + ": Is a directory");
}

TEST(NewFile, WritesIntoPipesAndIntoWhatIsOpen) {
  const TemporaryFolder folder;
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = contents(pipe); });
  write_file(pipe, std::string(200'000, 'x'));
  reader.join();
  EXPECT_EQ(got.size(), 200'000u);
  EXPECT_TRUE(fs::is_fifo(pipe));

  // As in the shell command `(echo before; program -o /dev/stdout; echo after) > both`.
  const int both = ::open((folder / "both").c_str(), O_WRONLY | O_CREAT, 0644);
  ASSERT_EQ(::write(both, "before ", 7), 7);
  write_file(fmt::format("/dev/fd/{}", both), std::string("words "));
  ASSERT_EQ(::write(both, "after", 5), 5);
  ::close(both);
  EXPECT_EQ(contents(folder / "both"), "before words after");
}

TEST(NewFile, AReaderThatGoesAwayIsNoError) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const auto handler = ::signal(SIGPIPE, SIG_IGN);
  ::close(ends[0]);
  write_file(fmt::format("/proc/self/fd/{}", ends[1]), std::string(3'000'000, 'x'));
  ::close(ends[1]);
  ::signal(SIGPIPE, handler);
}

}  // namespace
}  // namespace lra
