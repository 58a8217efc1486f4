#include "tools/lra/command_line.h"

#include <CLI/CLI.hpp>

#include "harness/core/error.h"
#include "harness/core/names.h"

namespace lra {

Option Option::required() const {
  option_->required();
  return *this;
}

Option Option::shows_default() const {
  option_->capture_default_str();
  return *this;
}

Option Option::environment(const std::string& variable) const {
  option_->envname(variable);
  return *this;
}

Command Command::add_subcommand(const std::string& name, const std::string& summary) const {
  return Command(command_->add_subcommand(name, summary));
}

Command Command::require_subcommand() const {
  command_->require_subcommand(1);
  return *this;
}

Command Command::hidden() const {
  command_->group("");
  return *this;
}

Option Command::add_option(const std::string& names, std::string& variable, const std::string& help) const {
  return Option(command_->add_option(names, variable, help));
}

Option Command::add_option(const std::string& names, long& variable, const std::string& help) const {
  return Option(command_->add_option(names, variable, help));
}

Option Command::add_option(const std::string& names, std::uint64_t& variable, const std::string& help) const {
  return Option(command_->add_option(names, variable, help));
}

Option Command::add_option(const std::string& names, double& variable, const std::string& help) const {
  return Option(command_->add_option(names, variable, help));
}

Option Command::add_option(const std::string& names, std::vector<std::string>& variable,
                           const std::string& help) const {
  return Option(command_->add_option(names, variable, help));
}

Option Command::add_option(const std::string& names, std::vector<long>& variable, const std::string& help) const {
  return Option(command_->add_option(names, variable, help));
}

Option Command::add_flag(const std::string& names, bool& variable, const std::string& help) const {
  return Option(command_->add_flag(names, variable, help));
}

void Command::add_option_action(const std::string& name, std::function<void(const std::string&)> use,
                                const std::string& help) const {
  auto use_all = [use = std::move(use)](const std::vector<std::string>& values) {
    for (const std::string& value : values) use(value);
  };
  command_->add_option_function<std::vector<std::string>>(name, std::move(use_all), help)->allow_extra_args(false);
}

bool Command::given(const std::string& name) const { return command_->get_option(name)->count() > 0; }

void Command::callback(std::function<void()> action) const { command_->callback(std::move(action)); }

CommandLine::CommandLine(const std::string& name, const std::string& summary, const std::string& version)
    : app_(std::make_unique<CLI::App>(summary, name)) {
  app_->set_version_flag("--version", version);
  app_->require_subcommand(1);
}

CommandLine::~CommandLine() = default;

Command CommandLine::program() const { return Command(app_.get()); }

int CommandLine::run(int count, char** arguments) {
  if (count > 1 && arguments[1][0] != '-') {
    std::vector<std::string> known;
    bool is_known = false;
    for (const CLI::App* command : app_->get_subcommands([](const CLI::App*) { return true; })) {
      is_known = is_known || command->get_name() == arguments[1];
      if (!command->get_group().empty()) known.push_back(command->get_name());
    }
    if (!is_known) fail_usage("unknown command '{}'{}", arguments[1], suggestion(arguments[1], known));
  }
  try {
    app_->parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    return app_->exit(error) == 0 ? 0 : int(Kind::usage);
  }
  return 0;
}

}  // namespace lra
