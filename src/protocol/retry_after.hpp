#ifndef COAUTH_SRC_PROTOCOL_RETRY_AFTER_HPP
#define COAUTH_SRC_PROTOCOL_RETRY_AFTER_HPP

#include <chrono>
#include <optional>
#include <string_view>

namespace coauth::policy
{

// What a response says about being tried again; absent fields are none.
struct retry_headers
{
    std::optional<std::string_view> retry_after;
    std::optional<std::string_view> rate_limit_reset;
    std::optional<std::string_view> date;
};

// When to try again, on the local clock: `Retry-After` (seconds or date, RFC 9110 section 10.2.3),
// else `X-Rate-Limit-Reset` (epoch seconds). Absolute times are corrected by the response's `Date`.
// Never before `now`, never more than 24 hours after it; rubbish gives none.
std::optional<std::chrono::system_clock::time_point>
retry_at(retry_headers const& fields, std::chrono::system_clock::time_point now);

} // namespace coauth::policy

#endif
