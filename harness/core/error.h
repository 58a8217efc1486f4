/// The one error type. It is thrown where input is checked (files, JSON, the command line, the shapes of an op's
/// arguments) and caught once, in main, which prints the message and exits with the code of its kind.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace lra {

/// The kind of an error; its value is the program's exit code.
enum class Kind { failed = 1, usage = 2, data = 3 };

class Error : public std::runtime_error {
 public:
  Error(Kind kind, const std::string& sentence) : std::runtime_error(sentence), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

/// Throw an error for a valid request that could not be carried out. Exit code 1.
template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> sentence, Args&&... args) {
  throw Error(Kind::failed, fmt::format(sentence, std::forward<Args>(args)...));
}

/// Throw an error for a wrong request: an unknown name, a setting out of range. Exit code 2.
template <typename... Args>
[[noreturn]] void fail_usage(fmt::format_string<Args...> sentence, Args&&... args) {
  throw Error(Kind::usage, fmt::format(sentence, std::forward<Args>(args)...));
}

/// Throw an error for missing or corrupt data. The message names the file, the line and the remedy. Exit code 3.
template <typename... Args>
[[noreturn]] void fail_data(fmt::format_string<Args...> sentence, Args&&... args) {
  throw Error(Kind::data, fmt::format(sentence, std::forward<Args>(args)...));
}

}  // namespace lra
