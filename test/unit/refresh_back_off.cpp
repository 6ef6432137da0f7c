// Failed fetches of a token source, and the waits that follow.

#include "policy_fixture.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(refresh_back_off)

BOOST_AUTO_TEST_CASE(a_failed_refresh_keeps_the_token_to_its_end)
{
    policy_fixture b;
    b.start_with(b.token("a"));
    b.pass(3000s);
    BOOST_TEST(b.get().fetch.has_value());
    auto const ended = b.on_fetch_complete(error(errc::connect_failed));
    BOOST_TEST(ended.waiters.empty());
    BOOST_TEST(b.outcome_of_get() == "a");
    auto const status = b.tested.status(b.now());
    BOOST_TEST((status.failing_since == b.now().wall));
    BOOST_TEST((status.last_error->value() == errc::connect_failed));
    // The second attempt follows after the interval, not at once.
    BOOST_TEST(!b.get().fetch);
    b.pass(31s);
    BOOST_TEST((b.get().fetch == fetch_reason::refresh));
    (void)b.on_fetch_complete(error(errc::connect_failed));
    b.pass(600s);
    auto const decision = b.get();
    BOOST_TEST((decision.kind == decision_kind::wait));
    BOOST_TEST((decision.fetch == fetch_reason::expired));
}

BOOST_AUTO_TEST_CASE(a_failure_reaches_all_waiters_and_starts_a_back_off)
{
    policy_fixture b;
    (void)b.get();
    (void)b.get();
    auto const ended = b.on_fetch_complete(error(errc::connect_failed), 0.5);
    BOOST_TEST(ended.waiters.size() == 2U);
    BOOST_TEST((ended.outcome.error() == errc::connect_failed));
    BOOST_TEST((ended.outcome.error().retry_at() == b.now().wall + 500ms));
    BOOST_TEST((b.current_state() == state::back_off));
    BOOST_TEST(b.outcome_of_get() == "connect_failed");
    b.pass(499ms);
    BOOST_TEST(b.outcome_of_get() == "connect_failed");
    b.pass(1ms);
    BOOST_TEST(b.outcome_of_get() == "wait");
}

BOOST_AUTO_TEST_CASE(the_back_off_grows_to_its_limit)
{
    using coauth::policy::back_off;
    coauth::token_source_options const options;
    error const lost(errc::connect_failed);
    BOOST_TEST((back_off(lost, {1, 0, 0}, options, 1) == 1s));
    BOOST_TEST((back_off(lost, {2, 0, 0}, options, 1) == 1600ms));
    BOOST_TEST((back_off(lost, {3, 0, 0}, options, 0.5) == 1280ms));
    BOOST_TEST((back_off(lost, {100, 0, 0}, options, 1) == 120s));
    BOOST_TEST((back_off(lost, {4'000'000'000, 0, 0}, options, 1) == 120s));
    BOOST_TEST((back_off(lost, {1, 0, 0}, options, 0) == 100ms));
    // Nothing was sent.
    BOOST_TEST((back_off(error(errc::invalid_configuration), {1, 0, 0}, options, 0) == 60s));
    BOOST_TEST((back_off(error(errc::invalid_configuration), {1, 0, 0}, options, 1) == 120s));
    for (auto const code : {errc::invalid_client, errc::invalid_scope})
    {
        BOOST_TEST((back_off(error(code), {1, 1, 1}, options, 0) == 1s));
        BOOST_TEST((back_off(error(code), {1, 1, 1}, options, 1) == 2s));
        BOOST_TEST((back_off(error(code), {2, 2, 2}, options, 1) == 8s));
        BOOST_TEST((back_off(error(code), {3, 3, 3}, options, 1) == 32s));
        BOOST_TEST((back_off(error(code), {6, 6, 6}, options, 0) == 1024s));
        // Not always the same refusal.
        BOOST_TEST((back_off(error(code), {9, 7, 4}, options, 0) == 60s));
        BOOST_TEST((back_off(error(code), {9, 7, 4}, options, 1) == 120s));
        BOOST_TEST((back_off(error(code), {7, 7, 7}, options, 0) == 3600s));
        BOOST_TEST(
            (back_off(error(code), {4'000'000'000, 4'000'000'000, 4'000'000'000}, options, 1) ==
             4500s));
    }
}

BOOST_AUTO_TEST_CASE(the_kind_of_failure_decides_the_back_off)
{
    using coauth::policy::failure_kind;
    struct row
    {
        errc code;
        unsigned status;
        failure_kind kind;
    };
    for (auto const& [code, status, kind] :
         {row{errc::invalid_configuration, 0, failure_kind::invalid},
          row{errc::invalid_parameter, 0, failure_kind::invalid},
          row{errc::invalid_client, 401, failure_kind::refused},
          row{errc::invalid_client, 400, failure_kind::refused},
          row{errc::invalid_grant, 400, failure_kind::refused},
          row{errc::access_denied, 403, failure_kind::refused},
          row{errc::other_oauth_error, 400, failure_kind::refused},
          // Words of a gateway: "not_found", "forbidden".
          row{errc::other_oauth_error, 404, failure_kind::passing},
          row{errc::other_oauth_error, 403, failure_kind::passing},
          row{errc::other_oauth_error, 200, failure_kind::passing},
          row{errc::http_error, 401, failure_kind::refused},
          row{errc::invalid_client, 503, failure_kind::passing},
          row{errc::other_oauth_error, 500, failure_kind::passing},
          row{errc::invalid_request, 429, failure_kind::passing},
          row{errc::rate_limited, 429, failure_kind::passing},
          row{errc::invalid_client, 429, failure_kind::refused},
          row{errc::invalid_grant, 408, failure_kind::refused},
          row{errc::temporarily_unavailable, 400, failure_kind::passing},
          row{errc::http_error, 403, failure_kind::passing},
          row{errc::http_error, 404, failure_kind::passing},
          row{errc::http_error, 503, failure_kind::passing},
          row{errc::redirect_refused, 302, failure_kind::passing},
          row{errc::malformed_response, 200, failure_kind::passing},
          row{errc::malformed_http, 0, failure_kind::passing},
          row{errc::certificate_verify_failed, 0, failure_kind::passing},
          row{errc::timeout, 0, failure_kind::passing},
          row{errc::out_of_memory, 0, failure_kind::passing}})
    {
        coauth::error_info info;
        info.http_status = status;
        BOOST_TEST(
            (coauth::policy::kind_of_failure(error(code, info)) == kind), to_string(code)
                                                                              << ' ' << status);
    }
}

BOOST_AUTO_TEST_CASE(the_delay_that_the_server_requests_is_kept)
{
    policy_fixture b;
    (void)b.get();
    coauth::error_info info;
    info.retry_at = b.now().wall + 600s;
    (void)b.on_fetch_complete(error(errc::rate_limited, info));
    b.pass(599s);
    BOOST_TEST(b.outcome_of_get() == "rate_limited");
    // Whatever the wall clock shows.
    b.wall += 7200s;
    BOOST_TEST(b.outcome_of_get() == "rate_limited");
    b.pass(1s);
    BOOST_TEST(b.outcome_of_get() == "wait");
}

BOOST_AUTO_TEST_CASE(a_requested_delay_is_limited)
{
    coauth::token_source_options short_delay;
    short_delay.max_retry_after = 60s;
    coauth::token_source_options ignored;
    ignored.max_retry_after = 0s;
    struct row
    {
        coauth::token_source_options options;
        std::chrono::milliseconds delay;
    };
    for (auto const& [options, delay] : {row{{}, 900s}, row{short_delay, 60s}, row{ignored, 500ms}})
    {
        policy_fixture b(options);
        (void)b.get();
        coauth::error_info info;
        info.retry_at = b.now().wall + 86'400s;
        auto const ended = b.on_fetch_complete(error(errc::rate_limited, info));
        BOOST_TEST((ended.outcome.error().retry_at() == b.now().wall + delay));
        b.pass(delay - 1ms);
        BOOST_TEST(b.outcome_of_get() == "rate_limited");
        b.pass(1ms);
        BOOST_TEST(b.outcome_of_get() == "wait");
    }
}

BOOST_AUTO_TEST_CASE(a_forced_fetch_ignores_delays)
{
    policy_fixture b;
    (void)b.get();
    coauth::error_info info;
    info.retry_at = b.now().wall + 600s;
    (void)b.on_fetch_complete(error(errc::rate_limited, info));
    BOOST_TEST(b.outcome_of_get() == "rate_limited");
    auto const forced = b.get_new();
    BOOST_TEST((forced.kind == decision_kind::wait));
    BOOST_TEST((forced.fetch == fetch_reason::forced));
    BOOST_TEST((b.tested.fetch_start() == b.now().steady));
    (void)b.on_fetch_complete(b.token("a"));
    BOOST_TEST(b.outcome_of_get() == "a");
}

BOOST_AUTO_TEST_CASE(new_credentials_end_the_back_off)
{
    policy_fixture b;
    (void)b.get();
    (void)b.on_fetch_complete(error(errc::invalid_client));
    BOOST_TEST(b.tested.wants_new_credentials());
    BOOST_TEST(b.outcome_of_get() == "invalid_client");
    auto const first = b.now().wall;
    b.pass(1s);
    BOOST_TEST(b.outcome_of_get() == "invalid_client");
    (void)b.tested.credentials_changed(b.now());
    BOOST_TEST(b.outcome_of_get() == "wait");
    (void)b.on_fetch_complete(error(errc::connect_failed));
    // Since the first failure: there was no success.
    BOOST_TEST((b.tested.status(b.now()).failing_since == first));
    BOOST_TEST(!b.tested.wants_new_credentials());
    (void)b.tested.credentials_changed(b.now());
    BOOST_TEST(b.outcome_of_get() == "connect_failed");
}

// Assertions are new each time. New credentials do not correct a wrong scope.
BOOST_AUTO_TEST_CASE(new_credentials_end_one_back_off)
{
    policy_fixture b;
    (void)b.get();
    (void)b.on_fetch_complete(error(errc::invalid_client));
    (void)b.tested.credentials_changed(b.now());
    BOOST_TEST(b.outcome_of_get() == "wait");
    (void)b.on_fetch_complete(error(errc::invalid_client));
    // The first change also made the back-off short again: 1.5 s.
    for (int i = 0; i < 14; ++i)
    {
        b.pass(100ms);
        (void)b.tested.credentials_changed(b.now());
        BOOST_TEST_REQUIRE(b.outcome_of_get() == "invalid_client");
    }
    b.pass(100ms);
    BOOST_TEST(b.outcome_of_get() == "wait");
    (void)b.on_fetch_complete(error(errc::invalid_client));
    // A further change saves these 6 s, and the next 24 s begin after them.
    (void)b.tested.credentials_changed(b.now());
    BOOST_TEST(b.outcome_of_get() == "wait");
    (void)b.on_fetch_complete(error(errc::invalid_client));
    BOOST_TEST((b.tested.back_off_remaining(b.now()) == 30s));
    b.pass(5s);
    (void)b.tested.credentials_changed(b.now());
    BOOST_TEST(b.outcome_of_get() == "invalid_client");
    b.pass(1s);
    (void)b.tested.credentials_changed(b.now());
    BOOST_TEST(b.outcome_of_get() == "wait");
    (void)b.on_fetch_complete(b.token("a"));
    (void)b.tested.invalidate(b.now(), b.token("a"));
    (void)b.get();
    coauth::error_info responded;
    responded.http_status = 400;
    (void)b.on_fetch_complete(error(errc::invalid_scope, responded));
    BOOST_TEST(!b.tested.wants_new_credentials());
    (void)b.tested.credentials_changed(b.now());
    BOOST_TEST(b.outcome_of_get() == "invalid_scope");
}

BOOST_AUTO_TEST_SUITE_END()
