#include "core/json.h"

namespace lra {

Setting to_setting(const Json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_float()) return json.get<double>();
  // JSON's unsigned numbers reach beyond long.
  const bool huge = json.is_number_unsigned() && json.get<std::uint64_t>() > std::uint64_t(INT64_MAX);
  if (json.is_number_integer() && !huge) return json.get<std::int64_t>();
  return Unfit{json.dump()};
}

void to_json(Json& json, const Unfit& value) { json = Json::parse(value.json); }

void to_json(Json& json, const Setting& value) {
  std::visit([&json](const auto& one) { json = one; }, value);
}

void to_json(Json& json, const Settings& settings) {
  json = Json::object();
  for (const auto& [key, value] : settings) json[key] = value;
}

void from_json(const Json& json, Settings& settings) {
  settings.clear();
  if (json.is_null()) return;
  if (!json.is_object()) fail_usage("settings must be an object, not {}", json.dump());
  for (const auto& [key, value] : json.items()) settings.emplace(key, to_setting(value));
}

Settings to_settings(const Json& json, std::string_view who) {
  if (!json.is_null() && !json.is_object()) fail_usage("{}: settings must be an object, not {}", who, json.dump());
  return json;
}

}  // namespace lra
