/// Distinguishes versions of one variant's data. Each has its own column and cost tables.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "results/store/record.h"

namespace lra {

using DataKey = std::pair<std::string, std::string>;  // variant, data fingerprint

inline DataKey data_key(const StoredRun& run) { return {run.variant, run.data_fingerprint}; }

struct Version {
  const StoredRun* first = nullptr;  // the earliest run on it
  std::string label;  // the variant; if there are several versions, "tsv:v1/set@quick" by folder, or "listops #a1b2c3"
  std::string description;  // if there are several versions: "#a1b2c3, in /data/v1/set, trained on since 2026-01-02"
};

/// The data versions of these runs. Labels distinguish them by folder if possible, otherwise also by fingerprint.
std::map<DataKey, Version> versions_of(const std::vector<const StoredRun*>& runs);

/// Whether the run is on the task `name`. User data match by name ("tsv:set"), by folder ("tsv:/data/v1/set") or by a
/// suffix of the folder ("tsv:v1/set"); a run whose folder is not known matches by name.
bool is_on_task(const StoredRun& run, const std::string& name);

}  // namespace lra
