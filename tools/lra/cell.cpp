#include "harness/cell.h"

#include <iostream>
#include <iterator>

#include "tools/lra/command.h"

namespace lra {

void add_cell(const Command& program, int& exit_code) {
  Command command = program.add_subcommand(
      "cell", "Run one cell of a matrix: reads its request from stdin, writes messages to descriptor 3");
  command.hidden();  // not in --help
  add_plugin_option(command);
  command.callback([&exit_code] {
    watch_signals(/*second_ends=*/false);
    const std::string request(std::istreambuf_iterator<char>(std::cin), {});
    exit_code = run_cell(request, interrupted);
  });
}

}  // namespace lra
