#include "policy/shared_life.hpp"

#include "values/saturating_time.hpp"

#include <algorithm>

namespace coauth::policy
{
namespace
{

using detail::after;
using detail::between;
using detail::saturating_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using steady_time = std::chrono::steady_clock::time_point;

constexpr milliseconds max_margin = seconds(30);
constexpr milliseconds life_without_end = std::chrono::hours(1);
constexpr milliseconds max_life = std::chrono::hours(24 * 365);
// Who takes a token uses it at least for so long.
constexpr milliseconds min_life = seconds(1);

constexpr milliseconds first_back_off = seconds(1);
constexpr milliseconds max_back_off = seconds(30);
constexpr milliseconds max_retry_after = std::chrono::hours(1);

milliseconds lifetime_of(access_token const& token) noexcept
{
    return std::min(saturating_cast<milliseconds>(token.lifetime().value_or(seconds(0))), max_life);
}

steady_time end_of(access_token const& token) noexcept
{
    return token.lifetime() ? after(token.requested_at_steady(), lifetime_of(token))
                            : steady_time::max();
}

} // namespace

std::optional<milliseconds> shared_life(access_token const& token, steady_time now) noexcept
{
    if (token.empty())
        return std::nullopt;
    if (!token.lifetime())
        return life_without_end;
    auto const margin = std::min(max_margin, lifetime_of(token) / 10);
    auto const life = saturating_cast<milliseconds>(between(now, end_of(token))) - margin;
    return life < min_life ? std::nullopt : std::optional(std::min(life, max_life));
}

bool replaces(access_token const& found, access_token const& current, steady_time now) noexcept
{
    if (found.empty() || found == current)
        return false;
    if (current.empty())
        return true;
    // Without an end, the age decides.
    bool const have_ends = found.lifetime() && current.lifetime();
    auto const gain = have_ends
                          ? between(now, end_of(found)) - between(now, end_of(current))
                          : between(current.requested_at_steady(), found.requested_at_steady());
    return gain > std::max<nanoseconds>(lifetime_of(found) / 10, nanoseconds(0));
}

bool is_shared(error const& failure) noexcept
{
    if (failure.attempts() == 0 || failure.is_authentication_failure())
        return false;
    switch (failure.kind())
    {
    case error_kind::resolve:
    case error_kind::connect:
    case error_kind::tls:
    case error_kind::timeout:
    case error_kind::http:
    case error_kind::protocol:
    case error_kind::oauth:
    case error_kind::rate_limited:
        return true;
    default:
        return false;
    }
}

milliseconds shared_back_off(
    error const& failure, unsigned count, std::chrono::system_clock::time_point now,
    double random) noexcept
{
    auto const doublings = std::min(std::max(count, 1U) - 1, 10U);
    auto const limit = std::min(first_back_off * (1 << doublings), max_back_off);
    auto wait = std::chrono::duration_cast<milliseconds>(limit * (0.5 + random / 2));
    if (auto const retry_at = failure.retry_at())
        wait = std::max(
            wait,
            std::min(saturating_cast<milliseconds>(between(now, *retry_at)), max_retry_after));
    return wait;
}

} // namespace coauth::policy
