#include "results/tables/report.h"

#include <algorithm>

#include "results/tables/versions.h"

namespace lra {

Registry<ReportFormat>& report_formats() {
  static Registry<ReportFormat> formats("report format");
  return formats;
}

const std::vector<std::string>& report_tables() {
  static const std::vector<std::string> names{"accuracy", "differences",    "published", "efficiency", "bench",
                                              "seeds",    "configurations", "model",     "all"};
  return names;
}

namespace {

auto find_task(const std::vector<TaskText>& tasks, const std::string& name) {
  return std::find_if(tasks.begin(), tasks.end(), [&](const TaskText& task) { return task.name == name; });
}

}  // namespace

bool ReportRequest::is_before(const std::string& a, const std::string& b) const {
  return std::pair(find_task(tasks, a), a) < std::pair(find_task(tasks, b), b);
}

bool ReportRequest::may_stay_at_chance(const std::string& task) const {
  const auto found = find_task(tasks, task);
  return found != tasks.end() && found->may_stay_at_chance;
}

bool ReportRequest::wants_task_of(const StoredRun& run) const {
  return only_tasks.empty() || std::any_of(only_tasks.begin(), only_tasks.end(),
                                           [&](const std::string& task) { return is_on_task(run, task); });
}

bool ReportRequest::wants_model(const std::string& label) const {
  return only_models.empty() ||
         std::find(only_models.begin(), only_models.end(), label.substr(0, label.find(' '))) != only_models.end();
}

}  // namespace lra
