#include "harness/plugin.h"
#include "tools/lra/command.h"

namespace lra {

void add_plugin_option(const Command& command) {
  command.add_option_action("--plugin", load_plugin, "shared library with models; may be repeated");
}

}  // namespace lra
