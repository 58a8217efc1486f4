#include "harness/protocol.h"

#include "harness/experiment.h"

namespace lra {
namespace {

/// JSON has no NaN; the loss of a progress message that is not a number travels as null.
double number(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

/// A figure that is not finite is no result.
double figure(const Json& json, const std::string& name) {
  if (json.is_null()) fail("the cell's result has a {} that is not finite", name);
  return json.get<double>();
}

/// Calls f(name, member) for every plain field of a result; the lists are treated apart.
void each_result_field(auto& run, auto&& f) {
  f("parameters", run.parameters);
  f("parameter_digest", run.parameter_digest);
  f("test_correct", run.test_correct);
  f("test_examples", run.test_examples);
  f("test_loss", run.test_loss);
  f("train_seconds", run.train_seconds);
  f("data_seconds", run.data_seconds);
  f("examples_per_second", run.examples_per_second);
  f("gflops", run.gflops);
  f("gemm_peak_gflops", run.gemm_peak_gflops);
  f("peak_bytes", run.peak_bytes);
  f("activation_bytes", run.activation_bytes);
  f("rss_bytes", run.rss_bytes);
}

/// What a result says of the processes that it comes from.
void each_condition(auto& run, auto&& f) {
  f("seconds", run.seconds);
  f("shared", run.shared);
  f("parts", run.parts);
  f("timing_flaw", run.timing_flaw);
}

void each_progress_field(auto& progress, auto&& f) {
  f("step", progress.step);
  f("steps", progress.steps);
  f("loss", progress.loss);
  f("accuracy", progress.accuracy);
  f("valid_accuracy", progress.valid_accuracy);
  f("examples_per_second", progress.examples_per_second);
  f("data_share", progress.data_share);
  f("peak_bytes", progress.peak_bytes);
  f("phase", progress.phase);
}

auto into(Json& json) {
  return [&json](const char* name, const auto& field) { json[name] = field; };
}

auto from(const Json& json) {
  return [&json](const char* name, auto& field) {
    if constexpr (std::is_same_v<std::decay_t<decltype(field)>, double>)
      field = number(json.at(name));
    else
      json.at(name).get_to(field);
  };
}

/// As from(), but every number must be one.
auto figures_from(const Json& json) {
  return [&json](const char* name, auto& field) {
    if constexpr (std::is_same_v<std::decay_t<decltype(field)>, double>)
      field = figure(json.at(name), name);
    else
      json.at(name).get_to(field);
  };
}

Json encode_run(const Run& run) {
  Json json;
  each_result_field(run, into(json));
  each_condition(run, into(json["conditions"]));
  Json history = Json::array();
  for (const Metric& metric : run.history) history.push_back({metric.step, metric.split, metric.name, metric.value});
  json["history"] = history;
  std::string hits;
  for (const std::uint8_t hit : run.test_hits) hits += hit ? '1' : '0';
  json["test_hits"] = hits;
  return json;
}

Run decode_run(const Json& json) {
  Run run;
  each_result_field(run, figures_from(json));
  if (json.contains("conditions")) each_condition(run, figures_from(json.at("conditions")));
  for (const Json& entry : json.at("history")) {
    const auto split = entry.at(1).get<std::string>(), name = entry.at(2).get<std::string>();
    run.history.push_back({entry.at(0).get<long>(), split, name, figure(entry.at(3), split + " " + name)});
  }
  for (const char hit : json.at("test_hits").get<std::string>()) run.test_hits.push_back(hit == '1');
  return run;
}

}  // namespace

std::string encode(const CellRequest& request) {
  if (!request.bench.is_null()) return Json{{"bench", request.bench}, {"parent", request.parent}}.dump();
  const Json json{{"experiment", encode(request.experiment)},
                  {"data_fingerprint", request.data_fingerprint},
                  {"root", request.paths.root.string()},
                  {"cache", request.paths.cache.string()},
                  {"threads", request.threads},
                  {"check_finite", request.check_finite},
                  {"profile", request.profile},
                  {"shared", request.shared},
                  {"checkpoint", request.checkpoint.string()},
                  {"checkpoint_seconds", request.checkpoint_seconds},
                  {"max_memory", request.max_memory},
                  {"parent", request.parent}};
  return json.dump();
}

CellRequest decode_request(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    CellRequest request;
    json.at("parent").get_to(request.parent);
    if (json.contains("bench")) {
      request.bench = json.at("bench");
      return request;
    }
    request.experiment = decode_experiment(json.at("experiment"));
    json.at("data_fingerprint").get_to(request.data_fingerprint);
    request.paths.root = json.at("root").get<std::string>();
    request.paths.cache = json.at("cache").get<std::string>();
    json.at("threads").get_to(request.threads);
    json.at("check_finite").get_to(request.check_finite);
    json.at("profile").get_to(request.profile);
    json.at("shared").get_to(request.shared);
    request.checkpoint = json.at("checkpoint").get<std::string>();
    json.at("checkpoint_seconds").get_to(request.checkpoint_seconds);
    json.at("max_memory").get_to(request.max_memory);
    return request;
  } catch (const Json::exception& error) {
    fail_usage("'lra cell' is started by 'lra run' or 'lra bench' and reads its request on stdin: {}", error.what());
  }
}

std::string encode(const CellMessage& message) {
  switch (message.type) {
    case CellMessage::Type::progress: {
      Json json;
      each_progress_field(message.progress, into(json));
      return Json{{"progress", json}}.dump();
    }
    case CellMessage::Type::result: {
      Json json{{"result", encode_run(message.run)}};
      if (message.profile) json["profile"] = encode(*message.profile);
      return json.dump();
    }
    case CellMessage::Type::error:
      return Json{{"error", message.sentence}}.dump(-1, ' ', false, Json::error_handler_t::replace);
    case CellMessage::Type::interrupted:
      return Json{{"interrupted", true}}.dump();
    case CellMessage::Type::bench:
      return Json{{"bench", message.bench}}.dump();
    case CellMessage::Type::out_of_memory:
      return Json{{"out_of_memory", message.needed_bytes}}.dump();
  }
  return {};
}

CellMessage decode_message(const std::string& line) {
  try {
    const Json json = Json::parse(line);
    CellMessage message;
    if (json.contains("progress")) {
      each_progress_field(message.progress, from(json.at("progress")));
    } else if (json.contains("result")) {
      message.type = CellMessage::Type::result;
      message.run = decode_run(json.at("result"));
      if (json.contains("profile")) message.profile = decode_profile(json.at("profile"));
    } else if (json.contains("error")) {
      message.type = CellMessage::Type::error;
      json.at("error").get_to(message.sentence);
    } else if (json.contains("bench")) {
      message.type = CellMessage::Type::bench;
      message.bench = json.at("bench");
    } else if (json.contains("out_of_memory")) {
      message.type = CellMessage::Type::out_of_memory;
      json.at("out_of_memory").get_to(message.needed_bytes);
    } else {
      message.type = CellMessage::Type::interrupted;
      (void)json.at("interrupted");
    }
    return message;
  } catch (const Json::exception&) {
    fail("the cell's process sent something that is not a message: '{}'", line.substr(0, 60));
  }
}

}  // namespace lra
