#ifndef COAUTH_SRC_PROTOCOL_RFC3339_TIME_HPP
#define COAUTH_SRC_PROTOCOL_RFC3339_TIME_HPP

#include <chrono>
#include <optional>
#include <string_view>

namespace coauth::protocol
{

// Reads a time such as "2026-11-30T08:50:00Z" (RFC 3339), from 1971 to 2199. As servers write it, a
// space may stand for the T and "UTC" for the Z; seconds and the offset may be missing, and a
// fraction of a second is rounded up.
std::optional<std::chrono::sys_seconds> parse_rfc3339_time(std::string_view text);

} // namespace coauth::protocol

#endif
