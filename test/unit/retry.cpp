#include "policy/retry.hpp"

#include "support.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(retry)

using coauth::errc;
using coauth::policy::retry_context;

namespace
{

constexpr std::chrono::system_clock::time_point now{std::chrono::seconds(1'795'392'000)};

coauth::error
failure(errc code, unsigned status = 0, std::optional<std::chrono::seconds> retry_after = {})
{
    coauth::error_info info;
    info.http_status = status;
    if (retry_after)
        info.retry_at = now + *retry_after;
    return {code, std::move(info)};
}

// In milliseconds; -1: there is no further attempt.
std::int64_t delay_after(
    coauth::error const& failure, unsigned attempts, double random,
    std::chrono::milliseconds time_left = 60s)
{
    coauth::retry_options options;
    options.max_attempts = 5;
    options.initial_back_off = 100ms;
    options.max_back_off = 500ms;
    retry_context const context{now, time_left, random};
    auto const delay = coauth::policy::retry_delay(failure, options, attempts, context);
    return delay ? std::chrono::duration_cast<std::chrono::milliseconds>(*delay).count() : -1;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_back_off_is_exponential_with_full_jitter)
{
    struct row
    {
        unsigned attempts;
        double random;
        std::int64_t expected;
    };
    for (auto const& row : std::vector<row>{
             {1, 0.0, 0},
             {1, 0.5, 50},
             {1, 0.99, 99},
             {2, 0.5, 100},
             {3, 0.5, 200},
             {4, 0.5, 250},
             {4, 0.0, 0},
             {5, 0.5, -1},
             {6, 0.5, -1},
         })
        BOOST_TEST_CONTEXT(row.attempts << " " << row.random)
    BOOST_TEST(
        delay_after(failure(errc::connect_failed), row.attempts, row.random) == row.expected);
}

BOOST_AUTO_TEST_CASE(unlimited_delays_fit_in_no_deadline)
{
    using std::chrono::milliseconds;
    struct row
    {
        char const* name;
        milliseconds initial;
        milliseconds max;
        unsigned attempts;
        double random;
        bool again;
    };
    for (auto const& row : std::vector<row>{
             {"both", milliseconds::max(), milliseconds::max(), 1, 0.5, false},
             {"both, with the largest random value", milliseconds::max(), milliseconds::max(), 1,
              1.0, false},
             {"doubled", milliseconds::max(), milliseconds::max(), 9, 0.999, false},
             {"the initial one", milliseconds::max(), 500ms, 1, 0.5, true},
             {"the maximum", 100ms, milliseconds::max(), 1, 0.5, true},
             {"the maximum, when it is reached", 100ms, milliseconds::max(), 2000, 0.5, false},
             {"zero, doubled many times", 0ms, milliseconds::max(), 2000, 0.5, true},
             {"both, with random value 0", milliseconds::max(), milliseconds::max(), 1, 0.0, true}})
        BOOST_TEST_CONTEXT(row.name)
        {
            coauth::retry_options options;
            options.max_attempts = 3000;
            options.initial_back_off = row.initial;
            options.max_back_off = row.max;
            retry_context const context{now, std::chrono::hours(1), row.random};
            auto const delay = coauth::policy::retry_delay(
                failure(errc::connect_failed), options, row.attempts, context);
            BOOST_TEST(delay.has_value() == row.again);
            BOOST_TEST((delay.value_or(0ns) >= 0ns));
        }
}

// A user's function may return an error with any time.
BOOST_AUTO_TEST_CASE(any_retry_time_is_accepted)
{
    using time_point = std::chrono::system_clock::time_point;
    for (auto const when : {time_point::min(), time_point(), time_point::max()})
    {
        coauth::error_info info;
        info.retry_at = when;
        coauth::error const reason(errc::connect_failed, std::move(info));
        BOOST_TEST(delay_after(reason, 1, 0.5) == (when == time_point::max() ? -1 : 50));
    }
}

BOOST_AUTO_TEST_CASE(only_transient_failures_are_retried)
{
    struct row
    {
        errc code;
        unsigned status;
        bool again;
    };
    for (auto const& row : std::vector<row>{
             {errc::resolve_failed, 0, true},
             {errc::connect_failed, 0, true},
             {errc::connection_lost, 0, true},
             {errc::timeout, 0, true},
             {errc::incomplete_response, 200, true},
             {errc::http_error, 408, true},
             {errc::http_error, 425, true},
             {errc::rate_limited, 429, true},
             {errc::http_error, 500, true},
             {errc::http_error, 502, true},
             {errc::server_error, 500, true},
             {errc::other_oauth_error, 500, true},
             {errc::other_oauth_error, 503, true},
             {errc::other_oauth_error, 408, true},
             {errc::other_oauth_error, 425, true},
             {errc::invalid_request, 408, true},
             {errc::invalid_request, 502, true},
             {errc::access_denied, 504, true},
             {errc::invalid_client, 500, true},
             {errc::invalid_client, 408, false},
             {errc::invalid_grant, 425, false},
             {errc::other_oauth_error, 400, false},
             {errc::access_denied, 403, false},
             {errc::proxy_refused, 503, true},
             {errc::cancelled, 503, false},
             {errc::out_of_memory, 503, false},
             {errc::temporarily_unavailable, 503, true},
             {errc::server_error, 400, false},
             {errc::temporarily_unavailable, 401, false},
             {errc::rate_limited, 403, false},
             {errc::http_error, 404, false},
             {errc::invalid_client, 401, false},
             {errc::invalid_configuration, 0, false},
             {errc::certificate_verify_failed, 0, false},
             {errc::tls_failed, 0, false},
             {errc::proxy_refused, 407, false},
             {errc::cancelled, 0, false},
             {errc::malformed_response, 200, false},
             {errc::malformed_http, 0, false},
             {errc::redirect_refused, 302, false},
             {errc::out_of_memory, 0, false},
         })
        BOOST_TEST_CONTEXT(to_string(row.code) << " " << row.status)
    BOOST_TEST((delay_after(failure(row.code, row.status), 1, 0.5) >= 0) == row.again);
}

BOOST_AUTO_TEST_CASE(a_longer_delay_of_the_server_is_used)
{
    auto const limited = [](std::chrono::seconds after)
    { return failure(errc::rate_limited, 429, after); };
    BOOST_TEST(delay_after(limited(2s), 1, 0.5) == 2000);
    // Shorter than the back-off, or in the past: the back-off counts.
    BOOST_TEST(delay_after(limited(0s), 1, 0.5) == 50);
    BOOST_TEST(delay_after(limited(-5s), 1, 0.5) == 50);
}

BOOST_AUTO_TEST_CASE(a_delay_that_exceeds_the_deadline_is_not_started)
{
    auto const limited = failure(errc::rate_limited, 429, 2s);
    BOOST_TEST(delay_after(limited, 1, 0.5, 2001ms) == 2000);
    BOOST_TEST(delay_after(limited, 1, 0.5, 2000ms) == -1);
    BOOST_TEST(delay_after(failure(errc::timeout), 1, 0.0, 0ms) == -1);
    BOOST_TEST(delay_after(failure(errc::timeout), 1, 0.0, -5ms) == -1);
}

BOOST_AUTO_TEST_CASE(statuses_of_unprocessed_requests_are_recognized)
{
    for (unsigned const status : {408U, 425U, 429U, 503U})
        BOOST_TEST(coauth::policy::is_unprocessed_status(status));
    for (unsigned const status : {200U, 400U, 401U, 500U, 502U, 504U})
        BOOST_TEST(!coauth::policy::is_unprocessed_status(status));
}

BOOST_AUTO_TEST_SUITE_END()
