#include "policy/retry.hpp"

#include "values/saturating_time.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace coauth::policy
{
namespace
{

using std::chrono::nanoseconds;

nanoseconds back_off(retry_options const& options, unsigned attempts, double random)
{
    auto const initial = detail::saturating_cast<nanoseconds>(options.initial_back_off);
    auto const max = detail::saturating_cast<nanoseconds>(options.max_back_off);
    double const doubled =
        static_cast<double>(initial.count()) * std::exp2(std::min(attempts, 64U) - 1.0);
    double const delay = std::min(static_cast<double>(max.count()), doubled) * random;
    // A double rounds the largest duration up.
    if (delay >= static_cast<double>(nanoseconds::max().count()))
        return nanoseconds::max();
    return nanoseconds(static_cast<nanoseconds::rep>(delay));
}

} // namespace

bool is_refusal(std::string_view oauth_error)
{
    constexpr std::array<std::string_view, 5> refusals = {
        "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
        "invalid_scope"};
    return std::find(refusals.begin(), refusals.end(), oauth_error) != refusals.end();
}

bool is_unprocessed_status(unsigned status)
{
    return status == 408 || status == 425 || status == 429 || status == 503;
}

bool is_retryable(error const& failure)
{
    auto const status = failure.http_status();
    bool const is_4xx = status >= 400 && status < 500;
    bool const is_retryable_4xx =
        (status == 408 || status == 425 || status == 429) && !is_refusal(failure.oauth_error());
    return failure.transient() && (!is_4xx || is_retryable_4xx);
}

std::optional<nanoseconds> retry_delay(
    error const& failure, retry_options const& options, unsigned attempts,
    retry_context const& context)
{
    if (!is_retryable(failure) || attempts >= options.max_attempts)
        return std::nullopt;
    auto delay = back_off(options, attempts, context.random);
    if (auto const retry_at = failure.retry_at())
        delay = std::max(delay, detail::between(context.now, *retry_at));
    if (delay >= context.time_left)
        return std::nullopt;
    return delay;
}

} // namespace coauth::policy
