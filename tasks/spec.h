/// The properties of a task that a model is built for.
#pragma once

#include <string>

namespace lra {

struct TaskSpec {
  std::string name;     // "listops": names a column of a table
  std::string variant;  // "listops@quick": only results of one variant are comparable
  long vocab = 0;       // token ids are 0 … vocab − 1
  long length = 0;      // the longest sequence that can occur, in tokens
  long classes = 0;     // labels are 0 … classes − 1
  bool paired = false;  // two sequences per example, encoded apart
  long height = 0;      // for images read row by row: height · width = length; otherwise 0
  long width = 0;
  double mean = 0;  // with a deviation, models read each id as the number (id − mean) / deviation, such as the gray
  double deviation = 0;  // values of pixels; 0: ids name rows of a table of embeddings

  bool reads_numbers() const { return deviation > 0; }
};

}  // namespace lra
