// Refreshing and replacing a token: in the background, while idle, after invalidation, by force.

#include "moved_clock.hpp"
#include "token_source_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string_view>
#include <thread>
#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(token_source_refresh)

using coauth::fetch_reason;
using coauth::token_source_options;
using coauth::token_source_state;

BOOST_AUTO_TEST_CASE(a_token_that_expires_before_it_arrives_fails_all_waiters)
{
    token_source_fixture t;
    t.server.push_response(late(1100ms, response::json(200, token_document("a", 1))));
    for (int i = 0; i < 10; ++i)
        t.tokens->async_get_access_token(t.into_results());
    t.run();
    BOOST_REQUIRE_EQUAL(t.results.size(), 10U);
    for (auto const& r : t.results)
    {
        BOOST_REQUIRE_EQUAL(outcome(r), "timeout");
        BOOST_TEST(
            r.error().context().find("lifetime of 1 s was over before") != std::string_view::npos);
        check_no_secret(r);
    }
    BOOST_TEST(t.tokens->try_get().empty());
    BOOST_TEST((t.tokens->status().state == token_source_state::back_off));
    BOOST_TEST(t.requests() == 1U);
}

BOOST_AUTO_TEST_CASE(a_due_token_is_served_while_it_is_refreshed_in_the_background)
{
    token_source_options options;
    options.refresh_at = 0.01;
    options.refresh_jitter = 0;
    options.min_refresh_interval = 1ms;
    auto const events = std::make_shared<fetch_events>();
    token_source_fixture t;
    auto config = t.config();
    config.observer = events;
    coauth::client observed(t.context.get_executor(), with_log_scan(config));
    t.tokens.emplace(observed, coauth::token_request(), options);
    t.fetch_first("a", 100);
    BOOST_TEST((t.tokens->status().state == token_source_state::fresh));
    std::this_thread::sleep_for(1050ms);
    t.server.push_response(response::json(200, token_document("b", 36'000)));
    // A refresh is due: the call returns the old token at once and starts the refresh.
    BOOST_TEST(t.tokens->try_get().value() == "a");
    BOOST_TEST((t.tokens->status().state == token_source_state::refreshing));
    BOOST_TEST(t.tokens->status().fetching);
    t.run();
    BOOST_TEST(t.tokens->try_get().value() == "b");
    BOOST_TEST(t.requests() == 2U);
    BOOST_TEST(
        events->log == "started:empty succeeded:empty:1 started:refresh succeeded:refresh:0 ");
    BOOST_TEST((*events->usable_for > 3560s));
    auto const counters = t.tokens->counters();
    BOOST_TEST(counters.refreshes == 1U);
    auto const& refresh = counters.by_reason.at(std::size_t(fetch_reason::refresh));
    BOOST_TEST(refresh.started == 1U);
    BOOST_TEST(refresh.succeeded == 1U);
}

BOOST_AUTO_TEST_CASE(a_failed_refresh_keeps_the_token_until_it_expires)
{
    token_source_options options;
    options.refresh_at = 0.1;
    options.refresh_jitter = 0;
    options.min_refresh_interval = 1ms;
    token_source_fixture t(options);
    t.fetch_first("a", 6);
    t.server.set_response(response::json(503, "{}"));
    std::this_thread::sleep_for(700ms);
    BOOST_TEST(t.tokens->try_get().value() == "a");
    t.run();
    BOOST_TEST(t.tokens->try_get().value() == "a");
    auto const status = t.tokens->status();
    BOOST_TEST(status.failing_since.has_value());
    BOOST_TEST((status.last_error->value() == coauth::errc::http_error));
    BOOST_TEST(t.tokens->counters().by_reason.at(std::size_t(fetch_reason::refresh)).failed == 1U);
    std::this_thread::sleep_until(*status.usable_until + 10ms);
    BOOST_TEST(t.tokens->try_get().empty());
}

BOOST_AUTO_TEST_CASE(refresh_when_idle_refreshes_without_calls)
{
    for (bool const by_a_call : {false, true})
    {
        token_source_options options;
        options.refresh_when_idle = true;
        token_source_fixture t(options);
        t.server.push_response(response::json(200, token_document("a", 1)));
        t.server.push_response(response::json(200, token_document("b", 1)));
        t.server.push_response(response::json(200, token_document("c", 3600)));
        if (by_a_call)
            t.tokens->async_get_access_token(t.into_results());
        else
            t.tokens->warm_up();
        for (stopwatch const watch;
             t.tokens->try_get().value() != "c" && !t.context.stopped() && watch.elapsed() < 20s;)
            t.context.run_for(50ms);
        BOOST_TEST(t.requests() == 3U);
        BOOST_TEST(t.tokens->try_get().value() == "c");
        BOOST_TEST(!t.context.stopped());
        t.tokens->close();
        t.run();
    }
}

BOOST_AUTO_TEST_CASE(refresh_when_idle_replaces_an_invalidated_token)
{
    token_source_options options;
    options.refresh_when_idle = true;
    token_source_fixture t(options);
    t.server.push_response(response::json(200, token_document("a", 3600)));
    t.server.push_response(response::json(200, token_document("b", 3600)));
    t.tokens->warm_up();
    t.run_until([&] { return t.tokens->status().ready(); });
    BOOST_TEST(t.tokens->invalidate(t.tokens->try_get()));
    t.run_until_requests(2);
    t.tokens->close();
    t.run();
}

// The timer does not notice the jump, but the next call does.
BOOST_AUTO_TEST_CASE(a_token_that_expires_by_a_clock_jump_is_replaced)
{
    token_source_options options;
    options.refresh_when_idle = true;
    token_source_fixture t(options);
    t.server.set_response(response::json(200, token_document("a", 3600)));
    auto const there = [&] { return !t.tokens->try_get().empty(); };
    t.tokens->warm_up();
    t.run_until(there);
    BOOST_TEST(t.requests() == 1U);
    moved_clock const later(2h);
    BOOST_TEST(!there());
    t.run_until(there);
    BOOST_TEST(t.requests() == 2U);
    t.tokens->close();
    t.run();
}

// Single-use tokens are not fetched one after the other without callers.
BOOST_AUTO_TEST_CASE(a_single_use_token_is_not_refreshed_while_idle)
{
    token_source_options options;
    options.refresh_when_idle = true;
    options.min_refresh_interval = 1ms;
    token_source_fixture t(options);
    t.server.set_response(response::json(200, token_document("a", 0)));
    t.tokens->warm_up();
    t.run_until_requests(1);
    t.context.run_for(500ms);
    BOOST_TEST(t.requests() == 1U);
    for (int i = 0; i < 3; ++i)
    {
        t.tokens->async_get_access_token(t.into_results());
        for (stopwatch const watch; t.results.empty() && watch.elapsed() < 20s;)
            t.context.run_one_for(10ms);
        BOOST_REQUIRE_EQUAL(t.results.size(), 1U);
        BOOST_TEST(require_token(t.results.front()).value() == "a");
        t.results.clear();
    }
    t.context.run_for(200ms);
    BOOST_TEST(t.requests() == 4U);
    t.tokens->close();
    t.run();
}

BOOST_AUTO_TEST_CASE(a_thousand_reports_of_one_rejected_token_cause_one_fetch)
{
    token_source_fixture t;
    t.fetch_first("a");
    t.server.push_response(response::json(200, token_document("b")));
    std::vector<coauth::access_token> rejected(1000, t.tokens->try_get());
    int dropped = 0;
    for (auto const& token : rejected)
    {
        dropped += t.tokens->invalidate(token);
        t.tokens->async_get_access_token(t.into_results());
    }
    BOOST_TEST(dropped == 1);
    t.run();
    BOOST_TEST(t.requests() == 2U);
    for (auto const& r : t.results)
        BOOST_REQUIRE_EQUAL(require_token(r).value(), "b");
    // Reports that arrive late.
    for (auto const& token : rejected)
        BOOST_TEST_REQUIRE(!t.tokens->invalidate(token));
    BOOST_TEST(t.tokens->try_get().value() == "b");
    BOOST_TEST(t.tokens->counters().invalidated == 1U);
}

BOOST_AUTO_TEST_CASE(a_forced_refresh_serves_the_old_token_meanwhile)
{
    token_source_fixture t;
    t.fetch_first("a");
    t.server.push_response(late(50ms, response::json(200, token_document("b"))));
    t.tokens->async_get_new_access_token(t.into_results());
    t.tokens->async_get_new_access_token(t.into_results());
    t.context.restart();
    t.context.poll();
    BOOST_TEST(t.tokens->try_get().value() == "a");
    t.run();
    BOOST_REQUIRE_EQUAL(t.results.size(), 2U);
    BOOST_TEST(require_token(t.results.back()).value() == "b");
    BOOST_TEST(t.tokens->try_get().value() == "b");
    BOOST_TEST(t.requests() == 2U);
}

BOOST_AUTO_TEST_CASE(no_fetch_starts_before_the_servers_retry_after)
{
    token_source_fixture t;
    auto throttled = response::json(429, "{}");
    throttled.headers.add("Retry-After", "3");
    t.server.push_response(throttled);
    for (int i = 0; i < 3; ++i)
    {
        t.tokens->async_get_access_token(t.into_results());
        t.run();
    }
    BOOST_TEST(t.requests() == 1U);
    for (auto const& r : t.results)
        BOOST_REQUIRE_EQUAL(outcome(r), "rate_limited");
    t.results.clear();
    std::this_thread::sleep_until(t.tokens->status().retry_at.value() + 10ms);
    t.fetch_first("a");
}

BOOST_AUTO_TEST_SUITE_END()
