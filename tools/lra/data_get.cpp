#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <iostream>

#include <spdlog/spdlog.h>

#include "core/text.h"
#include "datasets/download.h"
#include "datasets/import.h"
#include "results/tables/text_table.h"
#include "tools/lra/data.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

struct ImportOptions {
  std::string from, data;
  bool link = false, json = false;
};

struct FetchOptions {
  std::string name, data, table;
  bool list = false;
};

Json import_json(const Imported& imported) {
  Json parts = Json::object();
  for (const auto& part : imported.parts) parts[part.name] = {{"found", part.found}, {"official", part.official}};
  return {{"layout", imported.layout},  {"place", imported.place.string()}, {"how", imported.how},
          {"files", imported.files},    {"left_out", imported.left_out},    {"parts", parts},
          {"lacking", imported.lacking}};
}

void print_imports(const std::vector<Imported>& all) {
  TextTable table{{"data", "part", "found", "official", ""}, {}};
  for (const Imported& imported : all)
    for (const auto& part : imported.parts)
      table.rows.push_back({imported.layout, part.name, grouped(part.found),
                            part.official ? grouped(part.official) : "",
                            part.official == 0 || part.found == part.official ? "" : "differs"});
  std::cout << table << "\n";
  for (const Imported& imported : all) {
    fmt::print("{}: {} files, {} to {}\n", imported.layout, grouped(imported.files), imported.how,
               imported.place.string());
    if (imported.left_out > 0)
      fmt::print("{}: {} files of the release's outer copy were left out; others use the inner copy\n", imported.layout,
                 grouped(imported.left_out));
    if (!imported.lacking.empty()) fmt::print("{}: not complete yet: {}\n", imported.layout, imported.lacking);
  }
}

/// Shows download progress: on a terminal one line, updated five times per second; elsewhere a line every 5 seconds.
class DownloadLine {
 public:
  explicit DownloadLine(std::string name) : name_(std::move(name)) {}
  ~DownloadLine() {
    if (terminal_ && open_) fmt::print(stderr, "\n");
  }
  DownloadLine(const DownloadLine&) = delete;
  DownloadLine& operator=(const DownloadLine&) = delete;

  void show(std::uint64_t bytes, std::uint64_t of) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < (terminal_ ? std::chrono::milliseconds(200) : std::chrono::seconds(5))) return;
    last_ = now;
    open_ = true;
    const std::string text = fmt::format("{}: {} of {}", shown_on_a_line(name_), human_bytes(std::int64_t(bytes)),
                                         of ? human_bytes(std::int64_t(of)) : "an unknown size");
    if (terminal_)
      fmt::print(stderr, "\r{}\033[K", text);
    else
      fmt::print(stderr, "{}\n", text);
  }

 private:
  std::string name_;
  bool terminal_ = isatty(STDERR_FILENO), open_ = false;
  std::chrono::steady_clock::time_point last_{};
};

/// Returns false if it was interrupted.
bool fetch_with_progress(const Download& download, const std::filesystem::path& target) {
  watch_signals(/*second_ends=*/true);
  DownloadLine line(download.file);
  const auto show = [&](std::uint64_t bytes, std::uint64_t of) {
    line.show(bytes, of);
    return !interrupted;
  };
  return fetch(download, target, show, {}, [&](const auto& part) { check_import(part, download.file); });
}

int fetch_and_import(const FetchOptions& options) {
  const auto table = options.table.empty() ? official_downloads() : read_downloads(options.table);
  if (options.list) {
    for (const Download& d : table)
      fmt::print("{}\n  {}\n  {}, {}\n  licence  {}\n  cite     {}\n", d.name, d.url, d.file,
                 d.size ? human_bytes(std::int64_t(d.size)) : "size not known", d.licence, d.citation);
    return 0;
  }
  std::vector<std::string> names;
  names.reserve(table.size());
  for (const Download& d : table) names.push_back(d.name);
  check_name("download", options.name, names);
  const Download& download =
      *std::find_if(table.begin(), table.end(), [&](const auto& d) { return d.name == options.name; });
  const auto root = data_destination(options.data);
  const auto target = root / download.file;
  if (std::filesystem::exists(target)) {
    if (const std::string flaw = flaw_of_download(download, target); !flaw.empty())
      fail_data("{} already exists, but it {}; remove it, and the same command fetches it", target.string(), flaw);
    spdlog::info("{} already exists and is not fetched again; remove it to fetch it again", target.string());
  } else if (!fetch_with_progress(download, target)) {
    return kInterrupted;
  }
  import_and_report(target, root, /*link=*/false, /*json=*/false);
  return 0;
}

}  // namespace

void import_and_report(const std::filesystem::path& from, const std::filesystem::path& root, bool link, bool json) {
  const auto all = import_data(from, root, link);
  if (!json) return print_imports(all);
  Json list = Json::array();
  for (const Imported& imported : all) list.push_back(import_json(imported));
  std::cout << list.dump(2) << "\n";
}

void add_data_import(const Command& data, int& exit_code) {
  Command command =
      data.add_subcommand("import", "Put official data from an archive or folder where lra looks for them");
  const auto options = std::make_shared<ImportOptions>();
  command.add_option("from", options->from, "an archive or a folder").required();
  add_data_option(command, options->data);
  command.add_flag("--link", options->link, "link to the files instead of copying them");
  command.add_flag("--json", options->json, "print JSON");
  command.callback([options, &exit_code] {
    import_and_report(options->from, data_destination(options->data), options->link, options->json);
    exit_code = 0;
  });
}

void add_data_fetch(const Command& data, int& exit_code) {
  Command command =
      data.add_subcommand("fetch", "Download official data and import them; resumes an interrupted download");
  const auto options = std::make_shared<FetchOptions>();
  command.add_option("name", options->name, "the download; --list shows the names");
  add_data_option(command, options->data);
  command.add_option("--table", options->table, "JSON file with other downloads: name, url, file, size, sha256, md5");
  command.add_flag("--list", options->list, "only list the downloads and their addresses");
  command.callback([options, &exit_code] { exit_code = fetch_and_import(*options); });
}

}  // namespace lra
