/// Examples rendered as text and as pictures.
#pragma once

#include <string>

#include "datasets/dataset.h"
#include "tasks/task.h"

namespace lra {

/// Renderers for `TaskEntry::render`: token ids separated by spaces; text, where id = byte + 1 and 0 is unused; a
/// picture in ten shades of characters, where id = gray value and `spec` has the width.
std::string render_ids(const TaskSpec& spec, std::span<const std::uint16_t> tokens);
std::string render_bytes(const TaskSpec& spec, std::span<const std::uint16_t> tokens);
std::string render_shades(const TaskSpec& spec, std::span<const std::uint16_t> tokens);

/// Return the name of a label, or its number where labels have no names.
std::string label_text(const TaskPlan& plan, int label);

/// Return the example as text, in the form that its task registered: a line `label: …`, then the sequence, or both
/// sequences of a pair.
std::string render_text(const TaskPlan& plan, const Example& example);

/// Return an image as PNG, with every pixel enlarged to `scale` by `scale`, or, for 0, the whole to about 256 pixels
/// per side. Throws a usage error for a task without images.
std::string render_png(const TaskSpec& spec, const Example& example, long scale = 0);

}  // namespace lra
