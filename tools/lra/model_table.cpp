#include "tools/lra/model_table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/names.h"
#include "harness/experiment.h"
#include "models/layers/registry.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

/// Splits "fixed pattern, memory" into its classes. The first one decides where tables put the model.
std::vector<std::string> classes_of(const std::string& kind) {
  std::vector<std::string> all;
  for (std::size_t begin = 0; begin < kind.size();) {
    const std::size_t end = std::min(kind.size(), kind.find(", ", begin));
    all.push_back(kind.substr(begin, end - begin));
    begin = end + 2;
  }
  return all;
}

std::vector<std::string> known_classes() {
  std::set<std::string> all;
  for (const std::string& name : models().names())
    for (const std::string& one : classes_of(models().at(name).facts.kind)) all.insert(one);
  return {all.begin(), all.end()};
}

std::string text(const Json& row, const char* key) { return row.at(key).get<std::string>(); }

}  // namespace

Json model_rows(const std::vector<std::string>& names, const std::string& wanted) {
  if (!wanted.empty()) check_name("class", wanted, known_classes());
  Json rows = Json::array();
  for (const std::string& name : names) {
    const ModelFacts& facts = models().at(name).facts;
    const std::vector<std::string> classes = classes_of(facts.kind);
    if (!wanted.empty() && std::find(classes.begin(), classes.end(), wanted) == classes.end()) continue;
    rows.push_back({{"name", name},
                    {"class", facts.kind},
                    {"complexity", facts.complexity},
                    {"parameters", count_parameters(make_experiment("text", "quick", name, 0, 0, {}))},
                    {"paper", facts.paper},
                    {"summary", facts.summary}});
  }
  return rows;
}

Json grouped(const Json& rows) {
  std::vector<Json> all = rows;
  for (Json& row : all) {
    const std::vector<std::string> classes = classes_of(text(row, "class"));
    row["group"] = classes.empty() ? "" : classes.front();
    row["also"] = fmt::format("{}", fmt::join(classes.begin() + !classes.empty(), classes.end(), ", "));
  }
  std::sort(all.begin(), all.end(), [](const Json& a, const Json& b) {
    return std::pair(text(a, "group"), text(a, "name")) < std::pair(text(b, "group"), text(b, "name"));
  });
  return all;
}

std::string short_citation(const std::string& paper) {
  const std::size_t title = paper.find('"'), title_end = paper.find('"', title + 1);
  if (title == std::string::npos || title_end == std::string::npos) return paper;
  const std::string after = paper.substr(title_end + 1);
  return paper.substr(0, title) + after.substr(std::min<std::size_t>(1, after.size()), after.find(", arXiv") - 1);
}

std::string model_page(const Json& rows) {
  std::string page, group;
  for (const Json& row : grouped(rows)) {
    if (text(row, "group") != group) {
      group = text(row, "group");
      page += fmt::format(
          "{}### {}\n\n| model | also | time | parameters | what it does | paper |\n"
          "|---|---|---|---:|---|---|\n",
          page.empty() ? "" : "\n", group);
    }
    page += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", text(row, "name"), text(row, "also"),
                        text(row, "complexity"), row.at("parameters").get<long>(), text(row, "summary"),
                        text(row, "paper"));
  }
  return page;
}

std::string model_table(const Json& rows) {
  std::string table = "| class | model | time | what it does | paper |\n|---|---|---|---|---|\n", group;
  for (const Json& row : grouped(rows)) {
    const bool first = text(row, "group") != group;
    group = text(row, "group");
    table += fmt::format("| {} | `{}` | {} | {} | {} |\n", first ? group : "", text(row, "name"),
                         text(row, "complexity"), text(row, "summary"), short_citation(text(row, "paper")));
  }
  return table;
}

}  // namespace lra
