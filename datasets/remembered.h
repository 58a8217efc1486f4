/// A cache for what was found in files that are queried repeatedly.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

namespace lra {

/// Cached findings of one kind. Thread-safe.
template <typename Finding>
class Remembered {
 public:
  /// Return the result of `look`, which is called once for each state (size and time) of the file and each `aspect`.
  /// Exceptions of `look` are not cached.
  Finding of(const std::filesystem::path& file, const std::string& aspect, const std::function<Finding()>& look) {
    const std::lock_guard lock(mutex_);
    const State state{std::filesystem::absolute(file), aspect, std::filesystem::file_size(file),
                      std::filesystem::last_write_time(file)};
    const auto known = known_.find(state);
    return known != known_.end() ? known->second : known_.emplace(state, look()).first->second;
  }

 private:
  using State = std::tuple<std::filesystem::path, std::string, std::uintmax_t, std::filesystem::file_time_type>;
  std::mutex mutex_;
  std::map<State, Finding> known_;
};

}  // namespace lra
