#include "harness/profile.h"

#include <algorithm>

#include "harness/step.h"

namespace lra {
namespace {

Json encode_spent(const Spent& spent) {
  return {{"calls", spent.calls}, {"seconds", spent.seconds}, {"flops", spent.flops}, {"bytes", spent.bytes}};
}

Spent decode_spent(const Json& json) {
  return {json.at("calls").get<long>(), json.at("seconds").get<double>(), json.at("flops").get<double>(),
          json.at("bytes").get<double>()};
}

}  // namespace

void StepProfile::add(const StepResult& step) {
  if (step.paused_seconds > 0) return;
  ++steps;
  seconds += step.seconds;
  data_seconds += step.data_seconds;
  optimiser_seconds += step.update_seconds;
  add_rows(step.profile, rows);
}

TimeShares shares_of(const StepProfile& profile) {
  TimeShares shares;
  const double threads = double(profile.threads);
  shares.total = threads * profile.seconds;
  shares.data = threads * profile.data_seconds;
  shares.optimiser = threads * profile.optimiser_seconds;
  for (const ProfileRow& row : profile.rows)
    (row.layer.empty() ? shares.reduction : shares.model) += row.forward.seconds + row.backward.seconds;
  shares.scheduling = std::max(0.0, shares.total - shares.model - shares.data - shares.reduction - shares.optimiser);
  return shares;
}

Json encode(const StepProfile& profile) {
  Json ops = Json::array();
  for (const ProfileRow& row : profile.rows)
    ops.push_back({{"layer", row.layer},
                   {"op", row.op},
                   {"forward", encode_spent(row.forward)},
                   {"backward", encode_spent(row.backward)}});
  const TimeShares shares = shares_of(profile);
  return {{"steps", profile.steps},
          {"threads", profile.threads},
          {"seconds", profile.seconds},
          {"data_seconds", profile.data_seconds},
          {"optimiser_seconds", profile.optimiser_seconds},
          {"not_arithmetic",
           {{"data", shares.data},
            {"reduction", shares.reduction},
            {"optimiser", shares.optimiser},
            {"scheduling", shares.scheduling}}},
          {"ops", ops}};
}

StepProfile decode_profile(const Json& json) {
  StepProfile profile;
  json.at("steps").get_to(profile.steps);
  json.at("threads").get_to(profile.threads);
  json.at("seconds").get_to(profile.seconds);
  json.at("data_seconds").get_to(profile.data_seconds);
  json.at("optimiser_seconds").get_to(profile.optimiser_seconds);
  for (const Json& row : json.at("ops"))
    profile.rows.push_back({row.at("layer").get<std::string>(), row.at("op").get<std::string>(),
                            decode_spent(row.at("forward")), decode_spent(row.at("backward"))});
  return profile;
}

}  // namespace lra
