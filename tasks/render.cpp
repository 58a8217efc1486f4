#include "tasks/render.h"

#include <algorithm>

#include "datasets/listops.h"
#include "datasets/png.h"
#include "harness/core/error.h"
#include "tasks/definition.h"

namespace lra {
namespace {

constexpr long kByteVocab = 257;  // in every task over bytes id = byte + 1
constexpr std::string_view kShades = " .:-=+*#%@";

std::string shades(const TaskSpec& spec, std::span<const std::uint16_t> pixels) {
  std::string text;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    text += kShades[std::min<std::size_t>(pixels[i] * kShades.size() / 256, kShades.size() - 1)];
    if ((i + 1) % std::size_t(spec.width) == 0) text += '\n';
  }
  return text;
}

std::string bytes(std::span<const std::uint16_t> tokens) {
  std::string text;
  for (const std::uint16_t token : tokens)
    if (token > 0) text += char(token - 1);
  return text + "\n";
}

std::string ids(std::span<const std::uint16_t> tokens) {
  std::string text;
  for (const std::uint16_t token : tokens) text.append(text.empty() ? "" : " ").append(std::to_string(token));
  return text + "\n";
}

std::string sequence(const TaskSpec& spec, std::span<const std::uint16_t> tokens) {
  if (spec.height > 0) return shades(spec, tokens);
  if (task_definitions().contains(spec.name) && task_definitions().at(spec.name).expression)
    return listops::to_tree(tokens);
  return spec.vocab == kByteVocab ? bytes(tokens) : ids(tokens);
}

}  // namespace

std::string label_text(const TaskPlan& plan, int label) {
  const auto number = std::size_t(label);
  return number < plan.classes.size() ? plan.classes[number] : std::to_string(label);
}

std::string render_text(const TaskPlan& plan, const Example& example) {
  const TaskSpec& spec = plan.spec;
  std::string text = fmt::format("label: {}\n", label_text(plan, example.label));
  if (example.second.empty()) return text + sequence(spec, example.tokens);
  text += "first:\n" + sequence(spec, example.tokens);
  return text + "second:\n" + sequence(spec, example.second);
}

std::string render_png(const TaskSpec& spec, const Example& example, long scale) {
  if (spec.height == 0) fail_usage("{} has no pictures; name a .txt file instead", spec.variant);
  constexpr long kSide = 256;
  if (scale == 0) scale = std::max(1L, kSide / std::max(spec.height, spec.width));
  const long width = spec.width * scale, height = spec.height * scale;
  std::vector<std::uint8_t> pixels;
  for (long y = 0; y < height; ++y)
    for (long x = 0; x < width; ++x)
      pixels.push_back(std::uint8_t(example.tokens[std::size_t(y / scale * spec.width + x / scale)]));
  return encode_png(height, width, 1, pixels);
}

}  // namespace lra
