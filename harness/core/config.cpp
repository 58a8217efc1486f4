#include "harness/core/config.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "harness/core/names.h"

namespace lra {
namespace {

template <typename T>
constexpr const char* type_name() {
  if constexpr (std::is_same_v<T, bool>)
    return "bool";
  else if constexpr (std::is_integral_v<T>)
    return "int";
  else if constexpr (std::is_floating_point_v<T>)
    return "float";
  else
    return "string";
}

template <typename T>
bool fits(const Json& value) {
  if constexpr (std::is_same_v<T, bool>)
    return value.is_boolean();
  else if constexpr (std::is_integral_v<T>)
    return value.is_number_integer();
  else if constexpr (std::is_floating_point_v<T>)
    return value.is_number();
  else
    return value.is_string();
}

template <typename T>
void assign(T& field, const Json& value, std::string_view who, std::string_view name) {
  if (!fits<T>(value))
    fail_usage("{}: setting '{}' must be of type {}, not {}", who, name, type_name<T>(), value.dump());
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    // JSON's unsigned numbers reach beyond long.
    const bool huge =
        value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t(std::numeric_limits<T>::max());
    if (huge || value.get<std::int64_t>() < std::int64_t(std::numeric_limits<T>::min()))
      fail_usage("{}: setting '{}' = {} is out of range", who, name, value.dump());
  }
  field = value.get<T>();
}

}  // namespace

std::vector<Field> describe_fields(const std::vector<FieldPlace>& places) {
  std::vector<Field> all;
  for (const FieldPlace& place : places)
    std::visit(
        [&](auto* field) {
          all.push_back({place.name, type_name<std::remove_pointer_t<decltype(field)>>(), place.help, Json(*field)});
        },
        place.value);
  return all;
}

Json write_fields(const std::vector<FieldPlace>& places) {
  Json out = Json::object();
  for (const FieldPlace& place : places) std::visit([&](auto* field) { out[place.name] = *field; }, place.value);
  return out;
}

void read_fields(const Json& settings, std::string_view who, const std::vector<FieldPlace>& places) {
  if (settings.is_null()) return;
  if (!settings.is_object()) fail_usage("{}: settings must be an object, not {}", who, settings.dump());
  std::vector<std::string> known;
  for (const FieldPlace& place : places) {
    known.emplace_back(place.name);
    if (const auto found = settings.find(place.name); found != settings.end())
      std::visit([&](auto* field) { assign(*field, *found, who, place.name); }, place.value);
  }
  for (const auto& [key, value] : settings.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      fail_usage("{}: unknown setting '{}'{}", who, key, suggestion(key, known));
}

Json parse_scalar(const std::string& text) {
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return value.is_primitive() && !value.is_discarded() ? value : Json(text);
}

}  // namespace lra
