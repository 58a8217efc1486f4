#include <iostream>
#include <map>

#include "results/tables/text_table.h"
#include "tasks/inventory.h"
#include "tasks/preset.h"
#include "tools/lra/data.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

struct DataListOptions {
  std::string tasks, data, preset;
  bool json = false;
};

std::vector<DataStatus> data_statuses(const DataListOptions& options) {
  const DataPaths paths = data_paths(options.data);
  std::vector<DataStatus> all;
  for (const std::string& name : preset_names()) {
    if (!options.preset.empty() && options.preset != name) continue;
    const auto& covered = preset(name).at("tasks");
    if (options.tasks.empty())
      for (const auto& [task, entry] : covered.items()) all.push_back(data_status(task, name, paths));
    else
      for (const std::string& task : split_list(options.tasks, "tasks"))
        if (is_own_task(task) ? covered.contains("text") : covered.contains(task))
          all.push_back(data_status(task, name, paths));
  }
  return all;
}

Json status_json(const DataStatus& status) {
  const bool prepared = status.state == "prepared";
  return {{"task", status.spec.name},
          {"variant", status.spec.variant},
          {"preset", status.preset},
          {"source", status.source},
          {"length", status.spec.length},
          {"classes", status.spec.classes},
          {"class_names", status.classes},
          {"state", status.state},
          {"reason", status.reason},
          {"file", status.file.string()},
          {"bytes", prepared ? Json(status.bytes) : Json()},
          {"examples", prepared ? Json(status.examples) : Json()},
          {"fingerprint", prepared ? Json(status.fingerprint) : Json()},
          {"licence", status.licence},
          {"citation", status.citation}};
}

/// The names of the classes if they are few, otherwise their number.
std::string classes_text(const DataStatus& status) {
  constexpr std::size_t kMostNamed = 4;
  return status.classes.empty() || status.classes.size() > kMostNamed
             ? grouped(status.spec.classes)
             : fmt::format("{}", fmt::join(status.classes, ", "));
}

void print_statuses(const std::vector<DataStatus>& all) {
  constexpr std::size_t kShown = 12;  // digits of a fingerprint
  TextTable table{{"data", "preset", "state", "size", "train / valid / test", "classes", "fingerprint"}, {}};
  std::map<std::string, const DataStatus*> by_source;
  std::map<std::string, std::string> reasons;
  for (const DataStatus& status : all) {
    const bool prepared = status.state == "prepared";
    table.rows.push_back(
        {status.spec.variant, status.preset, status.state, prepared ? human_bytes(std::int64_t(status.bytes)) : "",
         prepared ? counts_text(status.examples) : "", classes_text(status), status.fingerprint.substr(0, kShown)});
    by_source[status.source] = &status;
    if (!status.reason.empty()) reasons[status.spec.variant] = status.reason;
  }
  std::cout << table << "\n";
  for (const auto& [source, status] : by_source)
    if (!status->licence.empty())
      fmt::print("{}\n  used by  {}\n  licence  {}\n  cite     {}\n", source, status->spec.name, status->licence,
                 status->citation);
  if (!reasons.empty()) fmt::print("\n");
  for (const auto& [variant, reason] : reasons)
    fmt::print("{}{}\n", reason.starts_with(variant) ? "" : variant + ": ", reason);
}

}  // namespace

void add_data_list(const Command& data, int& exit_code) {
  Command command =
      data.add_subcommand("list", "List whether the data of each task variant are available, with counts and licences");
  const auto options = std::make_shared<DataListOptions>();
  command.add_option("tasks", options->tasks, "only these tasks, separated by commas; tsv:FOLDER for your own data");
  add_data_option(command, options->data);
  command.add_option("--preset", options->preset, "only this preset");
  command.add_flag("--json", options->json, "print JSON");
  command.callback([options, &exit_code] {
    if (!options->preset.empty()) check_name("preset", options->preset, preset_names());
    if (!options->tasks.empty())
      for (const std::string& task : split_list(options->tasks, "tasks")) check_task(task);
    const auto all = data_statuses(*options);
    Json json = Json::array();
    for (const DataStatus& status : all) json.push_back(status_json(status));
    if (options->json)
      std::cout << json.dump(2) << "\n";
    else
      print_statuses(all);
    exit_code = 0;
  });
}

}  // namespace lra
