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

// How likely it is that the same request succeeds later without a change.
enum class failure_kind
{
    // Certainly not: nothing was sent, because the configuration or the request is invalid.
    invalid,
    // Perhaps: the server refused the request, with an OAuth error or with status 401. One refusal
    // may be a hiccup, many in a row are not, and may lock an account.
    refused,
    // Probably: everything else, such as a lost connection, an HTML page or a redirect.
    passing,
};
failure_kind kind_of_failure(error const& failure) noexcept;

// The failures since the last success, the last failure included.
struct failure_count
{
    unsigned failures = 0;
    unsigned refusals = 0;
    // The last refusals in a row that have the same error code.
    unsigned repeated_refusals = 0;
};

// The wait after the failure `last`.
std::chrono::nanoseconds back_off(
    error const& last, failure_count count, token_source_options const& options, double random);

// Success, or an error that names the option that is out of range.
result<void> check(token_source_options const& options);

} // namespace coauth::policy

#endif
