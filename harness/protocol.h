/// Messages between a cell's process and its parent.
///
/// The parent writes one JSON object to the cell's stdin (CellRequest). The cell answers on descriptor 3 with one JSON
/// object per line: any number of progress messages, then one result, error, interruption or out-of-memory message.
/// Then it ends.
#pragma once

#include <optional>
#include <string>

#include "harness/train.h"
#include "results/store/record.h"

namespace lra {

/// The descriptor on which a cell answers.
inline constexpr int kAnswerDescriptor = 3;
/// The descriptor on which a cell of a matrix holds its claim, which lives as long as the process; nothing is read from
/// it. A cell of `lra bench` reads from it when to continue.
inline constexpr int kClaimDescriptor = 4;

struct CellRequest {
  Experiment experiment;
  std::string data_fingerprint;  // of the data that the parent opened
  DataPaths paths;
  CellOptions options;
  std::filesystem::path checkpoint;  // file for the cell's state; empty: none
  long parent = 0;                   // process id; a cell whose parent is gone ends
  Json bench;                        // what `lra bench` asks for, instead of an experiment: see bench_cell.h
};

struct CellMessage {
  enum class Type { progress, result, error, interrupted, bench, out_of_memory } type = Type::progress;
  Progress progress;                   // of a progress message
  TrainResult result;                  // of a result
  std::optional<StepProfile> profile;  // of a result, if the request asked for one
  std::string sentence;                // of an error
  Json bench;                          // the answer to a request of `lra bench`
  std::int64_t needed_bytes = 0;       // of out_of_memory: about what the cell needs; 0: not known
};

std::string encode(const CellRequest& request);
/// Throws a usage error when the text is not a request.
CellRequest decode_request(const std::string& text);

/// Returns one line, without its newline.
std::string encode(const CellMessage& message);
/// Throws Error (kind failed) when the line is not a message.
CellMessage decode_message(const std::string& line);

}  // namespace lra
