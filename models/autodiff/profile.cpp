#include "models/autodiff/profile.h"

#include <algorithm>

namespace lra::inline LRA_ENGINE {

Spent& Spent::operator+=(const Spent& other) {
  calls += other.calls, seconds += other.seconds, flops += other.flops, bytes += other.bytes;
  return *this;
}

void Profile::start() {
  before_ = Context::current().work;
  since_ = std::chrono::steady_clock::now();
}

void Profile::count(Spent& spent) {
  const Work& now = Context::current().work;
  spent.calls += 1;
  spent.flops += now.flops - before_.flops;
  spent.bytes += now.bytes - before_.bytes;
  start();  // so that the profile's own work is not counted
}

void Profile::forward(const char* op) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - since_).count();
  const auto [place, is_new] = places_.try_emplace({layer_, op}, rows_.size());
  if (is_new) rows_.push_back({layer_, op, {}, {}});
  latest_ = place->second;
  rows_[latest_].forward.seconds += seconds;
  count(rows_[latest_].forward);
}

void Profile::backward(std::size_t row) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - since_).count();
  rows_[row].backward.seconds += seconds;
  count(rows_[row].backward);
}

void add_rows(const std::vector<ProfileRow>& more, std::vector<ProfileRow>& rows) {
  for (const ProfileRow& row : more) {
    const auto same = [&row](const ProfileRow& other) { return other.layer == row.layer && other.op == row.op; };
    const auto found = std::find_if(rows.begin(), rows.end(), same);
    if (found == rows.end()) {
      rows.push_back(row);
    } else {
      found->forward += row.forward;
      found->backward += row.backward;
    }
  }
}

}  // namespace lra::inline LRA_ENGINE
