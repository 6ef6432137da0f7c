#include "policy/retry.hpp"

#include "values/saturating_time.hpp"

#include <algorithm>
#include <cmath>

namespace coauth::policy
{
namespace
{

using std::chrono::nanoseconds;

nanoseconds back_off(retry_options const& options, failed_attempt const& state)
{
    auto const first = detail::saturating_cast<nanoseconds>(options.initial_back_off);
    auto const most = detail::saturating_cast<nanoseconds>(options.max_back_off);
    double const grown =
        static_cast<double>(first.count()) * std::exp2(std::min(state.made, 64U) - 1.0);
    double const full = std::min(static_cast<double>(most.count()), grown) * state.random;
    // A double rounds the longest time up.
    if (full >= static_cast<double>(nanoseconds::max().count()))
        return nanoseconds::max();
    return nanoseconds(static_cast<nanoseconds::rep>(full));
}

nanoseconds until(std::chrono::system_clock::time_point then, failed_attempt const& state)
{
    return std::max(nanoseconds(0), detail::between(state.now, then));
}

// A refusal stays one, whatever word it carries.
bool is_retryable(error const& why)
{
    auto const status = why.http_status();
    bool const refused =
        status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
    return why.transient() && !refused;
}

} // namespace

bool is_unprocessed_status(unsigned status)
{
    return status == 408 || status == 425 || status == 429 || status == 503;
}

std::optional<nanoseconds>
next_attempt(error const& why, retry_options const& options, failed_attempt const& state)
{
    if (!is_retryable(why) || state.is_single_use_grant || state.made >= options.max_attempts)
        return std::nullopt;
    auto wait = back_off(options, state);
    if (why.retry_at())
        wait = std::max(wait, until(*why.retry_at(), state));
    if (wait >= state.left)
        return std::nullopt;
    return wait;
}

} // namespace coauth::policy
