#ifndef COAUTH_SRC_PROTOCOL_HTTP_DATE_HPP
#define COAUTH_SRC_PROTOCOL_HTTP_DATE_HPP

#include <chrono>
#include <optional>
#include <string_view>

namespace coauth::policy
{

// The three formats of RFC 9110 section 5.6.7; a two-digit year is read relative to `now`.
std::optional<std::chrono::sys_seconds>
parse_http_date(std::string_view text, std::chrono::system_clock::time_point now);

} // namespace coauth::policy

#endif
