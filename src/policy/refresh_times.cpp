#include "policy/refresh_times.hpp"

#include "values/make_error.hpp"
#include "values/saturating_time.hpp"

#include <algorithm>
#include <cmath>

namespace coauth::policy
{
namespace
{

using detail::after;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// Longer lifetimes are cut to 2^31 s, so that sums of nanoseconds do not overflow.
constexpr seconds max_lifetime{2'147'483'647};

nanoseconds scale(nanoseconds span, double factor) noexcept
{
    return nanoseconds(static_cast<nanoseconds::rep>(static_cast<double>(span.count()) * factor));
}

dual_time after_request(access_token const& token, nanoseconds span) noexcept
{
    return {after(token.requested_at(), span), after(token.requested_at_steady(), span)};
}

} // namespace

std::optional<nanoseconds>
usable_lifetime(access_token const& token, token_source_options const& options) noexcept
{
    std::optional<nanoseconds> lifetime;
    if (auto const seconds = token.lifetime())
        lifetime = std::min(*seconds, max_lifetime);
    if (options.max_age)
        lifetime = std::min<nanoseconds>(
            lifetime.value_or(max_lifetime), std::min(*options.max_age, max_lifetime));
    return lifetime;
}

token_times
times_of(access_token const& token, token_source_options const& options, double random) noexcept
{
    auto const lifetime = usable_lifetime(token, options);
    if (!lifetime)
        return {};
    auto const margin = std::min<nanoseconds>(options.expiry_margin, *lifetime / 10);
    auto const usable = *lifetime - margin;
    auto const fresh = scale(*lifetime, options.refresh_at - options.refresh_jitter * random);
    return {after_request(token, std::min(fresh, usable)), after_request(token, usable)};
}

bool is_permanent(error const& failure) noexcept
{
    return !failure.transient() && failure != errc::cancelled && failure != errc::out_of_memory &&
           failure != errc::internal_error;
}

nanoseconds
back_off(error const& last, unsigned failures, token_source_options const& options, double random)
{
    nanoseconds const initial = options.initial_back_off;
    nanoseconds const max = options.max_back_off;
    if (is_permanent(last))
        return scale(max, 0.5 + random / 2);
    double const growth = std::pow(options.back_off_factor, std::min(failures, 1000U) - 1.0);
    double const limit =
        std::min(static_cast<double>(max.count()), static_cast<double>(initial.count()) * growth);
    // At least a tenth of the initial back-off: a wait near zero would make a busy loop.
    return std::max(scale(nanoseconds(static_cast<nanoseconds::rep>(limit)), random), initial / 10);
}

result<void> check(token_source_options const& options)
{
    using namespace std::chrono;
    if (!(options.refresh_at > 0 && options.refresh_at <= 1))
        return detail::config_error(
            "token_source_options::refresh_at must be more than 0 and at most 1");
    if (!(options.refresh_jitter >= 0 && options.refresh_jitter < options.refresh_at))
        return detail::config_error(
            "token_source_options::refresh_jitter must be from 0 to less than refresh_at");
    for (auto const span : {options.expiry_margin, options.min_refresh_interval})
        if (span < milliseconds(0) || span > hours(24 * 365))
            return detail::config_error("token_source_options::expiry_margin and "
                                        "min_refresh_interval must be from 0 to 365 days");
    if (options.max_age && *options.max_age < seconds(1))
        return detail::config_error("token_source_options::max_age must be at least 1 s");
    if (options.initial_back_off < milliseconds(1) ||
        options.initial_back_off > options.max_back_off)
        return detail::config_error(
            "token_source_options::initial_back_off must be from 1 ms to max_back_off");
    if (options.max_back_off > hours(24))
        return detail::config_error("token_source_options::max_back_off must be at most 24 hours");
    if (!(options.back_off_factor >= 1 && options.back_off_factor <= 100))
        return detail::config_error("token_source_options::back_off_factor must be from 1 to 100");
    return {};
}

} // namespace coauth::policy
