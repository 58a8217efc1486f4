/// Labelled token sequences, whatever file or generator they came from. Knows no tensors and no models.
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

/// Bounds on a split, exact: what can be known of its examples without reading them.
struct Extent {
  std::int64_t shortest = 0, longest = 0;                // tokens of a first sequence
  std::int64_t second_shortest = 0, second_longest = 0;  // of a second; 0 where there is none
  std::int64_t largest_token = 0, largest_label = 0;

  /// The extent of these examples and `example`; the first one of a split sets the lower bounds.
  void include(const Example& example, bool first_one);
};

/// What was found in data when they were prepared, in sentences without a full stop.
struct Findings {
  std::vector<std::string> remarks;   // for whoever prepares them: what there is, and how it was read
  std::vector<std::string> cautions;  // for whoever reads results on them too: examples that splits share
};

/// Three splits of examples. Immutable; safe to read from many threads.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual long size(Split split) const = 0;
  /// Requires 0 ≤ index < size(split). Throws a data error when the prepared file turns out to be damaged.
  virtual Example at(Split split, long index) const = 0;
  virtual Extent extent(Split split) const = 0;
  /// SHA-256 (64 hex digits) over every token and label of every split in order: equal data, equal fingerprint.
  virtual const std::string& fingerprint() const = 0;
  virtual Findings findings() const { return {}; }
};

}  // namespace lra
