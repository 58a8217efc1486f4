/// Parses amounts of memory and time: "800M", "4 GiB", "90s", "1h30m", "2-12:00:00".
#pragma once

#include <cstdint>
#include <string>

namespace lra {

/// Parses a positive number of bytes with an optional unit K, M, G or T, a power of 1024, optionally followed by "B" or
/// "iB", in either case. Returns 0 for an empty text. Throws a usage error that names the option and gives examples.
std::int64_t parse_bytes(const std::string& text, const std::string& option);

/// Parses a positive time in seconds: a number, a sum such as "1h30m" with the units ms, s, m, h and d, or
/// hours:minutes:seconds, optionally with days ("2-12:00:00"). Returns 0 for an empty text. Throws a usage error that
/// names the option and gives examples.
double parse_seconds(const std::string& text, const std::string& option);

}  // namespace lra
