/// Examples for the eye.
#pragma once

#include <string>

#include "datasets/dataset.h"
#include "tasks/task.h"

namespace lra {

/// Renderers for `TaskEntry::render`: token ids between blanks; text, where id = byte + 1 and 0 is unused; a picture in
/// shades of ten characters, where id = gray value and `spec` tells the width.
std::string render_ids(const TaskSpec& spec, std::span<const std::uint16_t> tokens);
std::string render_bytes(const TaskSpec& spec, std::span<const std::uint16_t> tokens);
std::string render_shades(const TaskSpec& spec, std::span<const std::uint16_t> tokens);

/// The name of a label, or its number where labels have no names.
std::string label_text(const TaskPlan& plan, int label);

/// The example as text, in the form that its task registered. A line `label: …` comes first; of a pair both sequences
/// are shown.
std::string render_text(const TaskPlan& plan, const Example& example);

/// A picture as PNG, every pixel `scale` by `scale`; 0: enlarged to about 256 pixels a side. Throws a usage error for a
/// task that is not one of pictures.
std::string render_png(const TaskSpec& spec, const Example& example, long scale = 0);

}  // namespace lra
