/// Names and texts from users must not act as markup in any format.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "results/results_testing.h"
#include "results/tables/report.h"

namespace lra {
namespace {

const std::string kHostile = "a<!--<script>x</script>\"'`\n\\input{secret}%$(touch ran)\u202e\x1b[2J";

std::string report_of(const std::string& format) {
  Store store(":memory:");
  for (std::uint64_t seed = 0; seed < 2; ++seed)
    for (const char* model : {"transformer", "linear"}) {
      StoredRun run = sample_run(model, seed, 0.4);
      run.task = "tsv:" + kHostile, run.variant = run.task + "@quick", run.command = kHostile, run.started = kHostile;
      run.history.push_back({100, "valid", "accuracy", 0.5});
      run.history.push_back({200, "valid", "accuracy", 0.6});
      run.train_seconds = 10, run.examples_per_second = 100, run.peak_bytes = 1000;
      set_key(run);
      store.add(run, Environment{});
    }
  ReportRequest request = lra_request();
  request.table = "all";
  request.models = {{"transformer", kHostile, "paper", "O(N²)", "dense", "", 2}};
  std::ostringstream out;
  report_formats().at(format).write(store, request, out);
  return out.str();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Source: the HTML standard, "Restrictions for contents of script elements": `<` must be escaped.
TEST(Names, StayTextInThePage) {
  const std::string page = report_of("html");
  const std::string open = "<script type=\"application/json\" id=\"data\">";
  const std::size_t from = page.find(open) + open.size(), to = page.find("</script>", from);
  const std::string data = page.substr(from, to - from);
  EXPECT_EQ(data.find('<'), std::string::npos);
  EXPECT_NE(data.find("a\\u003c!--\\u003cscript>x"), std::string::npos);
  EXPECT_NE(Json::parse(data).dump().find("a<!--<script>x</script>"), std::string::npos);
  EXPECT_EQ(page.find("a<!--"), std::string::npos);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_EQ(page.substr(0, from).find("\u202e"), std::string::npos);
}

TEST(Names, StayTextInLatex) {
  const std::string tables = report_of("latex");
  for (const std::string& line : lines_of(tables)) {
    EXPECT_FALSE(line.starts_with("\\input")) << line;
    EXPECT_TRUE(line.starts_with("% ") || line.find("\\input") == std::string::npos) << line;
    if (const std::size_t label = line.find("\\label{"); label != std::string::npos) {
      EXPECT_EQ(
          line.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:_@", label + 7),
          line.find('}', label))
          << line;
    }
    EXPECT_EQ(std::count(line.begin(), line.end(), '{'), std::count(line.begin(), line.end(), '}')) << line;
  }
  EXPECT_EQ(tables.find('\x1b'), std::string::npos);
  EXPECT_EQ(tables.find("\u202e"), std::string::npos);
}

TEST(Names, StayOnOneLineInMarkdown) {
  const std::string tables = report_of("markdown");
  EXPECT_EQ(tables.find('\x1b'), std::string::npos);
  EXPECT_EQ(tables.find("\u202e"), std::string::npos);
  for (const std::string& line : lines_of(tables)) EXPECT_FALSE(line.starts_with("\\input")) << line;
}

}  // namespace
}  // namespace lra
