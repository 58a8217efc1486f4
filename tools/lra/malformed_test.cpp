// Feeds generated malformed input to the program, which must report an error or do what was requested.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "core/file.h"
#include "core/random.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

/// Texts that have broken other programs. None can lead a path out of the sandbox or run a shell command.
const std::vector<std::string> kOdd{"",      "-",        "--",     "-1",   "0",    "99999999999999999999",
                                    "1e309", "nan",      "true",   "null", "[]",   "{\"a\":1}",
                                    "=",     "a=",       "=a",     ":",    "a:b=", ",,",
                                    "0..",   "\xff\xfe", "\u00e9", "%s%n", "\t",   "\n",
                                    "all",   "..0",      "--help"};

class Generator {
 public:
  explicit Generator(long number) : draw_(Random(1, "malformed").at(0, std::uint32_t(number))) {}

  long below(std::size_t bound) { return long(draw_.below(std::uint32_t(bound))); }
  template <typename T>
  const T& one_of(const std::vector<T>& all) {
    return all[std::size_t(below(all.size()))];
  }

  /// The text with a few bytes changed, removed, doubled or inserted.
  std::string damaged(std::string text) {
    for (long changes = 1 + below(3); changes > 0; --changes) {
      const std::size_t at = std::size_t(below(text.size() + 1)), length = std::size_t(1 + below(4));
      switch (below(4)) {
        case 0:
          text.insert(at, one_of(kOdd));
          break;
        case 1:
          text.erase(at, length);
          break;
        case 2:
          text.insert(at, text.substr(at, length));
          break;
        default:
          if (at < text.size()) text[at] = kBytes[std::size_t(below(kBytes.size()))];
      }
    }
    return text;
  }

  /// The text with a few words changed, removed, doubled or swapped.
  std::vector<std::string> damaged(std::vector<std::string> words) {
    for (long changes = 1 + below(3); changes > 0 && !words.empty(); --changes) {
      const auto at = words.begin() + below(words.size());
      switch (below(5)) {
        case 0:
          words.erase(at);
          break;
        case 1:
          words.insert(at, std::string(*at));
          break;
        case 2:
          std::iter_swap(at, words.begin() + below(words.size()));
          break;
        case 3:
          *at = one_of(kOdd);
          break;
        default:
          *at = damaged(*at);
      }
    }
    return words;
  }

 private:
  static constexpr std::string_view kBytes = "\x01\x7f\x80\xff \t\n\"'{}[]()=,:;-+0123456789eE#%&*?!~^|<>";
  Sequence draw_;
};

/// Quotes a text as one shell word.
std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word)
    if (c == '\'')
      text += "'\\''";
    else
      text += c;
  return text + "'";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += quoted(word) + " ";
  return text;
}

/// Expects the program to end soon with a documented exit code, and with an error message unless it is 0.
std::array<long, 4> codes{};  // how often each exit code occurred

void expect_composure(const Finished& finished, const std::string& what) {
  EXPECT_TRUE(finished.code >= 0 && finished.code <= 3) << finished.code << ": " << what << "\n" << finished.err;
  if (finished.code >= 0 && finished.code <= 3) ++codes[std::size_t(finished.code)];
  if (finished.code == 2 || finished.code == 3) {
    EXPECT_FALSE(finished.err.empty()) << what;
  }
  for (const char* bad : {"unexpected failure", "terminate called", "AddressSanitizer", "runtime error", "#0 "})
    EXPECT_EQ(finished.err.find(bad), std::string::npos) << what << "\n" << finished.err;
}

/// Runs the program under a time limit with an exit code that the program never uses.
Finished run(const Sandbox& sandbox, const std::string& arguments) {
  return sandbox.lra(arguments, "timeout --signal=ABRT 60");
}

/// Commands that do not train.
const std::vector<std::vector<std::string>> kCommands{
    {"run", "--preset", "smoke", "--tasks", "lookup,listops", "--models", "identity,linear", "--set", "steps=2"},
    {"run", "--preset", "smoke", "--tasks", "lookup", "--models", "local", "--model-args", "local:block=8"},
    {"run", "--preset", "smoke", "--tasks", "text", "--models", "all", "--sweep", "lr=0.1,0.2", "--seeds", "0..2"},
    {"run", "--tasks", "tsv:own", "--models", "linear", "--threads", "1", "--jobs", "2", "--limit", "5"},
    {"list", "models", "--json"},
    {"describe", "model", "linformer", "--task", "listops", "--preset", "smoke"},
    {"describe", "task", "image", "--preset", "smoke", "--json"},
    {"report", "--table", "accuracy", "--format", "markdown", "--db", "own.db"},
    {"report", "--format", "html", "--model", "identity", "--db", "own.db"},
    {"compare", "identity", "linear", "--db", "own.db", "--preset", "smoke"},
    {"runs", "list", "--model", "identity", "--db", "own.db"},
    {"runs", "show", "1", "--db", "own.db"},
    {"data", "list", "--preset", "smoke"},
    {"data", "show", "listops", "--preset", "smoke", "--index", "3", "--split", "test"},
};

void damage_command_line(const Sandbox& sandbox, Generator& draw) {
  std::vector<std::string> words = draw.damaged(draw.one_of(kCommands));
  if (std::find(words.begin(), words.end(), "run") != words.end())
    words.insert(words.end(), {"--dry-run", "--no-estimate"});
  expect_composure(run(sandbox, joined(words)), joined(words));
}

void damage_configuration(const Sandbox& sandbox, Generator& draw) {
  const std::string text = draw.damaged(
      R"({"preset":"smoke","tasks":["lookup","listops"],"models":"linear,local","seeds":"0..1","threads":1,"jobs":1,)"
      R"("limit":0,"set":{"steps":3,"lr":0.01,"width":16,"heads":2},"model_args":{"local":{"block":8}},)"
      R"("sweep":{"batch":[4,8]}})");
  write_file(sandbox.path("c.json"), text);
  expect_composure(run(sandbox, "run --config c.json --dry-run --no-estimate"), text);
}

void damage_texts(const Sandbox& sandbox, Generator& draw) {
  std::filesystem::create_directories(sandbox.path("own"));
  const std::string good = "pos\tsome words here\tand others\nneg\tnone of them\tat all\npos\tlast\tline\n";
  for (const char* split : {"train", "valid", "test"})
    write_file(sandbox.path("own") / fmt::format("{}.tsv", split), draw.below(2) ? draw.damaged(good) : good);
  expect_composure(run(sandbox, "data generate tsv:own --preset smoke"), contents(sandbox.path("own/train.tsv")));
}

/// Damages a file that the program wrote, and runs a command that reads it. The originals are created once.
void damage_own_file(const Sandbox& sandbox, Generator& draw) {
  static const Sandbox origin;
  static const std::string database = [] {
    const std::string train = "run --preset smoke --tasks lookup --models identity --set steps=2 --threads 1";
    EXPECT_EQ(origin.lra(train).code, 0);
    return contents(origin.path("lra.db"));
  }();
  static const std::string weights = [] {
    EXPECT_EQ(origin.lra("probe --task lookup --preset smoke --model identity -o weights.safetensors").code, 0);
    return contents(origin.path("weights.safetensors"));
  }();
  if (draw.below(2)) {
    std::filesystem::remove(sandbox.path("own.db"));
    write_file(sandbox.path("own.db"), draw.damaged(database));
    const char* readers[] = {"report --format json --db own.db", "runs list --db own.db", "runs show 1 --db own.db",
                             "runs merge own.db --db other.db"};
    const char* reader = readers[draw.below(std::size(readers))];
    expect_composure(run(sandbox, reader), reader);
    for (const char* rest : {"own.db-wal", "own.db-shm"}) std::filesystem::remove(sandbox.path(rest));
  } else {
    write_file(sandbox.path("w.safetensors"), draw.damaged(weights));
    expect_composure(
        run(sandbox, "probe --task lookup --preset smoke --model identity --weights w.safetensors -o p.safetensors"),
        "weights");
  }
}

void survive(long count) {
  constexpr std::array kKinds{damage_command_line, damage_configuration, damage_texts, damage_own_file};
  const Sandbox sandbox;
  for (long i = 0; i < count && !testing::Test::HasFailure(); ++i) {
    Generator draw(i);
    kKinds[std::size_t(i) % kKinds.size()](sandbox, draw);
  }
  EXPECT_GT(codes[2], count / 10) << "the inputs are not malformed enough";
  EXPECT_GT(codes[3], count / 10) << "the inputs are not malformed enough";
  fmt::print("{} inputs: exit code 0 {} times, 1 {}, 2 {}, 3 {}\n", count, codes[0], codes[1], codes[2], codes[3]);
}

TEST(Malformed, SurvivesEightyInputs) { survive(80); }
TEST(SlowMalformed, SurvivesAThousandInputs) { survive(1000); }

}  // namespace
}  // namespace lra
