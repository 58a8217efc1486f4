#include "results/tables/report.h"

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

}  // namespace lra
