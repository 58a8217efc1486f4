#include "harness/protocol.h"

#include "harness/experiment.h"

namespace lra {
namespace {

/// JSON has no NaN: a progress message transports a loss that is not a number as null.
double number(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

/// Reads a figure of a result. Throws if it is not finite.
double figure(const Json& json, const std::string& name) {
  if (json.is_null()) fail("the cell's result has a {} that is not finite", name);
  return json.get<double>();
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

/// Like from(), but throws if a number is not finite.
auto figures_from(const Json& json) {
  return [&json](const char* name, auto& field) {
    if constexpr (std::is_same_v<std::decay_t<decltype(field)>, double>)
      field = figure(json.at(name), name);
    else
      json.at(name).get_to(field);
  };
}

Json encode_result(const TrainResult& result) {
  Json json;
  TrainResult::fields(result, into(json));
  Json history = Json::array();
  for (const Metric& metric : result.history) history.push_back({metric.step, metric.split, metric.name, metric.value});
  json["history"] = history;
  std::string correctness;
  for (const std::uint8_t hit : result.test_correctness) correctness += hit ? '1' : '0';
  json["test_hits"] = correctness;
  return json;
}

TrainResult decode_result(const Json& json) {
  TrainResult result;
  TrainResult::fields(result, figures_from(json));
  for (const Json& entry : json.at("history")) {
    const auto split = entry.at(1).get<std::string>(), name = entry.at(2).get<std::string>();
    result.history.push_back(
        {entry.at(0).get<long>(), split, name, figure(entry.at(3), fmt::format("{} {}", split, name))});
  }
  for (const char hit : json.at("test_hits").get<std::string>()) result.test_correctness.push_back(hit == '1');
  return result;
}

}  // namespace

std::string encode(const CellRequest& request) {
  if (!request.bench.is_null()) return Json{{"bench", request.bench}, {"parent", request.parent}}.dump();
  Json json{{"experiment", encode(request.experiment)},  {"data_fingerprint", request.data_fingerprint},
            {"root", request.paths.root.string()},       {"cache", request.paths.cache.string()},
            {"checkpoint", request.checkpoint.string()}, {"parent", request.parent}};
  CellOptions::fields(request.options, into(json["options"]));
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
    request.checkpoint = json.at("checkpoint").get<std::string>();
    CellOptions::fields(request.options, from(json.at("options")));
    return request;
  } catch (const Json::exception& error) {
    fail_usage("'lra cell' is started by 'lra run' or 'lra bench' and reads its request on stdin: {}", error.what());
  }
}

std::string encode(const CellMessage& message) {
  switch (message.type) {
    case CellMessage::Type::progress: {
      Json json;
      Progress::fields(message.progress, into(json));
      return Json{{"progress", json}}.dump();
    }
    case CellMessage::Type::result: {
      Json json{{"result", encode_result(message.result)}};
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
      Progress::fields(message.progress, from(json.at("progress")));
    } else if (json.contains("result")) {
      message.type = CellMessage::Type::result;
      message.result = decode_result(json.at("result"));
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
