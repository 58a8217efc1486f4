/// What the parent and the process of a cell say to each other.
///
/// The parent writes one JSON object to the cell's stdin (CellRequest). The cell answers on descriptor 3 with one JSON
/// object a line: any number of progress messages, then one result, error, interruption or word that memory ran out,
/// then it ends.
#pragma once

#include <optional>
#include <string>

#include "harness/train.h"
#include "results/store/record.h"

namespace lra {

/// The descriptor that a cell answers on.
inline constexpr int kAnswerDescriptor = 3;
/// The descriptor that a cell never uses but holds: with it the claim on the cell lives as long as the process.
inline constexpr int kClaimDescriptor = 4;

struct CellRequest {
  Experiment experiment;
  std::string data_fingerprint;  // of the data that the parent saw
  DataPaths paths;
  CellOptions options;
  std::filesystem::path checkpoint;  // where the cell keeps its state; empty: nowhere
  long parent = 0;                   // process id: a cell whose parent is gone ends
  Json bench;                        // instead of an experiment, what `lra bench` asks for: see bench_cell.h
};

struct CellMessage {
  enum class Type { progress, result, error, interrupted, bench, out_of_memory } type = Type::progress;
  Progress progress;                   // of a progress message
  TrainResult result;                  // of a result
  std::optional<StepProfile> profile;  // of a result, where the request asked for one
  std::string sentence;                // of an error
  Json bench;                          // an answer to what `lra bench` asked for
  std::int64_t needed_bytes = 0;       // where memory ran out: about what would have been enough; 0: not known
};

std::string encode(const CellRequest& request);
CellRequest decode_request(const std::string& text);

/// One line, without its end.
std::string encode(const CellMessage& message);
/// Throws Error (kind failed) when the line is not a message.
CellMessage decode_message(const std::string& line);

}  // namespace lra
