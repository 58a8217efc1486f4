/// HTML: the whole report as one self-contained page.
#include "results/page/page.h"

namespace lra {
namespace {

void write_html(const Store& store, const ReportRequest& request, std::ostream& out) {
  out << html_page(compare_runs(store, request), store, request);
}

const RegisterReport registered{"html", "one page with charts, for a browser; needs no network", write_html};

}  // namespace
}  // namespace lra
