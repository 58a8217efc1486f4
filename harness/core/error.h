/// The one error type. Thrown where the outside meets the inside (files, JSON, command line, shapes at an op's door),
/// caught once, in main, which prints the sentence and exits with the code of its kind.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace lra {

/// What went wrong, as the exit code the program ends with.
enum class Kind { failed = 1, usage = 2, data = 3 };

class Error : public std::runtime_error {
 public:
  Error(Kind kind, const std::string& sentence) : std::runtime_error(sentence), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

/// Something could not be done although the request was sound. Exit code 1.
template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> sentence, Args&&... args) {
  throw Error(Kind::failed, fmt::format(sentence, std::forward<Args>(args)...));
}

/// The request itself is wrong: an unknown name, a setting out of range. Exit code 2.
template <typename... Args>
[[noreturn]] void fail_usage(fmt::format_string<Args...> sentence, Args&&... args) {
  throw Error(Kind::usage, fmt::format(sentence, std::forward<Args>(args)...));
}

/// Data is missing or corrupt. Name the file and the line, and what to do. Exit code 3.
template <typename... Args>
[[noreturn]] void fail_data(fmt::format_string<Args...> sentence, Args&&... args) {
  throw Error(Kind::data, fmt::format(sentence, std::forward<Args>(args)...));
}

}  // namespace lra
