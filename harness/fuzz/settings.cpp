/// Fuzzes the recipe, encoder and model settings of a configuration file.
#include "core/fuzz/fuzz.h"

#include "harness/experiment.h"
#include "models/layers/mixer.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lra;
  const Json asked = Json::parse(data, data + size, nullptr, /*allow_exceptions=*/false);
  if (!asked.is_object()) return 0;
  const std::string model = models().names()[size % models().names().size()];
  fuzz::survive([&] {
    const Experiment experiment =
        make_experiment("lookup", "smoke", model, 0, 0, {asked, Json{{model, asked}}, Json()});
    canonical(experiment, "f").dump();
  });
  fuzz::survive([&] { make_experiment("lookup", "smoke", model, 0, 0, {asked, Json::object(), Json()}); });
  fuzz::survive([&] {
    make_experiment("lookup", "smoke", model, 0, 0, {Json::object(), Json{{model, asked}}, Json()});
  });
  return 0;
}
