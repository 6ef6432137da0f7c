#include "protocol/retry_after.hpp"

#include "protocol/http_date.hpp"
#include "values/saturating_time.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace coauth::protocol
{
namespace
{

using std::chrono::seconds;
using time_point = std::chrono::system_clock::time_point;

constexpr seconds longest = std::chrono::hours(24);

std::string_view trim(std::string_view text)
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// Accepts digits only. A number that does not fit is the largest one.
std::optional<std::int64_t> parse_digits(std::string_view text)
{
    bool const digits =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (text.empty() || !digits)
        return std::nullopt;
    std::int64_t value = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failure == std::errc() ? value : INT64_MAX;
}

// Local time minus the server's time; zero without a valid Date.
std::chrono::system_clock::duration clock_offset(retry_headers const& headers, time_point now)
{
    // The Date field has whole seconds and was in transit, so that a small offset means nothing.
    constexpr auto tolerance = seconds(2);
    auto const date = headers.date ? parse_http_date(trim(*headers.date), now) : std::nullopt;
    if (!date || (now - *date > -tolerance && now - *date < tolerance))
        return {};
    return now - *date;
}

time_point clamp(time_point time, time_point now)
{
    return std::clamp(time, now, now + longest);
}

} // namespace

std::optional<time_point> retry_at(retry_headers const& headers, time_point now)
{
    auto const offset = clock_offset(headers, now);
    if (headers.retry_after)
    {
        auto const text = trim(*headers.retry_after);
        if (auto const delay = parse_digits(text))
            return clamp(now + seconds(std::min<std::int64_t>(*delay, longest.count())), now);
        if (auto const date = parse_http_date(text, now))
            return clamp(detail::after(time_point(*date), offset), now);
    }
    if (!headers.rate_limit_reset)
        return std::nullopt;
    auto const epoch = parse_digits(trim(*headers.rate_limit_reset));
    if (!epoch)
        return std::nullopt;
    // The year 2128: far beyond the limit, and far from an overflow.
    constexpr std::int64_t latest = 5'000'000'000;
    time_point const reset{seconds(std::min(*epoch, latest))};
    return clamp(detail::after(reset, offset), now);
}

} // namespace coauth::protocol
