#include "policy/refresh_times.hpp"

#include "policy/retry.hpp"
#include "values/make_error.hpp"
#include "values/saturating_time.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace coauth::policy
{
namespace
{

using detail::after;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// Longer lifetimes are cut to 2^31 s, so that sums of nanoseconds do not overflow.
constexpr seconds max_lifetime{2'147'483'647};

// The same refusal this many times in a row is permanent: without forced fetches, over more than a
// minute.
constexpr unsigned permanent_refusals = 5;

nanoseconds scale(nanoseconds span, double factor) noexcept
{
    return nanoseconds(static_cast<nanoseconds::rep>(static_cast<double>(span.count()) * factor));
}

dual_time after_request(access_token const& token, nanoseconds span) noexcept
{
    return {after(token.requested_at(), span), after(token.requested_at_steady(), span)};
}

// `initial` times `factor` for each further failure, at most `max`.
nanoseconds grow(nanoseconds initial, double factor, unsigned count, nanoseconds max) noexcept
{
    double const growth = std::pow(factor, std::min(count, 1000U) - 1.0);
    double const grown = static_cast<double>(initial.count()) * growth;
    return grown < static_cast<double>(max.count())
               ? nanoseconds(static_cast<nanoseconds::rep>(grown))
               : max;
}

// The member `refresh_in` of the response, in seconds: when the server wants the token to be
// refreshed (Microsoft Entra). A number, or a string with one; a fraction is cut off.
std::optional<nanoseconds> refresh_in(access_token const& token) noexcept
{
    auto text = token.member("refresh_in").value_or(std::string_view());
    constexpr std::string_view around = "\" \t";
    text.remove_prefix(std::min(text.find_first_not_of(around), text.size()));
    text = text.substr(0, text.find_last_not_of(around) + 1);
    auto const whole = text.substr(0, text.find('.'));
    auto const fraction = text.substr(whole.size());
    std::int64_t value = 0;
    auto const [end, failed] = std::from_chars(whole.data(), whole.data() + whole.size(), value);
    bool const is_number = failed == std::errc() && end == whole.data() + whole.size() &&
                           fraction.find_first_not_of("0123456789", 1) == fraction.npos;
    if (!is_number || value <= 0)
        return std::nullopt;
    return std::min(seconds(value), max_lifetime);
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
    auto const requested = refresh_in(token);
    if (!lifetime)
        return requested ? token_times{after_request(token, *requested), {}} : token_times();
    auto const margin = std::min<nanoseconds>(options.expiry_margin, *lifetime / 10);
    auto const usable = *lifetime - margin;
    auto const fresh =
        requested.value_or(scale(*lifetime, options.refresh_at - options.refresh_jitter * random));
    return {after_request(token, std::min(fresh, usable)), after_request(token, usable)};
}

failure_kind kind_of_failure(error const& failure) noexcept
{
    if (failure.kind() == error_kind::configuration && failure.http_status() == 0)
        return failure_kind::invalid;
    auto const status = failure.http_status();
    if (status >= 500)
        return failure_kind::passing;
    // A client that is throttled for wrong credentials must not send them again soon.
    if (status == 408 || status == 425 || status == 429)
        return is_refusal(to_string(failure.value())) ? failure_kind::refused
                                                      : failure_kind::passing;
    // Gateways write `error` as well, but not with the statuses of RFC 6749 section 5.2.
    bool const is_oauth =
        failure.kind() == error_kind::oauth &&
        (failure.value() != errc::other_oauth_error || status == 400 || status == 401);
    bool const refuses = is_oauth || failure.is_authentication_failure();
    return refuses && !failure.transient() ? failure_kind::refused : failure_kind::passing;
}

nanoseconds
back_off(error const& last, failure_count count, token_source_options const& options, double random)
{
    nanoseconds const initial = options.initial_back_off;
    switch (kind_of_failure(last))
    {
    case failure_kind::invalid:
        return scale(options.max_back_off, 0.5 + random / 2);
    case failure_kind::refused:
    {
        // A few attempts in the first minute, then rarely: 1 to 2 s, 4 to 8 s, 16 to 32 s, ...
        bool const is_permanent = count.repeated_refusals >= permanent_refusals;
        nanoseconds const longest = is_permanent
                                        ? options.refused_back_off
                                        : std::min(options.max_back_off, options.refused_back_off);
        auto const limit = grow(2 * initial, 4, count.refusals, longest);
        if (is_permanent && limit == longest)
            return scale(limit, 1 + random / 4);
        return scale(limit, 0.5 + random / 2);
    }
    case failure_kind::passing:
        break;
    }
    auto const limit = grow(initial, options.back_off_factor, count.failures, options.max_back_off);
    // At least a tenth of the initial back-off: a wait near zero would make a busy loop.
    return std::max(scale(limit, random), initial / 10);
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
    if (options.refused_back_off < options.initial_back_off || options.refused_back_off > hours(24))
        return detail::config_error(
            "token_source_options::refused_back_off must be from initial_back_off to 24 hours");
    if (options.max_retry_after < milliseconds(0) || options.max_retry_after > hours(24 * 365))
        return detail::config_error(
            "token_source_options::max_retry_after must be from 0 to 365 days");
    if (!(options.back_off_factor >= 1 && options.back_off_factor <= 100))
        return detail::config_error("token_source_options::back_off_factor must be from 1 to 100");
    return {};
}

} // namespace coauth::policy
