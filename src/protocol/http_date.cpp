#include "protocol/http_date.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace coauth::policy
{
namespace
{

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> days = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                  "Thursday", "Friday", "Saturday"};

// Takes a text apart from the left; once something does not fit, nothing more does.
class scanner
{
public:
    explicit scanner(std::string_view text) : rest_(text) {}

    void literal(std::string_view expected)
    {
        ok_ = ok_ && rest_.starts_with(expected);
        if (ok_)
            rest_.remove_prefix(expected.size());
    }

    int number(std::size_t width)
    {
        ok_ = ok_ && rest_.size() >= width;
        int value = 0;
        for (std::size_t i = 0; ok_ && i < width; ++i)
        {
            ok_ = rest_[i] >= '0' && rest_[i] <= '9';
            value = value * 10 + (rest_[i] - '0');
        }
        if (ok_)
            rest_.remove_prefix(width);
        return ok_ ? value : 0;
    }

    // A day of the month that is padded with a space (asctime).
    int padded_day()
    {
        if (ok_ && rest_.starts_with(' '))
        {
            rest_.remove_prefix(1);
            return number(1);
        }
        return number(2);
    }

    unsigned month()
    {
        auto const found = std::find(months.begin(), months.end(), rest_.substr(0, 3));
        ok_ = ok_ && found != months.end();
        if (ok_)
            rest_.remove_prefix(3);
        return static_cast<unsigned>(found - months.begin()) + 1;
    }

    void day_name(bool full)
    {
        bool matched = false;
        for (auto const day : days)
        {
            auto const name = full ? day : day.substr(0, 3);
            if (matched || !rest_.starts_with(name))
                continue;
            rest_.remove_prefix(name.size());
            matched = true;
        }
        ok_ = ok_ && matched;
    }

    [[nodiscard]] bool done() const { return ok_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool ok_ = true;
};

struct fields
{
    int year = 0;
    unsigned month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
};

void scan_time(scanner& in, fields& out)
{
    out.hour = in.number(2);
    in.literal(":");
    out.minute = in.number(2);
    in.literal(":");
    out.second = in.number(2);
}

std::optional<std::chrono::sys_seconds> to_time(scanner const& in, fields const& f)
{
    using namespace std::chrono;
    year_month_day const date{year(f.year), month(f.month), day(static_cast<unsigned>(f.day))};
    // 60 is a leap second; years beyond these would overflow a clock's ticks.
    bool const near = f.year >= 1970 && f.year < 2200;
    bool const sane = near && date.ok() && f.hour < 24 && f.minute < 60 && f.second <= 60;
    if (!in.done() || !sane)
        return std::nullopt;
    return sys_days(date) + hours(f.hour) + minutes(f.minute) + seconds(f.second);
}

// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<std::chrono::sys_seconds> parse_imf(std::string_view text)
{
    scanner in(text);
    fields f;
    in.day_name(false);
    in.literal(", ");
    f.day = in.number(2);
    in.literal(" ");
    f.month = in.month();
    in.literal(" ");
    f.year = in.number(4);
    in.literal(" ");
    scan_time(in, f);
    in.literal(" GMT");
    return to_time(in, f);
}

// A year that seems more than 50 years ahead is the last one that ended in these digits.
int full_year(int two_digits, std::chrono::system_clock::time_point now)
{
    using namespace std::chrono;
    int const current = static_cast<int>(year_month_day(floor<std::chrono::days>(now)).year());
    int const guess = current - current % 100 + two_digits;
    return guess > current + 50 ? guess - 100 : guess;
}

// Sunday, 06-Nov-94 08:49:37 GMT
std::optional<std::chrono::sys_seconds>
parse_rfc850(std::string_view text, std::chrono::system_clock::time_point now)
{
    scanner in(text);
    fields f;
    in.day_name(true);
    in.literal(", ");
    f.day = in.number(2);
    in.literal("-");
    f.month = in.month();
    in.literal("-");
    f.year = full_year(in.number(2), now);
    in.literal(" ");
    scan_time(in, f);
    in.literal(" GMT");
    return to_time(in, f);
}

// Sun Nov  6 08:49:37 1994
std::optional<std::chrono::sys_seconds> parse_asctime(std::string_view text)
{
    scanner in(text);
    fields f;
    in.day_name(false);
    in.literal(" ");
    f.month = in.month();
    in.literal(" ");
    f.day = in.padded_day();
    in.literal(" ");
    scan_time(in, f);
    in.literal(" ");
    f.year = in.number(4);
    return to_time(in, f);
}

} // namespace

std::optional<std::chrono::sys_seconds>
parse_http_date(std::string_view text, std::chrono::system_clock::time_point now)
{
    if (auto const found = parse_imf(text))
        return found;
    if (auto const found = parse_rfc850(text, now))
        return found;
    return parse_asctime(text);
}

} // namespace coauth::policy
