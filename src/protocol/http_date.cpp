#include "protocol/http_date.hpp"

#include <array>
#include <ctime>
#include <locale.h>
#include <string>
#include <time.h>

namespace coauth::protocol
{
namespace
{

constexpr std::array<char const*, 4> formats = {
    "%a, %d %b %Y %H:%M:%S GMT", // IMF-fixdate
    "%A, %d-%b-%y %H:%M:%S GMT", // RFC 850
    "%a %b %e %H:%M:%S %Y",      // asctime
    "%a %b %d %H:%M:%S %Y",      // asctime with a leading zero
};

// The year of the century that is at most 50 years after `now`.
int full_year(int year, std::chrono::system_clock::time_point now)
{
    std::chrono::year_month_day const today(std::chrono::floor<std::chrono::days>(now));
    int const current = static_cast<int>(today.year());
    int const candidate = current - current % 100 + year % 100;
    return candidate > current + 50 ? candidate - 100 : candidate;
}

// `strptime` accepts other case, missing zeros and surplus spaces. The format written back must be
// the text.
std::optional<std::tm> parse_strictly(std::string const& text, char const* format)
{
    static locale_t const c_locale = newlocale(LC_ALL_MASK, "C", nullptr);
    std::tm fields = {};
    std::array<char, 64> written = {};
    if (c_locale == nullptr || strptime_l(text.c_str(), format, &fields, c_locale) == nullptr)
        return std::nullopt;
    auto const size = strftime_l(written.data(), written.size(), format, &fields, c_locale);
    if (std::string_view(written.data(), size) != text)
        return std::nullopt;
    return fields;
}

} // namespace

std::optional<std::chrono::sys_seconds>
parse_http_date(std::string_view text, std::chrono::system_clock::time_point now)
{
    constexpr std::size_t longest = 40;
    if (text.size() > longest)
        return std::nullopt;
    for (char const* const format : formats)
    {
        auto fields = parse_strictly(std::string(text), format);
        if (!fields)
            continue;
        if (std::string_view(format).find("%y") != std::string_view::npos)
            fields->tm_year = full_year(fields->tm_year, now) - 1900;
        // Later years would overflow a clock that counts nanoseconds. Second 60 is a leap second.
        if (fields->tm_year < 70 || fields->tm_year >= 300 || fields->tm_sec > 60)
            return std::nullopt;
        int const day = fields->tm_mday;
        bool const leap_second = fields->tm_sec == 60;
        fields->tm_sec -= leap_second ? 1 : 0;
        std::chrono::sys_seconds const time(std::chrono::seconds(timegm(&*fields)));
        // `timegm` turns 31 November into 1 December.
        if (fields->tm_mday != day)
            return std::nullopt;
        return time + std::chrono::seconds(leap_second ? 1 : 0);
    }
    return std::nullopt;
}

} // namespace coauth::protocol
