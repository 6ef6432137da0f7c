// Retry times in every form that servers use. The magnitude of a number distinguishes seconds from
// now, seconds since 1970 and milliseconds since 1970. `Date` corrects the clock.

#include "response_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <ctime>
#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(retry_after)

namespace
{

std::int64_t now_in(std::chrono::nanoseconds unit, std::chrono::seconds offset)
{
    auto const time = std::chrono::system_clock::now().time_since_epoch() + offset;
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time) / unit;
}

std::string epoch(std::chrono::nanoseconds unit, std::chrono::seconds offset)
{
    return std::to_string(now_in(unit, offset));
}

std::string date(std::chrono::seconds offset, char const* format = "%a, %d %b %Y %H:%M:%S GMT")
{
    auto const time = static_cast<std::time_t>(now_in(1s, offset));
    std::tm fields = {};
    gmtime_r(&time, &fields);
    char text[64];
    return {text, std::strftime(text, sizeof text, format, &fields)};
}

struct retry_form
{
    char const* name;
    unsigned status;
    std::vector<std::pair<char const*, std::string>> fields;
    // Seconds from now, to within two seconds; -1: none; -2: within an hour.
    double expected;
};

std::vector<retry_form> forms_of_retry_after()
{
    return {
        {"seconds", 429, {{"Retry-After", "30"}}, 30},
        {"seconds with 503", 503, {{"Retry-After", "30"}}, 30},
        {"seconds with 400", 400, {{"Retry-After", "30"}}, 30},
        {"a fraction", 429, {{"Retry-After", "29.5"}}, 29.5},
        {"spaces", 429, {{"Retry-After", " 30 "}}, 30},
        {"zero", 429, {{"Retry-After", "0"}}, 0},
        {"a date", 429, {{"Retry-After", date(30s)}}, 30},
        {"a date in UTC", 429, {{"Retry-After", date(30s, "%a, %d %b %Y %H:%M:%S UTC")}}, 30},
        {"a date with an offset",
         429,
         {{"Retry-After", date(30s, "%a, %d %b %Y %H:%M:%S +0000")}},
         30},
        {"a date of a server that is an hour ahead",
         429,
         {{"Date", date(3600s)}, {"Retry-After", date(3630s)}},
         30},
        {"seconds since 1970", 429, {{"Retry-After", epoch(1s, 30s)}}, 30},
        {"milliseconds since 1970", 429, {{"Retry-After", epoch(1ms, 30s)}}, 30},
        {"a day", 429, {{"Retry-After", "86400"}}, 86400},
        {"longer than a day", 429, {{"Retry-After", "8640000"}}, 86400},
        {"milliseconds", 429, {{"retry-after-ms", "30000"}}, 30},
        {"milliseconds of Azure", 429, {{"x-ms-retry-after-ms", "29500"}}, 29.5},
        {"milliseconds are more exact",
         429,
         {{"Retry-After", "30"}, {"x-ms-retry-after-ms", "29100"}},
         29.1},
    };
}

std::vector<retry_form> forms_of_resets()
{
    auto const half = R"("burst";q=5;w=1;r=3;t=1, "daily";r=0;t=30)"s;
    return {
        {"reset since 1970", 429, {{"X-Rate-Limit-Reset", epoch(1s, 30s)}}, 30},
        {"reset since 1970, other spelling", 429, {{"X-RateLimit-Reset", epoch(1s, 30s)}}, 30},
        {"reset since 1970 with a fraction",
         429,
         {{"X-RateLimit-Reset", epoch(1s, 30s) + ".5"}},
         30.5},
        {"reset in milliseconds since 1970", 429, {{"X-RateLimit-Reset", epoch(1ms, 30s)}}, 30},
        {"reset in microseconds since 1970", 429, {{"X-RateLimit-Reset", epoch(1us, 30s)}}, 30},
        {"reset in seconds", 429, {{"X-RateLimit-Reset", "30"}}, 30},
        {"reset of the draft", 429, {{"RateLimit-Reset", "30"}}, 30},
        {"reset by a date", 429, {{"X-RateLimit-Reset", date(30s)}}, 30},
        {"reset by a server that is an hour behind",
         429,
         {{"Date", date(-3600s)}, {"X-RateLimit-Reset", epoch(1s, -3570s)}},
         30},
        {"reset after", 429, {{"X-RateLimit-Reset-After", "29.5"}}, 29.5},
        {"RateLimit", 429, {{"RateLimit", "limit=10, remaining=0, reset=30"}}, 30},
        {"RateLimit, other order", 429, {{"RateLimit", "reset=30,remaining=0,limit=10"}}, 30},
        {"RateLimit, structured", 429, {{"RateLimit", R"("default";r=0;t=30)"}}, 30},
        {"RateLimit, time first", 429, {{"RateLimit", R"("default";t=30;r=0)"}}, 30},
        {"RateLimit, the quota that is used up", 429, {{"RateLimit", half}}, 30},
        {"RateLimit, quotas without quotes",
         429,
         {{"RateLimit", "burst;r=0;t=30, daily;r=50;t=3600"}},
         30},
        {"RateLimit in two fields",
         429,
         {{"RateLimit", R"("burst";r=5;t=1)"}, {"RateLimit", R"("daily";r=0;t=30)"}},
         30},
        {"RateLimit of a refusal", 400, {{"RateLimit", R"("burst"; r=0; t=30)"}}, 30},
        {"RateLimit and Retry-After",
         429,
         {{"RateLimit", R"("default";r=0;t=30)"}, {"Retry-After", "20"}},
         20},
        {"403 without remaining requests",
         403,
         {{"X-RateLimit-Remaining", "0"}, {"X-RateLimit-Reset", epoch(1s, 30s)}},
         30},
        {"403 with remaining requests",
         403,
         {{"X-RateLimit-Remaining", "7"}, {"X-RateLimit-Reset", epoch(1s, 30s)}},
         -1},
        {"400 with a reset, as in every response",
         400,
         {{"X-Rate-Limit-Reset", epoch(1s, 30s)}},
         -1},
    };
}

std::vector<retry_form> forms_with_units_and_dates()
{
    return {
        {"OpenAI", 429, {{"x-ratelimit-reset-requests", "1m30.5s"}}, 90.5},
        {"milliseconds by name", 429, {{"X-RateLimit-Reset-Ms", "4500"}}, 4.5},
        {"milliseconds of a gateway", 429, {{"X-Retry-After-Ms", "4500"}}, 4.5},
        {"seconds of items", 429, {{"X-RateLimit-Reset-Items", "30"}}, 30},
        {"a unit", 429, {{"RateLimit-Reset", "30s"}}, 30},
        {"milliseconds with their unit", 429, {{"X-RateLimit-Reset", "4500ms"}}, 4.5},
        {"words", 429, {{"Retry-After", "30 seconds"}}, 30},
        {"quotes", 429, {{"Retry-After", "\"30\""}}, 30},
        {"RFC 3339", 429, {{"X-RateLimit-Reset", date(30s, "%Y-%m-%dT%H:%M:%SZ")}}, 30},
        {"RFC 3339 with a fraction",
         429,
         {{"X-RateLimit-Reset", date(30s, "%Y-%m-%dT%H:%M:%S.250+00:00")}},
         31},
        {"RFC 3339 with an offset",
         429,
         {{"X-RateLimit-Reset", date(3630s, "%Y-%m-%d %H:%M:%S+01:00")}},
         30},
        {"Atlassian, without seconds",
         429,
         {{"X-RateLimit-Reset", date(1h, "%Y-%m-%dT%H:%MZ")}},
         -2},
        {"Linear", 429, {{"X-RateLimit-Requests-Reset", epoch(1ms, 30s)}}, 30},
        {"the nearest of several",
         429,
         {{"X-RateLimit-Reset-Day", "8000"}, {"X-RateLimit-Reset-Minute", "30"}},
         30},
        {"another spelling", 429, {{"X-Retry-After-Seconds", "30"}}, 30},
        {"no unit that is known", 429, {{"Retry-After", "3 fortnights"}}, -1},
        {"the past", 429, {{"X-RateLimit-Reset", epoch(1s, -30s)}}, 0},
        {"negative", 429, {{"Retry-After", "-5"}}, -1},
        {"words", 429, {{"Retry-After", "soon"}}, -1},
        {"nothing", 429, {}, -1},
        {"words, then a reset", 429, {{"Retry-After", "soon"}, {"RateLimit-Reset", "30"}}, 30},
    };
}

void check_form(scripted_server& server, retry_form const& form)
{
    BOOST_TEST_CONTEXT(form.name)
    {
        response scripted;
        scripted.status = form.status;
        for (auto const& [name, value] : form.fields)
            scripted.headers.add(name, value);
        auto const began = std::chrono::system_clock::now();
        auto const e = server.get_error(scripted);
        BOOST_TEST(e.retry_at().has_value() == (form.expected != -1));
        if (!e.retry_at())
            return;
        auto const wait = std::chrono::duration<double>(*e.retry_at() - began).count();
        if (form.expected == -2)
        {
            BOOST_TEST((wait > 3500 && wait < 3603), wait);
            return;
        }
        // A date has whole seconds, and the request takes a moment.
        BOOST_TEST(std::abs(wait - form.expected) < 3, wait << " and " << form.expected);
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(every_form_of_a_retry_time_is_read)
{
    scripted_server server;
    for (auto const& forms :
         {forms_of_retry_after(), forms_of_resets(), forms_with_units_and_dates()})
        for (auto const& form : forms)
            check_form(server, form);
}

// Where no field names a time, the body may.
BOOST_AUTO_TEST_CASE(a_retry_time_in_the_body_is_read)
{
    struct row
    {
        char const* name;
        unsigned status;
        std::string body;
        // -1: none.
        double expected;
    };
    scripted_server server;
    for (auto const& row : std::vector<row>{
             {"Discord", 429, R"({"message":"Slow","retry_after":7.5,"global":false})", 7.5},
             {"Telegram", 429, R"({"error_code":429,"parameters":{"retry_after":7}})", 7},
             {"Google", 429,
              R"({"error":{"code":429,"details":[{"@type":"x.RetryInfo","retryDelay":"7.5s"}]}})",
              7.5},
             {"Google, the third detail", 429,
              R"({"error":{"code":429,"details":[{"@type":"x.QuotaFailure"},{"@type":"x.Help"},)"
              R"({"@type":"x.RetryInfo","retryDelay":"7.5s"}]}})",
              7.5},
             {"text", 429, R"({"retryAfter":"7"})", 7},
             {"milliseconds", 503, R"({"retryAfterMs":7500})", 7.5},
             {"throttled by its words", 200, R"({"error":"slow_down","retry_after":7})", 7},
             {"not throttled", 400, R"({"error":"invalid_scope","retry_after":7})", -1},
             {"negative", 429, R"({"retry_after":-7})", -1},
             {"an object", 429, R"({"retry_after":{"s":7}})", -1},
             {"huge", 429, R"({"retry_after":1e300})", -1},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const began = std::chrono::system_clock::now();
            auto const e = server.get_error(document(row.status, "application/json", row.body));
            BOOST_TEST(e.retry_at().has_value() == (row.expected >= 0));
            if (!e.retry_at())
                continue;
            auto const wait = std::chrono::duration<double>(*e.retry_at() - began).count();
            BOOST_TEST(std::abs(wait - row.expected) < 3, wait << " and " << row.expected);
        }
}

BOOST_AUTO_TEST_SUITE_END()
