#include "tasks/render.h"

#include <algorithm>

#include "datasets/png.h"
#include "tasks/definition.h"

namespace lra {

std::string render_ids(const TaskSpec&, std::span<const std::uint16_t> tokens) {
  return fmt::format("{}\n", fmt::join(tokens, " "));
}

std::string render_bytes(const TaskSpec&, std::span<const std::uint16_t> tokens) {
  std::string text;
  for (const std::uint16_t token : tokens)
    if (token > 0) text += char(token - 1);
  return text + "\n";
}

std::string render_shades(const TaskSpec& spec, std::span<const std::uint16_t> tokens) {
  constexpr std::string_view kShades = " .:-=+*#%@";
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    text += kShades[std::min<std::size_t>(tokens[i] * kShades.size() / 256, kShades.size() - 1)];
    if ((i + 1) % std::size_t(spec.width) == 0) text += '\n';
  }
  return text;
}

std::string label_text(const TaskPlan& plan, int label) {
  const auto number = std::size_t(label);
  return number < plan.classes.size() ? plan.classes[number] : std::to_string(label);
}

std::string render_text(const TaskPlan& plan, const Example& example) {
  // User texts are rendered like those of the task Text.
  const auto own = task_definitions().at(is_own_task(plan.task) ? "text" : plan.task).render;
  const auto render = own ? own : render_ids;
  std::string text = fmt::format("label: {}\n", label_text(plan, example.label));
  if (example.second.empty()) return text + render(plan.spec, example.tokens);
  text += "first:\n" + render(plan.spec, example.tokens);
  return text + "second:\n" + render(plan.spec, example.second);
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
