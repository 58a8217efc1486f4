/// Labelled token sequences from any file or generator, independent of tensors and models.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lra {

enum class Split { train, valid, test };
const char* name_of(Split split);  // "train", "valid", "test"

/// One labelled sequence, or two for paired tasks (then `second` is not empty). Borrows from its Dataset.
struct Example {
  std::span<const std::uint16_t> tokens;
  std::span<const std::uint16_t> second;
  int label = 0;
};

/// Exact bounds on the examples of a split, known without reading them.
struct Extent {
  std::int64_t shortest = 0, longest = 0;                // tokens of a first sequence
  std::int64_t second_shortest = 0, second_longest = 0;  // of a second; 0 where there is none
  std::int64_t largest_token = 0, largest_label = 0;

  /// Extend the bounds to include `example`; the first example of a split sets the lower bounds.
  void include(const Example& example, bool first_one);
};

/// The findings in data during their preparation, as sentences without a full stop.
struct Findings {
  std::vector<std::string> remarks;   // shown on preparation: the content, and how it was read
  std::vector<std::string> cautions;  // also shown with results: examples that splits share
};

/// Three splits of examples. Immutable; safe to read from many threads.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual long size(Split split) const = 0;
  /// Return an example. Requires 0 ≤ index < size(split). Throws a data error when the prepared file is damaged.
  virtual Example at(Split split, long index) const = 0;
  virtual Extent extent(Split split) const = 0;
  /// Return the SHA-256 (64 hex digits) over every token and label of every split in order, which is equal for equal
  /// data.
  virtual const std::string& fingerprint() const = 0;
  virtual Findings findings() const { return {}; }
};

}  // namespace lra
