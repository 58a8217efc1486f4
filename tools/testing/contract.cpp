// Checks the models of a plug-in against the contract (models/testing/contract.h): lra_contract PLUGIN.so
// PLUGIN_double.so, where the second is built from the same sources for the double engine. The target test_NAME of
// lra_add_plugin builds both and runs this. Prints each check with its verdict. Exit code 1 when a check fails, 2 when
// a library does not fit.
#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "core/error.h"
#include "core/file.h"
#include "harness/plugin.h"
#include "harness/plugin_file.h"
#include "models/testing/contract.h"

namespace lra {
namespace {

/// Loads a library built for the double engine, which registers its models, and never unloads it.
void load_double(const std::filesystem::path& file) {
  check_plugin_file(file, MappedFile(file).bytes());
  if (!dlopen(std::filesystem::absolute(file).c_str(), RTLD_NOW | RTLD_LOCAL)) fail_usage("{}", dlerror());
}

/// Whether the model passes every check.
bool keeps_contract(const std::string& model) {
  const std::vector<std::string> exact = f64::model_names();
  if (std::find(exact.begin(), exact.end(), model) == exact.end())
    fail_usage("the library for the double engine does not register the model '{}'", model);
  bool kept = true;
  for (const Check& check : contract()) {
    const Verdict verdict = examine(check.name, model);
    kept = kept && verdict.empty();
    fmt::print("{} {} {}\n", model, check.name, verdict.empty() ? "kept" : "BROKEN: it " + verdict);
    std::fflush(stdout);
  }
  return kept;
}

int run(const std::filesystem::path& plugin, const std::filesystem::path& plugin_double) {
  load_plugin(plugin);
  load_double(plugin_double);
  bool kept = true;
  for (const std::string& model : plugins().back().models) kept = keeps_contract(model) && kept;
  return kept ? 0 : 1;
}

}  // namespace
}  // namespace lra

int main(int count, char** arguments) {
  if (count != 3) {
    fmt::print(stderr, "lra_contract: two files are required: PLUGIN.so PLUGIN_double.so\n");
    return 2;
  }
  try {
    return lra::run(arguments[1], arguments[2]);
  } catch (const lra::Error& error) {
    fmt::print(stderr, "lra_contract: {}\n", error.what());
    return int(error.kind());
  }
}
