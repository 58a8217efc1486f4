/// Examples for the eye.
#pragma once

#include <string>

#include "datasets/dataset.h"
#include "tasks/task.h"

namespace lra {

/// The name of a label, or its number where labels have no names.
std::string label_text(const TaskPlan& plan, int label);

/// The example as text: pictures in shades of ten characters, ListOps as a tree with the value of each node, bytes as
/// they are, anything else as token ids. A line `label: …` comes first; of a pair both sequences are shown.
std::string render_text(const TaskPlan& plan, const Example& example);

/// A picture as PNG, every pixel `scale` by `scale`; 0: enlarged to about 256 pixels a side. Throws a usage error for a
/// task that is not one of pictures.
std::string render_png(const TaskSpec& spec, const Example& example, long scale = 0);

}  // namespace lra
