#include "harness/checkpoint.h"

#include <algorithm>

#include "core/digest.h"
#include "core/error.h"
#include "core/file.h"
#include "core/safetensors.h"
#include "results/store/numeric_level.h"

namespace lra {
namespace {

constexpr const char* kFormat = "lra checkpoint 2";

Json metric_names(const std::vector<Metric>& history) {
  Json names = Json::array();
  for (const Metric& metric : history) names.push_back({metric.step, metric.split, metric.name});
  return names;
}

/// Stored as an array because JSON has no infinity.
std::vector<double> values_of(const std::vector<Metric>& history) {
  std::vector<double> values;
  values.reserve(history.size());
  for (const Metric& metric : history) values.push_back(metric.value);
  return values;
}

std::vector<Metric> history_from(const Json& names, const std::vector<double>& values) {
  std::vector<Metric> history;
  for (std::size_t i = 0; i < values.size(); ++i)
    history.push_back({names.at(i).at(0).get<long>(), names.at(i).at(1).get<std::string>(),
                       names.at(i).at(2).get<std::string>(), values[i]});
  return history;
}

std::vector<RunPart> parts_from(const Json& json) {
  std::vector<RunPart> parts;
  for (const Json& part : json) parts.push_back(parse<RunPart>(part, "checkpoint"));
  return parts;
}

Json level_of(const Environment& environment) {
  return {{"isa", environment.isa}, {"onednn", environment.onednn}, {"onednn_isa", environment.onednn_isa}};
}

Environment environment_from(const Json& level) {
  Environment environment;
  level.at("isa").get_to(environment.isa);
  level.at("onednn").get_to(environment.onednn);
  level.at("onednn_isa").get_to(environment.onednn_isa);
  return environment;
}

std::string hash_of(const StoredText& text, const std::vector<StoredArray>& arrays) {
  std::vector<const StoredArray*> sorted;
  sorted.reserve(arrays.size());
  for (const StoredArray& one : arrays) sorted.push_back(&one);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  Digest digest;
  for (const auto& [key, value] : text)
    if (key != "sha256") digest.add(fmt::format("{} {} {}", key, value.size(), value));
  for (const StoredArray* one : sorted) {
    digest.add(fmt::format("{} {} {}", one->name, one->type, one->bytes.size()));
    digest.add(one->bytes);
  }
  return digest.hex();
}

/// Does the content have the hash that the file names?
bool is_intact(const StoredArrays& stored) {
  const auto hash = stored.text().find("sha256");
  return hash != stored.text().end() && hash->second == hash_of(stored.text(), stored.all());
}

/// How to proceed when a checkpoint cannot be used.
constexpr const char* kRemedy = "remove it, or run with --force to start over";

/// Opens a file and verifies its hash. Throws a data error if the hash is wrong.
StoredArrays open_verified(const std::filesystem::path& file) {
  StoredArrays stored(file);
  if (!is_intact(stored))
    fail_data("{} is damaged: its contents do not have the hash that it names; {}", file.string(), kRemedy);
  return stored;
}

/// Reads a verified file by name.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : file_(file.string()), stored_(open_verified(file)) {}

  const std::string& text(const std::string& key) const {
    const auto found = stored_.text().find(key);
    if (found == stored_.text().end()) refuse(fmt::format("it has no '{}'", key));
    return found->second;
  }
  Json json(const std::string& key) const { return Json::parse(text(key)); }
  bool has(const std::string& name) const { return stored_.find(name) != nullptr; }
  std::vector<double> doubles(const std::string& name) const { return stored_.values<double>(name); }
  std::vector<float> floats(const std::string& name, std::size_t size) const {
    std::vector<float> values = stored_.values<float>(name);
    if (values.size() != size) refuse(fmt::format("'{}' has {} values, the model has {}", name, values.size(), size));
    return values;
  }
  [[noreturn]] void refuse(const std::string& why) const {
    fail_data("the checkpoint {} cannot be used: {}; {}", file_, why, kRemedy);
  }

 private:
  std::string file_;
  StoredArrays stored_;
};

struct Loaded {
  TrainState state;
  std::vector<float> parameters, first_moment, second_moment, best;
};

Loaded load_state(const Reader& reader, const Json& experiment, const Environment& environment, std::size_t size) {
  if (reader.text("format") != kFormat) reader.refuse(fmt::format("it is not a '{}'", kFormat));
  if (reader.json("experiment") != experiment) reader.refuse("it is of another experiment");
  const std::string difference = level_difference(environment_from(reader.json("level")), environment);
  if (!difference.empty()) reader.refuse("it " + difference);
  Loaded loaded;
  loaded.state = parse<TrainState>(reader.json("state"), "checkpoint");
  loaded.state.history = history_from(reader.json("history"), reader.doubles("history"));
  loaded.state.parts = parts_from(reader.json("parts"));
  loaded.parameters = reader.floats("parameters", size);
  loaded.first_moment = reader.floats("adam.first_moment", size);
  loaded.second_moment = reader.floats("adam.second_moment", size);
  if (reader.has("best")) loaded.best = reader.floats("best", size);
  return loaded;
}

Loaded load_state(const std::filesystem::path& file, const Json& experiment, const Environment& environment,
                  std::size_t size) {
  const Reader reader(file);
  try {
    return load_state(reader, experiment, environment, size);
  } catch (const Json::exception& error) {
    reader.refuse(error.what());
  }
}

}  // namespace

Json encode(const std::vector<RunPart>& parts) {
  Json all = Json::array();
  for (const RunPart& part : parts) all.push_back(to_json(part));
  return all;
}

std::string timing_flaw(const std::vector<RunPart>& parts) {
  std::vector<std::string> machines, threads, flaws;
  double paused = 0;
  const auto note = [](std::vector<std::string>& all, const std::string& value) {
    if (std::find(all.begin(), all.end(), value) == all.end()) all.push_back(value);
  };
  for (const RunPart& part : parts) {
    note(machines, part.machine);
    note(threads, std::to_string(part.threads));
    paused += part.paused_seconds;
  }
  if (machines.size() > 1) flaws.push_back(fmt::format("several machines ({})", fmt::join(machines, "; ")));
  if (threads.size() > 1) flaws.push_back(fmt::format("{} threads", fmt::join(threads, " and ")));
  if (paused > 0) flaws.push_back(fmt::format("stopped for {:.1f} s", paused));
  return fmt::format("{}", fmt::join(flaws, ", "));
}

void save_checkpoint(const std::filesystem::path& file, const Json& experiment, const Environment& environment,
                     const TrainState& state, const TrainArrays& arrays) {
  const std::vector<double> values = values_of(state.history);
  const auto flat = [](const char* name, std::span<const float> all) {
    return StoredArray::of<float>(name, {long(all.size())}, all);
  };
  std::vector<StoredArray> all{flat("parameters", arrays.parameters), flat("adam.first_moment", arrays.first_moment),
                               flat("adam.second_moment", arrays.second_moment)};
  if (!arrays.best.empty()) all.push_back(flat("best", arrays.best));
  all.push_back(StoredArray::of<double>("history", {long(values.size())}, values));

  StoredText text{{"format", kFormat},
                  {"experiment", experiment.dump()},
                  {"level", level_of(environment).dump()},
                  {"state", to_json(state).dump()},
                  {"parts", encode(state.parts).dump()},
                  {"history", metric_names(state.history).dump()}};
  text["sha256"] = hash_of(text, all);
  NewFile fresh(file);
  write_safetensors(fresh, all, text);
  (void)open_verified(fresh.draft());
  fresh.commit();
}

std::string flaw_of_checkpoint(const std::filesystem::path& file) {
  std::error_code none;
  if (!std::filesystem::exists(std::filesystem::symlink_status(file, none))) return "";
  try {
    if (is_intact(StoredArrays(file))) return "";
    return fmt::format("{} is damaged: its contents do not have the hash that it names", file.string());
  } catch (const Error& error) {  // the error's sentence is the answer
    return error.what();
  }
}

bool load_checkpoint(const std::filesystem::path& file, const Json& experiment, const Environment& environment,
                     TrainState& state, const TrainArrays& arrays) {
  if (!std::filesystem::exists(file)) return false;
  Loaded loaded = load_state(file, experiment, environment, arrays.parameters.size());
  std::copy(loaded.parameters.begin(), loaded.parameters.end(), arrays.parameters.begin());
  std::copy(loaded.first_moment.begin(), loaded.first_moment.end(), arrays.first_moment.begin());
  std::copy(loaded.second_moment.begin(), loaded.second_moment.end(), arrays.second_moment.begin());
  arrays.best = std::move(loaded.best);
  state = std::move(loaded.state);
  return true;
}

}  // namespace lra
