#ifndef COAUTH_SRC_POLICY_SHARED_LIFE_HPP
#define COAUTH_SRC_POLICY_SHARED_LIFE_HPP

#include <coauth/access_token.hpp>
#include <coauth/error.hpp>

#include "values/token_times.hpp"

#include <chrono>
#include <optional>

namespace coauth::policy
{

// How long others may take this token from a store: until a margin before its end, by the monotonic
// clock; an hour if it has no known end. None: it cannot be shared, because it may be used once or
// lives too short.
std::optional<std::chrono::milliseconds>
shared_life(access_token const& token, std::chrono::steady_clock::time_point now) noexcept;

// True if `found` replaces `current`: it is another, and lives longer by a tenth of its lifetime.
bool replaces(
    access_token const& found, access_token const& current,
    std::chrono::steady_clock::time_point now) noexcept;

// True for a failure that the next one would see too: not one of this process alone, such as wrong
// credentials, which another process may have right.
bool is_shared(error const& failure) noexcept;

// The time until the fleet tries again, after `count` failures in a row. `random` is uniform in
// [0, 1).
std::chrono::milliseconds shared_back_off(
    error const& failure, unsigned count, std::chrono::system_clock::time_point now,
    double random) noexcept;

} // namespace coauth::policy

#endif
