// The keys of a run in JSON and CSV must be those in the tables of results/README.md.
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

#include "core/source_folder_testing.h"
#include "tools/lra/program_testing.h"

namespace lra {
namespace {

using Names = std::set<std::string>;

/// The keys in the first column of the README's tables between two of its lines.
Names documented(const std::string& from, const std::string& to) {
  const std::string text = contents(source_folder() / "results/README.md");
  const std::size_t begin = text.find(from), end = text.find(to);
  EXPECT_TRUE(begin < end && end != std::string::npos) << from;
  Names names;
  std::istringstream lines(text.substr(begin, end - begin));
  const std::regex word("`([a-z_]+)`");
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    const std::string keys = line.substr(0, line.find('|', 1));
    for (std::sregex_iterator at(keys.begin(), keys.end(), word), none; at != none; ++at) names.insert((*at)[1]);
  }
  return names;
}

Names keys(const Json& row) {
  Names names;
  for (const auto& [key, value] : row.items()) names.insert(key);
  return names;
}

Names with(Names names, const Names& more) {
  names.insert(more.begin(), more.end());
  return names;
}

TEST(JsonShape, IsTheDocumentedOneEverywhere) {
  const Names row = documented("## A run as JSON", "`run` and `runs show` also have");
  const Names whole = with(row, documented("`run` and `runs show` also have", "Only `run` has"));
  ASSERT_GT(row.size(), 30u);
  const Sandbox sandbox;
  const Finished ran = sandbox.lra("run --preset smoke --tasks lookup --models identity --set steps=4 --json");
  ASSERT_EQ(ran.code, 0) << ran.err;
  const Json cell = ran.json().at(0), listed = sandbox.lra("runs list --json").json().at(0);
  const Json shown = sandbox.lra("runs show 1 --json").json();
  const Json report = sandbox.lra("report --format json").json();
  EXPECT_EQ(keys(cell), with(whole, {"skipped"}));
  EXPECT_EQ(keys(listed), row);
  EXPECT_EQ(keys(shown), with(whole, {"environment", "test_hits"}));
  EXPECT_EQ(report.at("runs").at(0), listed);
  for (const std::string& key : row) {
    EXPECT_EQ(cell.at(key), listed.at(key)) << key;
    EXPECT_EQ(shown.at(key), listed.at(key)) << key;
  }
  for (const char* key : {"run", "seed", "accuracy", "majority", "test_loss", "train_seconds", "peak_bytes"})
    EXPECT_TRUE(listed.at(key).is_number()) << key;
  EXPECT_EQ(report.at("schema_version"), listed.at("schema_version"));
}

TEST(JsonShape, CsvHasTheSameColumns) {
  const Sandbox sandbox;
  ASSERT_EQ(sandbox.lra("run --preset smoke --tasks lookup --models identity --set steps=4").code, 0);
  ASSERT_EQ(sandbox.lra("report --format csv -o runs.csv").code, 0);
  const std::string csv = contents(sandbox.path("runs.csv"));
  Names columns;
  std::istringstream head(csv.substr(0, csv.find('\r')));
  for (std::string name; std::getline(head, name, ',');) columns.insert(name);
  Names expected = documented("## A run as JSON", "`run` and `runs show` also have");
  expected.erase("schema_version");
  EXPECT_EQ(columns, expected);
}

TEST(JsonShape, FiguresOfAFailedRunAreNull) {
  const Sandbox sandbox;
  const Finished ran =
      sandbox.lra("run --preset smoke --tasks lookup --models identity --json --set lr=1e30 --set steps=20");
  ASSERT_EQ(ran.code, 1);
  const Json cell = ran.json().at(0);
  EXPECT_EQ(cell.at("status"), "failed");
  for (const char* key : {"accuracy", "test_correct", "test_loss", "parameters", "peak_bytes", "data_share"})
    EXPECT_TRUE(cell.at(key).is_null()) << key;
  EXPECT_TRUE(cell.at("seconds").is_number());
}

TEST(JsonShape, ComparisonsAndBenchesNameTheirVersion) {
  const Sandbox sandbox;
  ASSERT_EQ(sandbox.lra("run --preset smoke --tasks lookup --models identity,linear").code, 0);
  EXPECT_EQ(sandbox.lra("compare identity linear --json").json().at(0).at("schema_version"), 2);
  const std::string bench = "bench --models identity --lengths 32 --batch 1 --seconds 0.01 --alone --json";
  EXPECT_EQ(sandbox.lra(bench).json().at(0).at("schema_version"), 2);
}

}  // namespace
}  // namespace lra
