/// Amounts as people write them: "800M", "4 GiB", "90s", "1h30m", "2-12:00:00".
#pragma once

#include <cstdint>
#include <string>

namespace lra {

/// A positive number of bytes, alone or with K, M, G or T, which are powers of 1024 with or without "B" or "iB", in
/// either case; 0 for an empty text. Throws a usage error that names the option and shows examples.
std::int64_t parse_bytes(const std::string& text, const std::string& option);

/// A positive number of seconds, a sum such as "1h30m" of ms, s, m, h and d, or hours:minutes:seconds with or without
/// days before ("2-12:00:00"); 0 for an empty text. Throws a usage error that names the option and shows examples.
double parse_seconds(const std::string& text, const std::string& option);

}  // namespace lra
