/// The words after `lra`, declared by each subcommand. CLI11 reads them; only command_line.cpp knows it, because its
/// headers take longer to compile than all of a command.
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

/// One option or argument. A handle: copies mean the same one.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}
  Option required() const;
  /// Help shows the value that the variable has now.
  Option shows_default() const;
  /// An empty value is refused.
  Option not_empty() const;
  /// Where it is not given, this variable of the environment is read.
  Option environment(const std::string& variable) const;

 private:
  CLI::Option* option_;
};

/// The program or a subcommand. A handle: copies mean the same one.
class Command {
 public:
  explicit Command(CLI::App* command) : command_(command) {}

  Command add_subcommand(const std::string& name, const std::string& summary) const;
  /// One of its subcommands must be given.
  Command require_subcommand() const;
  /// Not in the help.
  Command hidden() const;

  /// `names`: "--k", "-o,--output", or a bare name for an argument in its place. The variable is filled in when the
  /// command line is parsed, and must live until then. A list takes one value each time the option is given; as an
  /// argument it takes all that are there.
  Option add_option(const std::string& names, std::string& variable, const std::string& help) const;
  Option add_option(const std::string& names, long& variable, const std::string& help) const;
  Option add_option(const std::string& names, std::uint64_t& variable, const std::string& help) const;
  Option add_option(const std::string& names, double& variable, const std::string& help) const;
  Option add_option(const std::string& names, std::vector<std::string>& variable, const std::string& help) const;
  Option add_option(const std::string& names, std::vector<long>& variable, const std::string& help) const;
  Option add_flag(const std::string& names, bool& variable, const std::string& help) const;
  /// `use` is called with each value as it is parsed, before any command begins.
  void add_option_action(const std::string& name, std::function<void(const std::string&)> use,
                         const std::string& help) const;

  /// Names of its options without dashes, help excluded, in the order of the help.
  std::vector<std::string> option_names() const;
  /// Is it a switch, which takes no value?
  bool is_flag(const std::string& option) const;
  /// Was the option on the command line, or in its variable of the environment?
  bool given(const std::string& option) const;
  /// Fills the option's variable as these words on the command line would. Throws a usage error that names the option.
  void give(const std::string& option, const std::vector<std::string>& words) const;
  /// What the command does, once everything is parsed.
  void callback(std::function<void()> action) const;

 private:
  CLI::App* command_;
};

/// The whole program. `version` is what --version prints.
class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& summary, const std::string& version);
  ~CommandLine();
  Command program() const;
  /// What may be said, beyond that it has not, of an option that a command with these `options` does not have: how the
  /// sentence goes on, or nothing.
  using Explain = std::function<std::string(const std::string& option, const std::string& value,
                                            const std::vector<std::string>& options)>;
  void explain_unknown_options(Explain explain) { explain_ = std::move(explain); }
  /// Parses and runs the command, or prints help. Throws a usage error for a command line that cannot be parsed, naming
  /// the nearest command or option for an unknown one, and whatever the command throws.
  void run(int count, char** arguments);

 private:
  std::unique_ptr<CLI::App> app_;
  Explain explain_;
};

}  // namespace lra
