#ifndef COAUTH_SRC_PROTOCOL_HTTP_DATE_HPP
#define COAUTH_SRC_PROTOCOL_HTTP_DATE_HPP

#include <chrono>
#include <optional>
#include <string_view>

namespace coauth::protocol
{

// Reads an HTTP date in one of the three formats of RFC 9110 section 5.6.7, from 1970 to 2199. A
// two-digit year is at most 50 years after `now`.
std::optional<std::chrono::sys_seconds>
parse_http_date(std::string_view text, std::chrono::system_clock::time_point now);

} // namespace coauth::protocol

#endif
