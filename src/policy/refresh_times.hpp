#ifndef COAUTH_SRC_POLICY_REFRESH_TIMES_HPP
#define COAUTH_SRC_POLICY_REFRESH_TIMES_HPP

#include <coauth/access_token.hpp>
#include <coauth/result.hpp>
#include <coauth/token_source_options.hpp>

#include "values/token_times.hpp"

#include <chrono>
#include <optional>

namespace coauth::policy
{

using detail::clock_pair;
using detail::dual_time;
using detail::token_times;

// The lifetime of the token, or `max_age` if that is less. None: no known end.
std::optional<std::chrono::nanoseconds>
usable_lifetime(access_token const& token, token_source_options const& options) noexcept;

// When a source with these options refreshes the token, and until when it returns it. `random` is
// uniform in [0, 1).
token_times
times_of(access_token const& token, token_source_options const& options, double random) noexcept;

// True if the same request will fail again until somebody changes something.
bool is_permanent(error const& failure) noexcept;

// The wait after this number of failures in a row, of which `last` is the last.
std::chrono::nanoseconds
back_off(error const& last, unsigned failures, token_source_options const& options, double random);

// Success, or an error that names the option that is out of range.
result<void> check(token_source_options const& options);

} // namespace coauth::policy

#endif
