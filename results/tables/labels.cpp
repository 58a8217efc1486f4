#include "results/tables/labels.h"

#include <algorithm>
#include <sstream>

namespace lra {

long tries(const StoredRun& run) {
  long count = 1;
  if (run.sweep.is_object())
    for (const auto& [key, values] : run.sweep.items()) count *= static_cast<long>(values.size());
  return count;
}

std::string row_label(const StoredRun& run) {
  std::string label = run.model, swept;
  if (run.overrides.is_object())
    for (const auto& [key, value] : run.overrides.items())
      if (!run.sweep.is_object() || !run.sweep.contains(key))
        label += fmt::format(" {}={}", key, value.is_string() ? value.get<std::string>() : value.dump());
  if (run.sweep.is_object())
    for (const auto& [key, values] : run.sweep.items()) swept += (swept.empty() ? "" : ",") + key;
  return swept.empty() ? label : fmt::format("{} best of {} {}", label, tries(run), swept);
}

std::string reference_label(const ReferenceModels& references, const std::string& reference, const std::string& row,
                            const std::vector<std::string>& labels) {
  const auto words = [](const std::string& text) {
    std::vector<std::string> all;
    std::istringstream in(text);
    for (std::string word; in >> word;) all.push_back(word);
    return all;
  };
  const auto has = [](const std::vector<std::string>& all, const std::string& word) {
    return std::find(all.begin(), all.end(), word) != all.end();
  };
  const auto own = words(reference);
  auto allowed = words(row);
  if (own.empty() || allowed.empty()) return "";
  allowed.front() = own.front();                 // the model
  std::erase(allowed, references.materialized);  // `row` may be a reference itself
  allowed.insert(allowed.end(), own.begin(), own.end());
  std::string best;
  std::size_t most = 0;
  for (const std::string& label : labels) {
    const auto candidate = words(label);
    const auto in_candidate = [&](const auto& word) { return has(candidate, word); };
    const auto is_allowed = [&](const auto& word) { return has(allowed, word); };
    if (candidate.size() > most && candidate.front() == own.front() &&
        std::all_of(own.begin(), own.end(), in_candidate) &&
        std::all_of(candidate.begin(), candidate.end(), is_allowed))
      best = label, most = candidate.size();
  }
  return best;
}

std::string machine_name(const Environment& environment) {
  return fmt::format("{}, {} core{}", environment.cpu, environment.cores, environment.cores == 1 ? "" : "s");
}

}  // namespace lra
