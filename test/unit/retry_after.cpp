#include "protocol/retry_after.hpp"

#include "support.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(retry_after)

using coauth::http_headers;

namespace
{

// 2026-11-23 00:00:00 UTC.
constexpr std::int64_t epoch = 1'795'392'000;
constexpr std::chrono::system_clock::time_point now{std::chrono::seconds(epoch)};

// Seconds from now; -1: none.
std::int64_t wait(http_headers const& headers, bool throttled = true)
{
    auto const got = coauth::protocol::retry_at(headers, throttled, now);
    return got ? std::chrono::duration_cast<std::chrono::seconds>(*got - now).count() : -1;
}

constexpr std::int64_t day = 86'400;

} // namespace

BOOST_AUTO_TEST_CASE(retry_after_in_seconds_or_as_a_date)
{
    struct row
    {
        std::string text;
        std::int64_t expected;
    };
    for (auto const& row : std::vector<row>{
             {"0", 0},
             {"1", 1},
             {"120", 120},
             {" 120\t", 120},
             {"007", 7},
             {"86400", day},
             {"86401", day},
             {"99999999999999999999999999", day},
             {"Mon, 23 Nov 2026 00:02:00 GMT", 120},
             {"Monday, 23-Nov-26 00:02:00 GMT", 120},
             {"Mon Nov 23 00:02:00 2026", 120},
             {"Sun, 22 Nov 2026 00:00:00 GMT", 0},
             {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
             {"Fri, 31 Dec 2199 23:59:59 GMT", day},
             {"", -1},
             {"-1", -1},
             {"+1", -1},
             {"1.5", 1},
             {"0x10", -1},
             {"1e3", -1},
             {"1 2", -1},
             {"soon", -1},
             {"120 seconds", 120},
             {"2m", 120},
             {"1m 59.5s", 119},
             {"2 fortnights", -1},
             {"1m2", -1},
             {"s", -1},
             {"2026-11-23T00:02:00Z", 120},
             {"2026-11-23 01:02:00+01:00", 120},
             {"2026-11-23T00:02", 120},
             {"2026-11-31T00:02:00Z", -1},
             {"2026-11-23T24:02:00Z", -1},
             {"2026-11-23T00:02:00Zulu", -1},
             {"2026-11-23", -1},
             {"1\0"s, -1},
         })
        BOOST_TEST_CONTEXT(row.text)
        {
            http_headers headers;
            headers.add("Retry-After", row.text);
            BOOST_TEST(wait(headers) == row.expected);
            BOOST_TEST(wait(headers, false) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(rate_limit_reset_in_seconds_since_1970)
{
    struct row
    {
        std::string text;
        std::int64_t expected;
    };
    for (auto const& row : std::vector<row>{
             {std::to_string(epoch + 60), 60},
             {std::to_string(epoch), 0},
             // The example in the documentation of SMS.CX: long ago.
             {"1664103086", 0},
             {"0", 0},
             {std::to_string(epoch + 2 * day), day},
             {"99999999999999999999999999", day},
             {"-5", -1},
             {"60s", 60},
             {"", -1},
             {"Mon, 23 Nov 2026 00:02:00 GMT", 120},
         })
        BOOST_TEST_CONTEXT(row.text)
        {
            http_headers headers;
            headers.add("X-Rate-Limit-Reset", row.text);
            BOOST_TEST(wait(headers) == row.expected);
            BOOST_TEST(wait(headers, false) == -1);
        }
}

BOOST_AUTO_TEST_CASE(absolute_times_are_corrected_by_the_servers_clock)
{
    struct row
    {
        char const* name;
        char const* date;
        std::int64_t expected;
    };
    // Both mean 00:10:00 by the server's clock.
    for (auto const& row : std::vector<row>{
             {"no date", "", 600},
             {"the same clock", "Mon, 23 Nov 2026 00:00:00 GMT", 600},
             {"one second apart: rounding", "Sun, 22 Nov 2026 23:59:59 GMT", 600},
             {"server one hour behind", "Sun, 22 Nov 2026 23:00:00 GMT", 4200},
             {"server five minutes ahead", "Mon, 23 Nov 2026 00:05:00 GMT", 300},
             {"server far ahead", "Mon, 23 Nov 2026 05:00:00 GMT", 0},
             {"rubbish", "noon", 600},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            for (auto const& [name, value] :
                 {std::pair("Retry-After", "Mon, 23 Nov 2026 00:10:00 GMT"s),
                  {"X-Rate-Limit-Reset", std::to_string(epoch + 600)}})
            {
                http_headers headers;
                if (*row.date != '\0')
                    headers.add("Date", row.date);
                headers.add(name, value);
                BOOST_TEST(wait(headers) == row.expected);
            }
        }
}

BOOST_AUTO_TEST_CASE(retry_after_takes_precedence_unless_it_is_invalid)
{
    auto const with = [](std::string const& retry_after)
    {
        http_headers headers;
        headers.add("X-Rate-Limit-Reset", std::to_string(epoch + 60));
        headers.add("Retry-After", retry_after);
        return headers;
    };
    BOOST_TEST(wait({}) == -1);
    BOOST_TEST(wait(with("5")) == 5);
    BOOST_TEST(wait(with("later")) == 60);
    // Relative seconds need no correction.
    auto headers = with("5");
    headers.add("Date", "Sun, 22 Nov 2026 00:00:00 GMT");
    BOOST_TEST(wait(headers) == 5);
}

BOOST_AUTO_TEST_CASE(a_date_beyond_the_end_of_the_clock_is_limited)
{
    // In 2045, the corrected year 2199 is beyond the end of the clock.
    auto const later = now + std::chrono::hours(24 * 365 * 19);
    http_headers headers;
    headers.add("Date", "Thu, 01 Jan 1970 00:00:00 GMT");
    headers.add("Retry-After", "Tue, 31 Dec 2199 23:59:59 GMT");
    auto const got = coauth::protocol::retry_at(headers, true, later);
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_TEST((*got - later == std::chrono::hours(24)));
}

BOOST_AUTO_TEST_SUITE_END()
