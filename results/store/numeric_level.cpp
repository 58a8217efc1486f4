#include "results/store/numeric_level.h"

#include <algorithm>
#include <array>
#include <set>

namespace lra {
namespace {

bool differs(const std::string& before, const std::string& now) { return !before.empty() && before != now; }

}  // namespace

std::string level_name(const Environment& environment) {
  const auto known = [](const std::string& word) { return word.empty() ? std::string("unknown") : word; };
  return fmt::format("{} and oneDNN {} on {}", known(environment.isa), known(environment.onednn),
                     known(environment.onednn_isa));
}

std::string level_difference(const Environment& before, const Environment& now) {
  std::vector<std::string> settings;
  if (differs(before.isa, now.isa)) settings.push_back("LRA_MAX_ISA=" + before.isa);
  if (differs(before.onednn_isa, now.onednn_isa)) settings.push_back("ONEDNN_MAX_CPU_ISA=" + before.onednn_isa);
  const bool other_library = differs(before.onednn, now.onednn);
  if (settings.empty() && !other_library) return {};
  std::string remedy;
  if (!settings.empty()) remedy = fmt::format("set {} on a processor that can do it", fmt::join(settings, " and "));
  if (other_library) remedy += fmt::format("{}use oneDNN {}", remedy.empty() ? "" : " and ", before.onednn);
  return fmt::format("was made with {}, here are {}, which give other bits; {}", level_name(before), level_name(now),
                     remedy);
}

bool several_levels(const std::vector<const Environment*>& places) {
  std::array<std::set<std::string>, 3> seen;
  for (const Environment* place : places)
    seen[0].insert(place->isa), seen[1].insert(place->onednn), seen[2].insert(place->onednn_isa);
  return std::any_of(seen.begin(), seen.end(), [](auto& values) { return values.erase(""), values.size() > 1; });
}

bool several_levels(const std::vector<const StoredRun*>& runs, const std::map<long, Environment>& environments) {
  std::vector<const Environment*> places;
  places.reserve(runs.size());
  for (const StoredRun* run : runs) places.push_back(&environments.at(run->environment));
  return several_levels(places);
}

}  // namespace lra
