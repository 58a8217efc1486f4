#include "tools/lra/model_table.h"

#include <algorithm>
#include <set>

#include "harness/core/names.h"
#include "harness/experiment.h"
#include "models/layers/registry.h"
#include "tools/lra/selection.h"

namespace lra {
namespace {

/// "fixed pattern, memory" → its classes.
std::set<std::string> classes_of(const std::string& kind) {
  std::set<std::string> all;
  for (std::size_t begin = 0; begin < kind.size();) {
    const std::size_t end = std::min(kind.size(), kind.find(", ", begin));
    all.insert(kind.substr(begin, end - begin));
    begin = end + 2;
  }
  return all;
}

std::vector<std::string> known_classes() {
  std::set<std::string> all;
  for (const std::string& name : models().names()) all.merge(classes_of(models().at(name).facts.kind));
  return {all.begin(), all.end()};
}

}  // namespace

Json model_rows(const std::string& wanted) {
  if (!wanted.empty()) check_name("class", wanted, known_classes());
  Json rows = Json::array();
  for (const std::string& name : models().names()) {
    const ModelFacts& facts = models().at(name).facts;
    if (!wanted.empty() && !classes_of(facts.kind).contains(wanted)) continue;
    rows.push_back({{"name", name},
                    {"class", facts.kind},
                    {"complexity", facts.complexity},
                    {"parameters", count_parameters(make_experiment("text", "quick", name, 0, 0, {}))},
                    {"paper", facts.paper},
                    {"summary", facts.summary}});
  }
  return rows;
}

std::string model_table() {
  std::string table = "| model | class | time | parameters | what it does | paper |\n|---|---|---|---:|---|---|\n";
  for (const Json& row : model_rows("")) {
    const auto text = [&row](const char* key) { return row.at(key).get<std::string>(); };
    table += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", text("name"), text("class"), text("complexity"),
                         row.at("parameters").get<long>(), text("summary"), text("paper"));
  }
  return table;
}

}  // namespace lra
