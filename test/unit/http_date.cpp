#include "protocol/http_date.hpp"

#include "support.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(http_date)

using coauth::protocol::parse_http_date;

namespace
{

// 2026-11-23 00:00:00 UTC.
constexpr std::chrono::sys_seconds now{std::chrono::seconds(1'795'392'000)};

// Seconds since the epoch, or -1.
std::int64_t parsed(std::string_view text)
{
    auto const got = parse_http_date(text, now);
    return got ? got->time_since_epoch().count() : -1;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_three_date_formats_of_rfc_9110_are_read)
{
    struct row
    {
        char const* text;
        std::int64_t expected;
    };
    for (auto const& row : std::vector<row>{
             {"Sun, 06 Nov 1994 08:49:37 GMT", 784'111'777},
             {"Sunday, 06-Nov-94 08:49:37 GMT", 784'111'777},
             {"Sun Nov  6 08:49:37 1994", 784'111'777},
             {"Mon Nov 16 08:49:37 2026", 1'794'818'977},
             {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
             {"Thu, 29 Feb 2024 12:00:00 GMT", 1'709'208'000},
             {"Fri, 31 Dec 2199 23:59:59 GMT", 7'258'118'399},
             // A leap second.
             {"Sat, 31 Dec 2016 23:59:60 GMT", 1'483'228'800},
             // A two-digit year is at most 50 years in the future.
             {"Monday, 23-Nov-26 00:00:00 GMT", 1'795'392'000},
             {"Wednesday, 01-Jan-76 00:00:00 GMT", 3'345'062'400},
             {"Saturday, 01-Jan-77 00:00:00 GMT", 220'924'800},
         })
        BOOST_TEST_CONTEXT(row.text)
    BOOST_TEST(parsed(row.text) == row.expected);
}

BOOST_AUTO_TEST_CASE(other_texts_are_rejected_as_dates)
{
    for (auto const& text : std::vector<std::string>{
             ""s,
             " "s,
             "0"s,
             "1234567890"s,
             "tomorrow"s,
             "Sun, 06 Nov 1994 08:49:37"s,
             "Sun, 06 Nov 1994 08:49:37 UTC"s,
             "Sun, 06 Nov 1994 08:49:37 +0000"s,
             "Sun, 06 Nov 1994 08:49:37 GMT "s,
             "Sun, 06 Nov 1994 08:49:37 GMTx"s,
             "Sun, 6 Nov 1994 08:49:37 GMT"s,
             "sun, 06 nov 1994 08:49:37 gmt"s,
             "Sun, 00 Nov 1994 08:49:37 GMT"s,
             "Sun, 31 Nov 1994 08:49:37 GMT"s,
             "Wed, 29 Feb 2023 12:00:00 GMT"s,
             "Sun, 06 Foo 1994 08:49:37 GMT"s,
             "Sun, 06 Nov 1994 24:00:00 GMT"s,
             "Sun, 06 Nov 1994 08:60:37 GMT"s,
             "Sun, 06 Nov 1994 08:49:61 GMT"s,
             "Sun, 06 Nov -994 08:49:37 GMT"s,
             "Sun, 06 Nov 1969 08:49:37 GMT"s,
             "Sun, 06 Nov 9999 08:49:37 GMT"s,
             "Sun, 06 Nov 19940 08:49:37 GMT"s,
             "Xyz, 06 Nov 1994 08:49:37 GMT"s,
             "Sun Nov  6 08:49:37 94"s,
             "Sun Nov 6 08:49:37 1994"s,
             "Sunday, 06-Nov-1994 08:49:37 GMT"s,
             "Sun, 06 Nov 1994 08:49:3\0 GMT"s,
             "1994-11-06T08:49:37Z"s,
             std::string(100'000, '9')})
        BOOST_TEST_CONTEXT(text.substr(0, 60))
    BOOST_TEST(parsed(text) == -1);
}

BOOST_AUTO_TEST_CASE(every_prefix_of_a_date_is_rejected)
{
    for (std::string_view const whole :
         {"Sun, 06 Nov 1994 08:49:37 GMT"sv, "Sunday, 06-Nov-94 08:49:37 GMT"sv,
          "Sun Nov  6 08:49:37 1994"sv})
        for (std::size_t size = 0; size < whole.size(); ++size)
            BOOST_TEST_CONTEXT(whole.substr(0, size))
    BOOST_TEST(parsed(whole.substr(0, size)) == -1);
}

BOOST_AUTO_TEST_SUITE_END()
