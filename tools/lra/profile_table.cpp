#include "tools/lra/profile_table.h"

#include <cstdio>

namespace lra {
namespace {

std::string rate(double flops, double seconds) {
  return flops > 0 && seconds > 0 ? fmt::format("{:.1f}", 1e-9 * flops / seconds) : "";
}

void print_row(const std::string& layer, const std::string& op, const Spent& forward, const Spent& backward,
               double steps, double total) {
  Spent both = forward;
  both += backward;
  fmt::print("{:<18} {:<22} {:>8.3f} {:>8.3f} {:>6.1f} % {:>9.2f} {:>8} {:>9.2f} {:>8.1f}\n", layer, op,
             1e3 * forward.seconds / steps, 1e3 * backward.seconds / steps, 100 * both.seconds / total,
             1e-6 * both.flops / steps, rate(both.flops, both.seconds), 1e-6 * both.bytes / steps,
             double(forward.calls) / steps);
}

void print_share(const char* name, double seconds, double steps, double total) {
  fmt::print("{:<41} {:>17.3f} {:>6.1f} %\n", name, 1e3 * seconds / steps, 100 * seconds / total);
}

}  // namespace

void print_profile(const std::string& title, const StepProfile& profile) {
  if (profile.steps == 0) return;
  const double steps = double(profile.steps);
  const TimeShares shares = shares_of(profile);
  fmt::print("\n{}: {} steps, {:.3f} ms each on {} thread{}; milliseconds per step, summed over threads\n", title,
             profile.steps, 1e3 * profile.seconds / steps, profile.threads, profile.threads == 1 ? "" : "s");
  fmt::print("{:<18} {:<22} {:>8} {:>8} {:>8} {:>9} {:>8} {:>9} {:>8}\n", "layer", "op", "forward", "backward", "share",
             "MFLOP", "GFLOP/s", "MB moved", "calls");
  Spent forward, backward;
  for (const ProfileRow& row : profile.rows) {
    if (row.layer.empty()) continue;
    print_row(row.layer, row.op, row.forward, row.backward, steps, shares.total);
    forward += row.forward, backward += row.backward;
  }
  print_row("all layers", "", forward, backward, steps, shares.total);
  print_share("not arithmetic: data", shares.data, steps, shares.total);
  print_share("not arithmetic: reduction of gradients", shares.reduction, steps, shares.total);
  print_share("not arithmetic: optimiser", shares.optimiser, steps, shares.total);
  print_share("not arithmetic: scheduling and waiting", shares.scheduling, steps, shares.total);
}

}  // namespace lra
