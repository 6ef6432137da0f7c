#include "protocol/retry_after.hpp"

#include "protocol/http_date.hpp"
#include "values/saturating_time.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace coauth::policy
{
namespace
{

using std::chrono::seconds;
using time_point = std::chrono::system_clock::time_point;

constexpr seconds longest = std::chrono::hours(24);

std::string_view trimmed(std::string_view text)
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// Digits alone; what is too large to hold is as good as the largest.
std::optional<std::int64_t> whole_number(std::string_view text)
{
    bool const digits =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (text.empty() || !digits)
        return std::nullopt;
    std::int64_t value = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failure == std::errc() ? value : INT64_MAX;
}

// How far the local clock is ahead of the server's; zero when the server does not say.
std::chrono::system_clock::duration clock_offset(retry_headers const& fields, time_point now)
{
    if (!fields.date)
        return {};
    auto const date = parse_http_date(trimmed(*fields.date), now);
    if (!date)
        return {};
    return now - *date;
}

time_point clamped(time_point when, time_point now)
{
    return std::clamp(when, now, now + longest);
}

} // namespace

std::optional<time_point> retry_at(retry_headers const& fields, time_point now)
{
    // The Date field has whole seconds, and travelled: below this the clocks agree.
    constexpr auto agreement = seconds(2);
    auto offset = clock_offset(fields, now);
    if (offset > -agreement && offset < agreement)
        offset = {};
    if (fields.retry_after)
    {
        auto const text = trimmed(*fields.retry_after);
        if (auto const delay = whole_number(text))
            return clamped(now + seconds(std::min<std::int64_t>(*delay, longest.count())), now);
        if (auto const date = parse_http_date(text, now))
            return clamped(detail::after(time_point(*date), offset), now);
    }
    if (!fields.rate_limit_reset)
        return std::nullopt;
    auto const epoch = whole_number(trimmed(*fields.rate_limit_reset));
    if (!epoch)
        return std::nullopt;
    // The year 2128: far beyond the limit, and far from an overflow.
    constexpr std::int64_t far = 5'000'000'000;
    time_point const reset{seconds(std::min(*epoch, far))};
    return clamped(detail::after(reset, offset), now);
}

} // namespace coauth::policy
