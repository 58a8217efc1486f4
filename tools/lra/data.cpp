#include "tools/lra/data.h"

#include "results/tables/text_table.h"

namespace lra {

void add_data_option(const Command& command, std::string& data) {
  command.add_option("--data", data, "folder of official data files (default: the cache folder)")
      .not_empty()
      .environment("LRA_DATA");
}

std::string counts_text(const std::array<long, 3>& examples) {
  return fmt::format("{} / {} / {}", grouped(examples[0]), grouped(examples[1]), grouped(examples[2]));
}

void add_data(const Command& program, int& exit_code) {
  Command data = program.add_subcommand("data", "List, fetch, prepare and check the data of the tasks");
  data.require_subcommand();
  for (const auto add :
       {add_data_list, add_data_generate, add_data_import, add_data_fetch, add_data_verify, add_data_show})
    add(data, exit_code);
}

}  // namespace lra
