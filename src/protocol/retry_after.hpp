#ifndef COAUTH_SRC_PROTOCOL_RETRY_AFTER_HPP
#define COAUTH_SRC_PROTOCOL_RETRY_AFTER_HPP

#include <chrono>
#include <optional>
#include <string_view>

namespace coauth::protocol
{

// The header fields of a response that say when to try again.
struct retry_headers
{
    std::optional<std::string_view> retry_after;
    std::optional<std::string_view> rate_limit_reset;
    std::optional<std::string_view> date;
};

// When to try again, on the local clock: `Retry-After` (seconds or date, RFC 9110 section 10.2.3),
// else `X-Rate-Limit-Reset` (seconds since 1970). Absolute times are corrected by the response's
// `Date`. At least `now`, at most 24 hours later. None: no field has a valid value.
std::optional<std::chrono::system_clock::time_point>
retry_at(retry_headers const& headers, std::chrono::system_clock::time_point now);

} // namespace coauth::protocol

#endif
