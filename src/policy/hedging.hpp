#ifndef COAUTH_SRC_POLICY_HEDGING_HPP
#define COAUTH_SRC_POLICY_HEDGING_HPP

#include "values/saturating_time.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace coauth::policy
{

// How long a reused connection may be silent before its request is sent on a new one too; none:
// for ever.
//
// A server that took long for its last response is slow, not dead: it does not get each request
// twice. At least half of the time left remains for the new connection.
inline std::optional<std::chrono::nanoseconds> hedging_delay(
    std::chrono::milliseconds option, std::chrono::nanoseconds last_response_time,
    std::chrono::nanoseconds time_left)
{
    if (option == std::chrono::milliseconds::max())
        return std::nullopt;
    auto const least = detail::saturating_cast<std::chrono::nanoseconds>(option);
    return std::min(time_left / 2, std::max(least, 2 * last_response_time));
}

} // namespace coauth::policy

#endif
