/// The inputs that the checks of the contract share.
#pragma once

#include <algorithm>
#include <cctype>
#include <numeric>
#include <set>
#include <sstream>

#include "models/layers/blocks.h"
#include "models/testing/bridge.h"
#include "models/testing/compare.h"

namespace lra {

/// Returns whether the model accepts this combination of settings.
inline bool builds(const std::string& model, const Json& settings) {
  Parameters parameters(1, /*has_values=*/false);
  LayerDims dims;
  dims.width = 12, dims.qkv = 6, dims.heads = 3, dims.length = 20, dims.ff = 16;
  try {
    (void)make_encoder(model, settings, dims, ParameterScope(parameters, ""));
  } catch (const Error& error) {
    if (error.kind() != Kind::usage) throw;
    return false;
  }
  return true;
}

/// The settings with one Boolean flipped; if the model refuses it together with a numeric setting, that setting is 0.
inline Json flipped(const std::string& model, const Field& field) {
  Json alone = {{field.name, !std::get<bool>(field.value)}};
  if (builds(model, alone)) return alone;
  for (const Field& other : models().at(model).settings) {
    Json both = alone;
    both[other.name] = 0;
    if (other.type == "int" && builds(model, both)) return both;
  }
  return alone;  // every check will report why it cannot be built
}

/// The defaults ({}), and variants with one Boolean setting flipped each.
inline std::vector<Json> variants(const std::string& model) {
  std::vector<Json> all = {Json::object()};
  for (const Field& field : models().at(model).settings)
    if (field.type == "bool") all.push_back(flipped(model, field));
  return all;
}

/// The same, and one variant for each other value of a string setting: the words of its description that the model
/// accepts.
inline std::vector<Json> all_variants(const std::string& model) {
  std::vector<Json> all = variants(model);
  for (const Field& field : models().at(model).settings) {
    if (field.type != "string") continue;
    std::string words = field.help;
    for (char& c : words)
      if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') c = ' ';
    std::istringstream text(words);
    for (std::string word; text >> word;)
      if (Json other = {{field.name, word}}; Setting(word) != field.value && builds(model, other)) all.push_back(other);
  }
  return all;
}

/// These settings with every integer of 16 or more divided by 16, if the model accepts it, so that short sequences
/// cross blocks and windows at little cost.
inline Json shrunk(const std::string& model, Json settings) {
  for (const Field& field : models().at(model).settings) {
    if (field.type != "int" || settings.contains(field.name) || std::get<std::int64_t>(field.value) < 16) continue;
    Json smaller = settings;
    smaller[field.name] = std::get<std::int64_t>(field.value) / 16;
    if (builds(model, smaller)) settings = std::move(smaller);
  }
  return settings;
}

/// Integer settings that may be a size along the sequence: a block, a window, a number of rows.
inline std::vector<long> sizes_among(const std::string& model, const Json& settings) {
  std::vector<long> all;
  const Json resolved = models().at(model).resolve(settings);
  for (const auto& [name, value] : resolved.items())
    if (value.is_number_integer() && value >= 2 && value <= 512) all.push_back(value.get<long>());
  return all;
}

/// 1, 2, 3, 19, 20, and for each size n among the settings n − 1, n and n + 1.
inline std::vector<long> odd_lengths(const std::string& model, const Json& settings) {
  std::set<long> all = {1, 2, 3, 19, 20};
  for (const long size : sizes_among(model, settings)) all.insert({size - 1, size, size + 1});
  return {all.begin(), all.end()};
}

/// Three sequences, the first longer than twice the largest size among the settings.
inline std::vector<long> long_lengths(const std::string& model, const Json& settings) {
  long longest = 40;
  for (const long size : sizes_among(model, settings)) longest = std::max(longest, 2 * size + 3);
  return {longest, 1, 17};
}

inline MixerCase mixer_case(const std::string& model, std::vector<long> lengths, const Json& settings,
                            double dropout = 0) {
  MixerCase c;
  c.model = model, c.settings = settings, c.lengths = std::move(lengths);
  c.width = 12, c.qkv = 6, c.heads = 3, c.attention_dropout = dropout;
  c.length = std::max(20L, *std::max_element(c.lengths.begin(), c.lengths.end()));
  return c;
}

/// Random numbers for the packed tokens (T,C) of a case, rounded to float32.
inline Numbers tokens_of(const MixerCase& c, const std::string& path) {
  return rounded(random_numbers(std::size_t(std::accumulate(c.lengths.begin(), c.lengths.end(), 0L) * c.width), path));
}

/// The name of a case in a verdict.
inline std::string with(const Json& settings) { return settings.empty() ? "" : " with " + settings.dump(); }

}  // namespace lra
