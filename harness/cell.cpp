#include "harness/cell.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>

#include "core/machine.h"
#include "harness/bench_cell.h"
#include "harness/environment.h"
#include "harness/estimate.h"
#include "harness/experiment.h"
#include "harness/limited_memory.h"
#include "harness/measure.h"
#include "harness/protocol.h"
#include "harness/reach.h"

namespace lra {
namespace {

constexpr int kInterrupted = 130;
constexpr std::chrono::seconds kSteady{2};  // the machine's peak is not measured again within this time

void send(std::string_view line) {
  while (!line.empty()) {
    const ssize_t count = write(kAnswerDescriptor, line.data(), line.size());
    if (count > 0)
      line.remove_prefix(std::size_t(count));
    else if (errno != EINTR)
      fail("the process that started this cell no longer listens");
  }
}

void answer(const CellMessage& message) { send(encode(message) + "\n"); }

/// Kills this process when its parent dies: a cell must not outlive the run that would store its result.
void end_with_parent(long parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != pid_t(parent)) fail("the process that started this cell is gone");
}

void answer_interrupted() {
  CellMessage message;
  message.type = CellMessage::Type::interrupted;
  answer(message);
}

/// Returns the tokens of the longest example and the parts of the model that the cell's settings hide.
std::string reach_caveat(const Experiment& experiment, const Dataset& data) {
  const Extent extent = data.extent(Split::train);
  return reach_caveat(experiment, long(std::max(extent.longest, extent.second_longest)));
}

/// Trains the cell and returns its result.
CellMessage train_cell(const CellRequest& request, const std::atomic<bool>& stop) {
  // Refuse a model that does not fit before building it: filling the memory takes minutes.
  if (bytes_of_parameters(request.experiment, request.options.threads) > available_bytes(request.options.max_memory))
    throw std::bad_alloc();
  const auto data = open_data(request.experiment.plan, request.paths);
  if (data->fingerprint() != request.data_fingerprint)
    fail_data("the data of {} changed while it was being used; run again", request.experiment.plan.spec.variant);
  Execution execution;
  static_cast<CellOptions&>(execution) = request.options;
  execution.environment = capture_environment();
  execution.stop = &stop;
  execution.checkpoints = {request.checkpoint, canonical(request.experiment, request.data_fingerprint)};
  execution.leave = [] {
    answer_interrupted();
    _exit(kInterrupted);
  };
  CellMessage result;
  result.type = CellMessage::Type::result;
  execution.profiled = [&result](const StepProfile& profile) { result.profile = profile; };
  // Before training, so that too little memory loses nothing trained.
  const std::string hidden = reach_caveat(request.experiment, *data);
  WorkerPool workers(request.options.threads);
  const double peak_before = gemm_peak_gflops(workers);
  const auto start = std::chrono::steady_clock::now();
  result.result = train(request.experiment, *data, execution, [](const Progress& progress) {
    CellMessage message;
    message.progress = progress;
    answer(message);
  });
  // The peak hardly changes within kSteady, and a second measurement would take longer than training a short cell.
  const bool measures_again = std::chrono::steady_clock::now() - start > kSteady;
  result.result.gemm_peak_gflops = measures_again ? 0.5 * (peak_before + gemm_peak_gflops(workers)) : peak_before;
  std::string& caveat = result.result.reason;
  caveat = hidden + (hidden.empty() || caveat.empty() ? "" : "; ") + caveat;
  return result;
}

/// Answers `lra bench`. Waits until the parent says to continue, by one byte on the descriptor on which a cell of a
/// matrix holds its claim.
void bench_cell(const CellRequest& request) {
  const auto answer_it = [](const Json& json) {
    CellMessage message;
    message.type = CellMessage::Type::bench;
    message.bench = json;
    answer(message);
  };
  const auto wait = [] {
    char byte;
    ssize_t count;
    while ((count = read(kClaimDescriptor, &byte, 1)) < 0 && errno == EINTR) {
    }
    return count == 1;
  };
  try {
    serve_bench(request.bench, answer_it, wait);
  } catch (const std::bad_alloc&) {
    fail("{}; try a smaller --batch, shorter --lengths or fewer --threads", out_of_memory(0, 0));
  }
}

int answer_error(const std::string& sentence, Kind kind) {
  CellMessage message;
  message.type = CellMessage::Type::error;
  message.sentence = sentence;
  answer(message);
  return int(kind);
}

/// The lowest memory limit of this process, now or during training, and the usage that counts towards it before
/// training.
MemoryLimit lowest_limit(const CellRequest& request) {
  constexpr std::int64_t kAddressesOfThread = 128 << 20;  // address space that malloc reserves
  const auto own = memory_limit();
  const std::int64_t asked =
      request.options.max_memory > 0 ? request.options.max_memory : std::numeric_limits<std::int64_t>::max();
  if (!own || asked < own->bytes) return {asked, process_bytes("VmData"), "", false};
  return {own->bytes, own->used + (own->name == kAddressLimit ? kAddressesOfThread * request.options.threads : 0), "",
          false};
}

/// Reports that memory ran out and, if enough memory is left to compute it, how much the cell needs.
int answer_out_of_memory(const CellRequest& request, const MemoryLimit& limit) {
  try {
    const LimitedMemory limited(limit_within_machine());
    CellMessage message;
    message.type = CellMessage::Type::out_of_memory;
    message.needed_bytes = limit.used + needed_bytes(request.experiment, request.options.threads,
                                                     std::min(limit.bytes, available_bytes(0)));
    answer(message);
  } catch (const std::exception&) {
    send("{\"out_of_memory\":0}\n");
  }
  return int(Kind::failed);
}

}  // namespace

int run_cell(const std::string& request_text, const std::atomic<bool>& stop) {
  const CellRequest request = decode_request(request_text);
  const MemoryLimit limit = lowest_limit(request);
  // Every error has to reach the parent process as a sentence.
  try {
    end_with_parent(request.parent);
    if (!request.bench.is_null()) return bench_cell(request), 0;
    {
      const LimitedMemory limited(request.options.max_memory);
      // No cell fits into less, and without any memory the destructors of JSON values would end the process.
      constexpr std::size_t kLeast = std::size_t{16} << 20;
      if (!can_have(kLeast)) throw std::bad_alloc();
      answer(train_cell(request, stop));
    }
    return 0;
  } catch (const Interrupted&) {
    answer_interrupted();
    return kInterrupted;
  } catch (const Error& error) {
    return answer_error(error.what(), error.kind());
  } catch (const std::bad_alloc&) {
    return answer_out_of_memory(request, limit);
  } catch (const std::exception& error) {
    return answer_error(error.what(), Kind::failed);
  }
}

}  // namespace lra
