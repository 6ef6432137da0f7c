#include "protocol/retry_after.hpp"

#include "protocol/http_date.hpp"
#include "protocol/rfc3339_time.hpp"
#include "protocol/trim.hpp"
#include "values/encoding.hpp"
#include "values/parse_double.hpp"
#include "values/saturating_time.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>

namespace coauth::protocol
{
namespace
{

using std::chrono::seconds;
using time_point = std::chrono::system_clock::time_point;
using duration = std::chrono::system_clock::duration;

constexpr seconds longest = std::chrono::hours(24);

constexpr std::array<std::string_view, 2> millisecond_fields = {
    "retry-after-ms", "x-ms-retry-after-ms"};

// Before others of the kind, such as "X-RateLimit-Reset-Requests".
constexpr std::array<std::string_view, 3> reset_fields = {
    "RateLimit-Reset", "X-RateLimit-Reset", "X-Rate-Limit-Reset"};

constexpr std::array<std::string_view, 3> remaining_fields = {
    "RateLimit-Remaining", "X-RateLimit-Remaining", "X-Rate-Limit-Remaining"};

// Digits with an optional fraction. Infinite: a double cannot hold it.
std::optional<double> parse_decimal(std::string_view text)
{
    auto const is_valid = [](char c) { return (c >= '0' && c <= '9') || c == '.'; };
    if (text.empty() || text.front() == '.' || !std::all_of(text.begin(), text.end(), is_valid) ||
        std::count(text.begin(), text.end(), '.') > 1)
        return std::nullopt;
    return detail::parse_double(text).value_or(HUGE_VAL);
}

struct unit
{
    std::string_view name;
    double seconds = 1;
};
constexpr std::array<unit, 16> units = {
    {{"s", 1},
     {"sec", 1},
     {"secs", 1},
     {"second", 1},
     {"seconds", 1},
     {"m", 60},
     {"min", 60},
     {"mins", 60},
     {"minute", 60},
     {"minutes", 60},
     {"ms", 1e-3},
     {"milliseconds", 1e-3},
     {"h", 3600},
     {"hour", 3600},
     {"hours", 3600},
     {"d", 86400}}};

// Removes a number with its unit, and returns its seconds.
std::optional<double> next_part(std::string_view& text)
{
    auto const number = text.substr(0, text.find_first_not_of("0123456789."));
    auto rest = trim(text.substr(number.size()));
    auto const name = rest.substr(0, rest.find_first_of("0123456789. "));
    auto const value = parse_decimal(number);
    auto const found = std::find_if(
        units.begin(), units.end(),
        [&](unit const& known) { return detail::equal_ignoring_case(known.name, name); });
    if (!value || found == units.end())
        return std::nullopt;
    text = trim(rest.substr(name.size()));
    return *value * found->seconds;
}

// Seconds of a text such as "1m30.5s", "500ms" or "30 seconds".
std::optional<double> parse_with_units(std::string_view text)
{
    double sum = 0;
    do
    {
        auto const part = next_part(text);
        if (!part)
            return std::nullopt;
        sum += *part;
    } while (!text.empty());
    return sum;
}

// Without case and punctuation; `part` is in lower case.
bool name_contains(std::string_view name, std::string_view part)
{
    std::string plain;
    for (char const c : name)
        if (c != '-' && c != '_')
            plain += detail::lower(c);
    return plain.find(part) != std::string::npos;
}

bool has_word(std::string_view name, std::string_view part)
{
    while (!name.empty())
    {
        auto const end = std::min(name.find_first_of("-_"), name.size());
        if (detail::equal_ignoring_case(name.substr(0, end), part))
            return true;
        name.remove_prefix(std::min(end + 1, name.size()));
    }
    return false;
}

// Some servers write Greenwich time in another way than HTTP does: "UTC", "+0000".
std::string with_gmt(std::string_view date)
{
    for (std::string_view const zone : {" UTC", " UT", " +0000", " -0000"})
        if (date.ends_with(zone))
            return std::string(date.substr(0, date.size() - zone.size())) + " GMT";
    return std::string(date);
}

duration to_duration(double count)
{
    double const bounded = std::clamp(count, 0.0, static_cast<double>(longest.count()));
    return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(bounded));
}

class retry_time_reader
{
public:
    retry_time_reader(http_headers const& headers, time_point now)
        : headers_(headers)
        , now_(now)
        , offset_(clock_offset())
        , rate_limit_(joined("RateLimit"))
    {
    }

    [[nodiscard]] std::optional<time_point> read(bool throttled, std::string_view wait) const
    {
        for (auto const name : millisecond_fields)
            if (auto const time = parse(headers_.find(name), 1e-3))
                return time;
        if (auto const time = parse(headers_.find("Retry-After")))
            return time;
        if (!throttled && !is_exhausted())
            return std::nullopt;
        if (auto const time = parse_rate_limit(rate_limit_))
            return time;
        for (auto const name : reset_fields)
            if (auto const time = parse(headers_.find(name)))
                return time;
        if (auto const time = parse_similar())
            return time;
        return parse(wait);
    }

private:
    struct quota
    {
        bool is_exhausted = false;
        std::optional<time_point> reset;
    };

    // The values of all fields with this name (RFC 9110 section 5.3).
    [[nodiscard]] std::string joined(std::string_view name) const
    {
        std::string values;
        for (auto const& field : headers_)
            if (detail::equal_ignoring_case(field.name, name))
                values.append(values.empty() ? "" : ",").append(field.value);
        return values;
    }

    // Local time minus the server's time; zero without a valid Date.
    [[nodiscard]] duration clock_offset() const
    {
        // The Date field has whole seconds and was in transit, so that a small offset means
        // nothing.
        constexpr auto tolerance = seconds(2);
        auto const field = headers_.find("Date");
        auto const date = field ? parse_http_date(trim(*field), now_) : std::nullopt;
        if (!date || (now_ - *date > -tolerance && now_ - *date < tolerance))
            return {};
        return now_ - *date;
    }

    [[nodiscard]] time_point clamp(time_point time) const
    {
        return std::clamp(time, now_, now_ + longest);
    }

    [[nodiscard]] time_point from_epoch(double count) const
    {
        // The year 2128: far beyond the limit, and far from an overflow.
        constexpr double latest = 5e9;
        auto const since_1970 = std::chrono::duration_cast<duration>(
            std::chrono::duration<double, std::milli>(std::ceil(std::min(count, latest) * 1000)));
        return clamp(detail::after(time_point(since_1970), offset_));
    }

    // `unit` is the length of a relative unit in seconds.
    [[nodiscard]] time_point from_number(double count, double unit) const
    {
        // Seconds from now reach to 2001 as seconds since 1970, which reach to 5138, and so on.
        if (count < 1e9)
            return clamp(now_ + to_duration(count * unit));
        if (count < 1e11)
            return from_epoch(count);
        if (count < 1e14)
            return from_epoch(count / 1e3);
        return from_epoch(count < 1e17 ? count / 1e6 : count / 1e9);
    }

    [[nodiscard]] std::optional<time_point>
    parse(std::optional<std::string_view> field, double unit = 1) const
    {
        if (!field)
            return std::nullopt;
        auto text = trim(*field);
        if (text.size() > 1 && text.front() == '"' && text.back() == '"')
            text = trim(text.substr(1, text.size() - 2));
        if (auto const count = parse_decimal(text))
            return from_number(*count, unit);
        if (auto const count = parse_with_units(text))
            return clamp(now_ + to_duration(*count));
        auto date = parse_http_date(with_gmt(text), now_);
        if (!date)
            date = parse_rfc3339_time(text);
        if (date)
            return clamp(detail::after(time_point(*date), offset_));
        return std::nullopt;
    }

    // The earliest time of the fields whose names say that they have one.
    [[nodiscard]] std::optional<time_point> parse_similar() const
    {
        std::optional<time_point> earliest;
        for (auto const& field : headers_)
        {
            bool const reset =
                name_contains(field.name, "ratelimit") && name_contains(field.name, "reset");
            if (!reset && !name_contains(field.name, "retryafter"))
                continue;
            bool const milliseconds =
                has_word(field.name, "ms") || has_word(field.name, "milliseconds");
            auto const time = parse(field.value, milliseconds ? 1e-3 : 1);
            if (time && (!earliest || *time < *earliest))
                earliest = time;
        }
        return earliest;
    }

    // The latest reset of all quotas that are used up, else the first of the others.
    [[nodiscard]] std::optional<time_point> parse_rate_limit(std::string_view text) const
    {
        std::optional<time_point> exhausted;
        std::optional<time_point> other;
        quota current;
        auto const finish_quota = [&]
        {
            if (current.reset && current.is_exhausted)
                exhausted = std::max(exhausted.value_or(*current.reset), *current.reset);
            else if (current.reset)
                other = std::min(other.value_or(*current.reset), *current.reset);
            current = {};
        };
        while (!text.empty())
        {
            auto const end = std::min(text.find_first_of(",;"), text.size());
            auto const parameter = trim(text.substr(0, end));
            auto const equals = std::min(parameter.find('='), parameter.size());
            auto const name = trim(parameter.substr(0, equals));
            auto const value = trim(parameter.substr(std::min(equals + 1, parameter.size())));
            // The name of the next quota, or its limit.
            if (parameter.starts_with('"') || equals == parameter.size() ||
                detail::equal_ignoring_case(name, "limit"))
                finish_quota();
            if (detail::equal_ignoring_case(name, "remaining") ||
                detail::equal_ignoring_case(name, "r"))
                current.is_exhausted = parse_decimal(value) == 0.0;
            if (detail::equal_ignoring_case(name, "reset") ||
                detail::equal_ignoring_case(name, "t"))
                current.reset = parse(value);
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        finish_quota();
        return exhausted ? exhausted : other;
    }

    // True if a field says that no requests remain.
    [[nodiscard]] bool is_exhausted() const
    {
        for (auto const name : remaining_fields)
            if (auto const field = headers_.find(name); field && parse_decimal(trim(*field)) == 0.0)
                return true;
        for (std::string_view text = rate_limit_; !text.empty();)
        {
            auto const end = std::min(text.find_first_of(",;"), text.size());
            auto const parameter = trim(text.substr(0, end));
            if (parameter == "remaining=0" || parameter == "r=0")
                return true;
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        return false;
    }

    http_headers const& headers_;
    time_point now_;
    duration offset_;
    std::string rate_limit_;
};

} // namespace

std::optional<time_point>
retry_at(http_headers const& headers, bool throttled, time_point now, std::string_view wait)
{
    return retry_time_reader(headers, now).read(throttled, wait);
}

} // namespace coauth::protocol
