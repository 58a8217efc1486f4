#include "tools/lra/command_line.h"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "core/json.h"
#include "core/names.h"
#include "core/text.h"

namespace lra {
namespace {

/// Rewrites "1e3" and "1000.0" as "1000", the only form that CLI11 parses; returns an error for anything but a whole
/// number.
std::string make_whole(std::string& text) {
  const auto whole = whole_number(text);
  if (!whole) return fmt::format("'{}' is not a whole number", text);
  text = std::to_string(*whole);
  return "";
}

/// Rejects negative numbers, because CLI11 would parse −1 as 2⁶⁴ − 1.
std::string make_natural(std::string& text) {
  const auto whole = whole_number(text);
  return whole && *whole < 0 ? fmt::format("'{}' is less than 0", text) : make_whole(text);
}

std::string check_number(std::string& text) {
  return Json(parse_scalar(text)).is_number() ? "" : fmt::format("'{}' is not a number", text);
}

Option with(CLI::Option* option, std::string (*change)(std::string&)) {
  return Option(option->transform(CLI::Validator(change, "")));
}

/// The innermost subcommand that was parsed.
const CLI::App& command_reached(const CLI::App& program) {
  const CLI::App* command = &program;
  for (auto inner = command->get_subcommands(); !inner.empty(); inner = command->get_subcommands())
    command = inner.back();
  return *command;
}

std::string full_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent ? full_name(*parent) + " " + command.get_name() : command.get_name();
}

std::vector<std::string> commands_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* inner : command.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
    names.push_back(inner->get_name());
  return names;
}

std::vector<std::string> options_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames())
      if (name != "help") names.push_back(name);
  return names;
}

/// The canonical spelling of an option: "--Max_Memory" becomes "max-memory".
std::string spelled(std::string name) {
  name.erase(0, name.find_first_not_of('-'));
  for (char& c : name) c = c == '_' ? '-' : char(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

}  // namespace

Option Option::required() const {
  option_->required();
  return *this;
}

Option Option::shows_default() const {
  option_->capture_default_str();
  return *this;
}

Option Option::not_empty() const {
  option_->check([](const std::string& value) { return std::string(value.empty() ? "it must not be empty" : ""); });
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
  return with(command_->add_option(names, variable, help), make_whole);
}

Option Command::add_option(const std::string& names, std::uint64_t& variable, const std::string& help) const {
  return with(command_->add_option(names, variable, help), make_natural);
}

Option Command::add_option(const std::string& names, double& variable, const std::string& help) const {
  return with(command_->add_option(names, variable, help), check_number);
}

Option Command::add_option(const std::string& names, std::vector<std::string>& variable,
                           const std::string& help) const {
  return Option(command_->add_option(names, variable, help));
}

Option Command::add_option(const std::string& names, std::vector<long>& variable, const std::string& help) const {
  return with(command_->add_option(names, variable, help), make_whole);
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

std::vector<std::string> Command::option_names() const { return options_of(*command_); }

bool Command::is_flag(const std::string& option) const {
  return command_->get_option("--" + option)->get_expected_min() == 0;
}

bool Command::given(const std::string& option) const { return command_->get_option("--" + option)->count() > 0; }

void Command::set_option(const std::string& option, const std::vector<std::string>& words) const {
  CLI::Option* target = command_->get_option("--" + option);
  try {
    for (const std::string& word : words) target->add_result(word);
    target->run_callback();
  } catch (const CLI::ParseError& error) {
    fail_usage("{}", error.what());
  }
}

void Command::callback(std::function<void()> action) const { command_->callback(std::move(action)); }

CommandLine::CommandLine(const std::string& name, const std::string& summary, const std::string& version)
    : app_(std::make_unique<CLI::App>(summary, name)) {
  app_->set_version_flag("--version", version);
  app_->require_subcommand(1);
  app_->failure_message(
      [](const CLI::App* app, const CLI::Error& error) { return shown(CLI::FailureMessage::simple(app, error)); });
}

CommandLine::~CommandLine() = default;

Command CommandLine::program() const { return Command(app_.get()); }

namespace {

/// Throws a usage error for the first word that is neither an option nor an argument.
[[noreturn]] void fail_unexpected(const CLI::App& command, const CommandLine::Explain& explain) {
  const std::vector<std::string> words = command.remaining();
  const std::string name = "'" + full_name(command) + "'", word = words.empty() ? "" : words.front();
  const std::vector<std::string> commands = commands_of(command);
  if (!commands.empty() && !word.starts_with('-'))
    fail_usage("{} has no command '{}'{}", name, word, suggestion(word, commands));
  if (!word.starts_with("--")) fail_usage("{} does not take '{}'; see '{} --help'", name, word, full_name(command));
  const std::size_t equals = word.find('=');
  const std::string option = spelled(word.substr(0, equals));
  std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
  if (equals == std::string::npos && words.size() > 1 && !words[1].starts_with("--")) value = words[1];
  const std::vector<std::string> known = options_of(command);
  const std::string written = word.substr(0, equals);
  if (std::find(known.begin(), known.end(), option) != known.end())
    fail_usage("{} has no option '{}', did you mean '--{}'?", name, written, option);
  const std::string sentence = explain ? explain(option, value, known) : "";
  if (!sentence.empty()) fail_usage("{} has no option '{}'{}", name, written, sentence);
  fail_usage("{} has no option '{}'; see '{} --help'", name, written, full_name(command));
}

std::string shown_name(const CLI::Option& option) {
  return option.get_lnames().empty() ? option.get_single_name() : "--" + option.get_lnames().front();
}

/// Throws a usage error for an option that is missing, given twice or without a value; returns if it is none of these.
void explain_values(const CLI::App& command, const CLI::ParseError& error) {
  const std::string name = full_name(command), said = error.what();
  for (const CLI::Option* option : command.get_options()) {
    const std::string own = shown_name(*option);
    const bool is_named = said.starts_with(option->get_name() + " ") || said.starts_with(option->get_name() + ":") ||
                          said.starts_with(own + ":");
    if (option->get_required() && option->count() == 0)
      fail_usage("'{0}' needs {1} ({2}), as in '{0} {3}'; see '{0} --help'", name, own, option->get_description(),
                 option->get_lnames().empty() ? own : own + " …");
    if (error.get_name() != "ArgumentMismatch" || !is_named) continue;
    if (option->count() > 1)
      fail_usage("{0} is given {1} times; use it once, such as {0} {2}", own, option->count(),
                 shell_word(option->results().back()));
    fail_usage("{0} has no value ({1}); write it as {0} VALUE", own, option->get_description());
  }
}

}  // namespace

void CommandLine::run(int count, char** arguments) {
  try {
    app_->parse(count, arguments);
  } catch (const CLI::Success& help) {
    app_->exit(help);
  } catch (const CLI::ParseError& error) {
    const CLI::App& command = command_reached(*app_);
    if (!command.remaining().empty()) fail_unexpected(command, explain_);
    const std::vector<std::string> commands = commands_of(command);
    if (!commands.empty() && command.get_subcommands().empty())
      fail_usage("'{}' needs a command: {}; see '{} --help'", full_name(command), fmt::join(commands, ", "),
                 full_name(command));
    explain_values(command, error);
    fail_usage("{}; see '{} --help'", error.what(), full_name(command));
  }
}

}  // namespace lra
