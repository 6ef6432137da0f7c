#include "policy/retry.hpp"

#include "saturating_time.hpp"

#include <algorithm>
#include <cmath>

namespace coauth::policy
{
namespace
{

using std::chrono::nanoseconds;

nanoseconds back_off(retry_options const& options, failed_attempt const& state)
{
    double const first = static_cast<double>(nanoseconds(options.first_delay).count());
    double const cap = static_cast<double>(nanoseconds(options.max_delay).count());
    double const full = std::min(cap, first * std::pow(2.0, state.made - 1.0));
    return nanoseconds(static_cast<nanoseconds::rep>(full * state.random));
}

nanoseconds until(std::chrono::system_clock::time_point then, failed_attempt const& state)
{
    return std::max(nanoseconds(0), detail::between(state.now, then));
}

// A refusal stays one, whatever word it carries.
bool may_pass(error const& why)
{
    auto const status = why.http_status();
    bool const refused =
        status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
    return why.transient() && !refused;
}

} // namespace

bool did_nothing(unsigned status)
{
    return status == 408 || status == 425 || status == 429 || status == 503;
}

std::optional<nanoseconds>
next_attempt(error const& why, retry_options const& options, failed_attempt const& state)
{
    if (!may_pass(why) || state.may_be_spent || state.made >= options.max_attempts)
        return std::nullopt;
    auto wait = back_off(options, state);
    if (why.retry_at())
        wait = std::max(wait, until(*why.retry_at(), state));
    if (wait >= state.left)
        return std::nullopt;
    return wait;
}

} // namespace coauth::policy
