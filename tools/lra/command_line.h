/// Command-line parsing with CLI11. Only command_line.cpp includes CLI11, because its headers take longer to compile
/// than a whole subcommand.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace lra {

/// A handle to an option or argument; copies refer to the same one.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}
  Option required() const;
  /// Makes the help show the variable's current value as the default.
  Option shows_default() const;
  /// Rejects an empty value.
  Option not_empty() const;
  /// Reads this environment variable when the option is not given.
  Option environment(const std::string& variable) const;

 private:
  CLI::Option* option_;
};

/// A handle to the program or a subcommand; copies refer to the same one.
class Command {
 public:
  explicit Command(CLI::App* command) : command_(command) {}

  Command add_subcommand(const std::string& name, const std::string& summary) const;
  /// Requires one of its subcommands.
  Command require_subcommand() const;
  /// Leaves the command out of the help.
  Command hidden() const;

  /// `names` is "--k", "-o,--output", or a bare name for a positional argument. The variable is set when the command
  /// line is parsed and must live until then. A vector takes one value each time the option is given; as a positional
  /// argument it takes all remaining values.
  Option add_option(const std::string& names, std::string& variable, const std::string& help) const;
  Option add_option(const std::string& names, long& variable, const std::string& help) const;
  Option add_option(const std::string& names, std::uint64_t& variable, const std::string& help) const;
  Option add_option(const std::string& names, double& variable, const std::string& help) const;
  Option add_option(const std::string& names, std::vector<std::string>& variable, const std::string& help) const;
  Option add_option(const std::string& names, std::vector<long>& variable, const std::string& help) const;
  Option add_flag(const std::string& names, bool& variable, const std::string& help) const;
  /// Calls `use` with each value as it is parsed, before any command runs.
  void add_option_action(const std::string& name, std::function<void(const std::string&)> use,
                         const std::string& help) const;

  /// The names of its options without dashes, except help, in the order of the help.
  std::vector<std::string> option_names() const;
  /// Whether the option is a flag, which takes no value.
  bool is_flag(const std::string& option) const;
  /// Whether the option was given on the command line or in its environment variable.
  bool given(const std::string& option) const;
  /// Sets the option's variable as these words on the command line would. Throws a usage error that names the option.
  void set_option(const std::string& option, const std::vector<std::string>& words) const;
  /// Sets what the command does after parsing.
  void callback(std::function<void()> action) const;

 private:
  CLI::App* command_;
};

/// The command line of the whole program. --version prints `version`.
class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& summary, const std::string& version);
  ~CommandLine();
  Command program() const;
  /// Returns the rest of the error sentence "… has no option …" for an option that a command with these `options`
  /// lacks, or an empty string.
  using Explain = std::function<std::string(const std::string& option, const std::string& value,
                                            const std::vector<std::string>& options)>;
  void explain_unknown_options(Explain explain) { explain_ = std::move(explain); }
  /// Parses the arguments and runs the command, or prints help. Throws a usage error when the command line cannot be
  /// parsed, with the nearest name for an unknown command or option, and whatever the command throws.
  void run(int count, char** arguments);

 private:
  std::unique_ptr<CLI::App> app_;
  Explain explain_;
};

}  // namespace lra
