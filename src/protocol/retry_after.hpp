#ifndef COAUTH_SRC_PROTOCOL_RETRY_AFTER_HPP
#define COAUTH_SRC_PROTOCOL_RETRY_AFTER_HPP

#include <coauth/http_headers.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace coauth::protocol
{

// When to try again, on the local clock, from the header fields of a response:
//
// - `retry-after-ms`, `x-ms-retry-after-ms`: milliseconds;
// - `Retry-After` (RFC 9110 section 10.2.3);
// - if the server throttles, or a field says that no requests remain: `RateLimit`
//   (`limit=10, remaining=0, reset=30`, or `"default";r=0;t=30`), and `RateLimit-Reset`,
//   `X-RateLimit-Reset`, `X-Rate-Limit-Reset` and the like. Other responses have them, too. Last
//   `wait`, which is such a value from the body.
//
// The magnitude of a number decides its meaning: seconds from now (with a fraction), or seconds,
// milliseconds, microseconds or nanoseconds since 1970. It may have units, as in `1m30.5s` or
// `500ms`. A date has one of the formats of RFC 9110, or that of RFC 3339. Absolute times are
// corrected by the response's `Date`. At least `now`, at most 24 hours later. None: no field has a
// valid value.
std::optional<std::chrono::system_clock::time_point> retry_at(
    http_headers const& headers, bool throttled, std::chrono::system_clock::time_point now,
    std::string_view wait = {});

} // namespace coauth::protocol

#endif
