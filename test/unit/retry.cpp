#include "policy/retry.hpp"

#include "support.hpp"

using namespace test;
using coauth::errc;
using coauth::policy::failed_attempt;

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

// Milliseconds until the next attempt, or -1.
std::int64_t
wait(coauth::error const& why, unsigned made, double random, std::chrono::milliseconds left = 60s)
{
    coauth::retry_options options;
    options.max_attempts = 5;
    options.initial_back_off = 100ms;
    options.max_back_off = 500ms;
    failed_attempt state;
    state.made = made;
    state.now = now;
    state.left = left;
    state.random = random;
    auto const got = coauth::policy::next_attempt(why, options, state);
    return got ? std::chrono::duration_cast<std::chrono::milliseconds>(*got).count() : -1;
}

} // namespace

BOOST_AUTO_TEST_SUITE(retry)

BOOST_AUTO_TEST_CASE(exponential_back_off_with_full_jitter)
{
    struct row
    {
        unsigned made;
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
        BOOST_TEST_CONTEXT(row.made << " " << row.random)
    BOOST_TEST(wait(failure(errc::connect_failed), row.made, row.random) == row.expected);
}

BOOST_AUTO_TEST_CASE(delays_for_ever_fit_in_no_deadline)
{
    using std::chrono::milliseconds;
    struct row
    {
        char const* name;
        milliseconds first;
        milliseconds most;
        unsigned made;
        double random;
        bool again;
    };
    for (auto const& row : std::vector<row>{
             {"both", milliseconds::max(), milliseconds::max(), 1, 0.5, false},
             {"both, at their longest", milliseconds::max(), milliseconds::max(), 1, 1.0, false},
             {"doubled", milliseconds::max(), milliseconds::max(), 9, 0.999, false},
             {"the first", milliseconds::max(), 500ms, 1, 0.5, true},
             {"the longest", 100ms, milliseconds::max(), 1, 0.5, true},
             {"the longest, when it is reached", 100ms, milliseconds::max(), 2000, 0.5, false},
             {"none that is doubled for ever", 0ms, milliseconds::max(), 2000, 0.5, true},
             {"by no chance", milliseconds::max(), milliseconds::max(), 1, 0.0, true}})
        BOOST_TEST_CONTEXT(row.name)
        {
            coauth::retry_options options;
            options.max_attempts = 3000;
            options.initial_back_off = row.first;
            options.max_back_off = row.most;
            failed_attempt state;
            state.made = row.made;
            state.now = now;
            state.left = std::chrono::hours(1);
            state.random = row.random;
            auto const got =
                coauth::policy::next_attempt(failure(errc::connect_failed), options, state);
            BOOST_TEST(got.has_value() == row.again);
            BOOST_TEST((got.value_or(0ns) >= 0ns));
        }
}

// As a function of the user may have it in its error.
BOOST_AUTO_TEST_CASE(any_time_may_be_named)
{
    using time_point = std::chrono::system_clock::time_point;
    for (auto const when : {time_point::min(), time_point(), time_point::max()})
    {
        coauth::error_info info;
        info.retry_at = when;
        coauth::error const why(errc::connect_failed, std::move(info));
        BOOST_TEST(wait(why, 1, 0.5) == (when == time_point::max() ? -1 : 50));
    }
}

BOOST_AUTO_TEST_CASE(only_what_may_pass)
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
    BOOST_TEST((wait(failure(row.code, row.status), 1, 0.5) >= 0) == row.again);
}

BOOST_AUTO_TEST_CASE(the_server_is_obeyed)
{
    auto const limited = [](std::chrono::seconds after)
    { return failure(errc::rate_limited, 429, after); };
    BOOST_TEST(wait(limited(2s), 1, 0.5) == 2000);
    // Earlier than our own wait, or past: ours counts.
    BOOST_TEST(wait(limited(0s), 1, 0.5) == 50);
    BOOST_TEST(wait(limited(-5s), 1, 0.5) == 50);
}

BOOST_AUTO_TEST_CASE(a_wait_that_does_not_fit_is_not_begun)
{
    auto const limited = failure(errc::rate_limited, 429, 2s);
    BOOST_TEST(wait(limited, 1, 0.5, 2001ms) == 2000);
    BOOST_TEST(wait(limited, 1, 0.5, 2000ms) == -1);
    BOOST_TEST(wait(failure(errc::timeout), 1, 0.0, 0ms) == -1);
    BOOST_TEST(wait(failure(errc::timeout), 1, 0.0, -5ms) == -1);
}

BOOST_AUTO_TEST_CASE(none_presents_again_what_may_be_spent)
{
    failed_attempt state;
    state.now = now;
    state.left = 60s;
    auto const why = failure(errc::connection_lost);
    BOOST_TEST(coauth::policy::next_attempt(why, {}, state).has_value());
    state.is_single_use_grant = true;
    BOOST_TEST(!coauth::policy::next_attempt(why, {}, state).has_value());
    for (unsigned const status : {408U, 425U, 429U, 503U})
        BOOST_TEST(coauth::policy::is_unprocessed_status(status));
    for (unsigned const status : {200U, 400U, 401U, 500U, 502U, 504U})
        BOOST_TEST(!coauth::policy::is_unprocessed_status(status));
}

BOOST_AUTO_TEST_SUITE_END()
