#include "results/page/page.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "results/results_testing.h"

namespace lra {
namespace {

/// A store with three models, two tasks, three seeds, learning curves and bench measurements.
Store page_store() {
  Store store(":memory:");
  Environment machine;
  machine.cpu = "Test CPU", machine.cores = 2;
  store.add_baselines("listops@quick", "a1b2c3d4", {{"majority", 170, 1000}, {"first_token", 360, 1000}});
  store.add_baselines("image@quick", "e5f6", {{"majority", 104, 1000}});
  double share = 0.5;
  for (const auto& [model, speed] :
       {std::pair("transformer", 100.0), std::pair("linear", 320.0), std::pair("local", 240.0)}) {
    share -= 0.04;
    for (std::uint64_t seed = 0; seed < 3; ++seed)
      for (const bool image : {false, true}) {
        StoredRun run = sample_run(model, seed, share + 0.01 * double(seed) + (image ? 0.5 : 0));
        if (image) run.task = "image", run.variant = "image@quick", run.data_fingerprint = "e5f6";
        for (int step = 1; step <= 4; ++step)
          run.history.push_back({100 * step, "valid", "accuracy", share * step / 4});
        run.examples_per_second = speed, run.train_seconds = 9600 / speed;
        run.peak_bytes = std::int64_t(4e9 / speed);
        run.command = "lra run --models </script><b>x</b>";
        set_key(run);
        store.add(run, machine);
      }
  }
  std::vector<Measurement> bench;
  for (const long length : {1024L, 2048L, 4096L})
    for (const auto& [model, power] : {std::pair("transformer", 2), std::pair("linear", 1)})
      for (const char* metric : {"median_ms", "peak_bytes"}) {
        Measurement m;
        m.model = model, m.mode = "train", m.metric = metric, m.length = length, m.batch = 32, m.threads = 2;
        m.value = std::pow(double(length), power), m.settings = {{"width", 64}};
        bench.push_back(m);
      }
  store.add(bench, machine);
  return store;
}

std::string page() {
  const Store store = page_store();
  ReportRequest request = lra_request();
  request.models = {{"transformer", "exact", "paper", "O(N²)", "dense", "", 2}};
  std::ostringstream out;
  report_formats().at("html").write(store, request, out);
  return out.str();
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Page, NeedsNoNetworkAndNamesItsLicence) {
  const std::string html = page();
  for (const char* outside : {"src=", "@import", "url(", "<link rel=\"stylesheet"})
    EXPECT_FALSE(has(html.substr(0, html.find("Chart.js, with its licence")), outside)) << outside;
  EXPECT_TRUE(has(html, "Chart.js Contributors"));
  EXPECT_TRUE(has(html, "Permission is hereby granted"));
  EXPECT_TRUE(has(html, "prefers-color-scheme: dark"));
  EXPECT_TRUE(has(html, "@media print"));
}

TEST(Page, EscapesWhatUsersWrote) {
  const std::string html = page();
  EXPECT_FALSE(has(html, "<b>x</b>"));
  EXPECT_TRUE(has(html, "&lt;b&gt;x&lt;/b&gt;"));
}

TEST(Page, EveryLinkLeadsToACell) {
  const std::string html = page();
  std::size_t links = 0;
  for (std::size_t at = html.find("href=\"#c-"); at != std::string::npos; at = html.find("href=\"#c-", at + 1)) {
    const std::string id = html.substr(at + 7, html.find('"', at + 7) - at - 7);
    EXPECT_TRUE(has(html, "id=\"" + id + "\"")) << id;
    ++links;
  }
  EXPECT_GE(links, 12u);  // six cells, in the accuracy table and in the efficiency tables
  EXPECT_TRUE(has(html, "lra runs reproduce"));
}

TEST(Page, EveryFigureHasATextAlternative) {
  const std::string html = page();
  std::size_t canvases = 0;
  for (std::size_t at = html.find("<canvas"); at != std::string::npos; at = html.find("<canvas", at + 1), ++canvases) {
    const std::string tag = html.substr(at, html.find('>', at) - at);
    EXPECT_TRUE(has(tag, "role=\"img\"") && has(tag, "aria-label=\"")) << tag;
  }
  EXPECT_EQ(canvases, 7u);  // one bubble, two tasks' curves and seeds, time and memory
  std::size_t tables = 0;
  for (std::size_t at = html.find("Data of this chart"); at != std::string::npos;
       at = html.find("Data of this chart", at + 1))
    ++tables;
  EXPECT_EQ(tables, canvases);
}

TEST(Page, FiguresCarryExponents) {
  const Store store = page_store();
  const Comparison comparison = compare_runs(store, lra_request());
  const Json figures = figures_of(comparison, store, {}).at("figures");
  bool seen = false;
  for (const Json& figure : figures)
    if (figure.at("kind") == "scaling" && !figure.at("bytes").get<bool>())
      for (const Json& series : figure.at("series"))
        if (series.at("label") == "transformer") {
          EXPECT_NEAR(series.at("exponent").get<double>(), 2, 1e-9);
          seen = true;
        }
  EXPECT_TRUE(seen);
}

/// Loads the page in a headless browser; returns false if there is none.
[[maybe_unused]] bool browse(const std::string& html, std::string& dom, std::string& log) {
  if (std::system("command -v chromium >/dev/null 2>&1") != 0) return false;
  const TemporaryFolder folder;
  const std::string file = (folder.path() / "page.html").string();
  std::ofstream(file, std::ios::binary) << html;
  const std::string command = "cd " + folder.path().string() +
                              " && timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage"
                              " --user-data-dir=" +
                              (folder.path() / "profile").string() +
                              " --enable-logging=stderr --virtual-time-budget=3000 --dump-dom file://" + file +
                              " >dom 2>log";
  const int status = std::system(command.c_str());
  dom = contents(folder.path() / "dom"), log = contents(folder.path() / "log");
  return status == 0;
}

// The page is the same under a sanitizer, so only the optimised build starts a browser.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Page, LoadsDrawsAndSortsInABrowser) {
  std::string html = page(), dom, log;
  const std::string probe = R"(<script>
    var table = document.querySelector("section[id^=accuracy] table"), names = function () {
      return Array.prototype.map.call(table.tBodies[0].rows, function (row) { return row.cells[0].textContent; }).join(","); };
    var buttons = table.querySelectorAll("thead button"), said = [names()];
    buttons[1].click(); said.push(names()); buttons[1].click(); said.push(names()); buttons[0].click(); said.push(names());
    var drawn = 0;
    document.querySelectorAll("canvas").forEach(function (canvas) {
      var pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      if (pixels.some(function (v) { return v; })) drawn++; });
    var tasks = document.querySelector("section[id^=differences] table");
    tasks.querySelectorAll("thead button")[1].click();
    said.push(Array.prototype.map.call(tasks.tBodies[0].rows, function (row) { return row.cells[1].textContent; }).join(","));
    var axes = 0, beyond = 0;
    document.querySelectorAll("canvas").forEach(function (canvas) {
      var scales = Chart.getChart(canvas).scales;
      Object.keys(scales).forEach(function (key) {
        if (!/%/.test(scales[key].options.title.text)) return;
        axes++;
        if (scales[key].min < 0 || scales[key].max > 100) beyond++; }); });
    said.push(axes + " axes, " + beyond + " beyond");
    document.body.insertAdjacentHTML("beforeend", "<p id=probe>" + said.join(";") + "|" + drawn + "</p>");
  </script></body>)";
  const std::size_t end = html.rfind("</body>");
  html.replace(end, 7, probe);
  if (!browse(html, dom, log)) GTEST_SKIP() << "no chromium that starts: tools/setup --ci installs it";
  EXPECT_FALSE(has(log, ":CONSOLE")) << log;
  EXPECT_TRUE(has(dom, "data-charts=\"7\"")) << dom.substr(0, 300);
  const std::string aside = "without a model:,majority class,first token,bag of tokens";
  EXPECT_TRUE(has(dom, "transformer,linear,local," + aside + ";transformer,linear,local," + aside +
                           ";local,linear,transformer," + aside + ";linear,local,transformer," + aside +
                           ";image@quick,image@quick,listops@quick,listops@quick;5 axes, 0 beyond|7"))
      << dom.substr(dom.find("<p id=\"probe\""), 600);
}
#endif

}  // namespace
}  // namespace lra
