/// Versions of one variant's data told apart: a column and a table of cost each stand for one.
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
  const StoredRun* first = nullptr;  // the earliest of its runs
  std::string label;  // the variant; of several versions "tsv:v1/set@quick" by folder, or "listops #a1b2c3"
  std::string about;  // of several versions: "#a1b2c3, in /data/v1/set, trained on since 2026-01-02"
};

/// The versions that these runs were made on: by folder where these differ, and by fingerprint where that is not
/// enough.
std::map<DataKey, Version> versions_of(const std::vector<const StoredRun*>& runs);

/// Whether the run is on the task `name`. Data of one's own go by their name ("tsv:set"), by their folder
/// ("tsv:/data/v1/set") or by an end of it ("tsv:v1/set"); a run whose folder is not known, by its name.
bool is_on_task(const StoredRun& run, const std::string& name);

}  // namespace lra
