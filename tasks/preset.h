/// The presets as data: the files tasks/presets/*.json, which are embedded in the program when it is built, and the
/// entries that definitions of tasks add to them (TaskEntry::presets).
///
///   {"summary": …,
///    "published": true,    if the settings are those of the publication that the summary names: they then stay even
///                          where they hide tokens from a model or switch off one of its mechanisms
///    "note": …,            where the preset departs from its sources, and what they leave open; a task may have its
///    own "encoder": {…}, "recipe": {…}, "models": {MODEL: {…}},        for every task of the preset "tasks": {TASK:
///    {"variant": …, "length": …, "note": …,
///                     "data": {"source": …, settings of the source},
///                     "fallback": {"variant": …, "data": {…}},     used when official files are missing
///                     "numbers": {"mean": …, "deviation": …},      ids are read as numbers (TaskSpec::mean)
///                     "encoder": {…}, "recipe": {…},
///                     "models": {MODEL: {"encoder": {…}, "mixer": {…}, "recipe": {…}}}}}}
///
/// Inner settings override outer ones: preset, preset's model, task, task's model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace lra {

struct EmbeddedPreset {
  std::string_view name, text;
};

/// The presets by cost, smallest first. Generated at build time from the JSON files.
const std::vector<EmbeddedPreset>& embedded_presets();

/// Return the names of the presets by cost, smallest first.
std::vector<std::string> preset_names();

/// Return the preset, with the tasks of its file and those whose definitions name it. Throws a usage error for an
/// unknown name, and for a definition whose entries are not JSON, name an unknown preset, or repeat a task of the
/// preset's file.
const Json& preset(const std::string& name);

/// Return one of a task's objects ("encoder", "mixer" or "recipe") for `model`, with all levels of the preset merged.
Json preset_settings(const Json& preset, const std::string& task, const std::string& model, const std::string& part);

}  // namespace lra
