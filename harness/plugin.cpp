#include "harness/plugin.h"

#include <dlfcn.h>

#include <utility>

#include "core/digest.h"
#include "core/error.h"
#include "core/file.h"
#include "core/text.h"
#include "harness/plugin_file.h"
#include "harness/revision.h"
#include "models/layers/mixer.h"

namespace lra {
namespace {

std::vector<Plugin>& loaded() {
  static std::vector<Plugin> all;
  return all;
}

}  // namespace

const std::vector<Plugin>& plugins() { return loaded(); }

void load_plugin(const std::filesystem::path& file) {
  std::error_code error;
  Plugin plugin;
  plugin.file = std::filesystem::canonical(file, error);
  // Cells get this path too. It always has a folder, because the loader searches elsewhere for a bare file name.
  plugin.file = utf8_path(plugin.file, std::filesystem::path(".") / file);
  if (error || !is_file(plugin.file)) fail_usage("--plugin: there is no file {}", file.string());
  for (const Plugin& other : loaded())
    if (other.file == plugin.file) return;

  const MappedFile content(plugin.file);
  check_plugin_file(file, content.bytes());
  Digest digest;
  digest.add(content.bytes());
  plugin.revision = fmt::format("{}.{}", kEngineRevision, digest.hex().substr(0, 16));

  // Models go into a separate registry first: exceptions cannot pass through the loader, so a name conflict must not
  // occur while it runs.
  Registry<ModelEntry> fresh = std::exchange(models(), Registry<ModelEntry>("model"));
  const bool is_loaded = dlopen(plugin.file.c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr;
  std::swap(fresh, models());
  if (!is_loaded) fail_usage("--plugin: {}", dlerror());
  plugin.models = fresh.names();
  if (plugin.models.empty()) fail_usage("--plugin: {} registers no model", file.string());
  for (const std::string& model : plugin.models) {
    if (models().contains(model))
      fail_usage("--plugin: {} registers the model '{}', and there is one of that name", file.string(), model);
    models().add(model, fresh.at(model));
  }
  loaded().push_back(std::move(plugin));
}

}  // namespace lra
