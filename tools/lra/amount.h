/// Amounts as people write them: "800M", "4G", "90s", "2h".
#pragma once

#include <cstdint>
#include <string>

namespace lra {

/// A positive number, alone or with K, M or G (powers of 1024); 0 for an empty text. Throws a usage error that names
/// the option.
std::int64_t parse_bytes(const std::string& text, const std::string& option);

/// A positive number of seconds, or with s, m or h; 0 for an empty text. Throws a usage error that names the option.
double parse_seconds(const std::string& text, const std::string& option);

}  // namespace lra
