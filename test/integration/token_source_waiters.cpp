// Many callers wait for one fetch: sharing, cancellation, time limits.

#include "token_source_fixture.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(token_source_waiters)

using coauth::fetch_reason;
using coauth::token_source_options;
using coauth::token_source_state;

BOOST_AUTO_TEST_CASE(ten_thousand_waiters_share_one_fetch_and_its_failure)
{
    for (bool const success : {true, false})
    {
        token_source_fixture t;
        t.server.push_response(late(
            50ms, success ? response::json(200, token_body)
                          : response::json(400, R"({"error":"invalid_scope"})")));
        for (int i = 0; i < 10'000; ++i)
            t.tokens->async_get_access_token(t.into_results());
        BOOST_TEST(t.tokens->status().waiting == 10'000U);
        t.run();
        BOOST_REQUIRE_EQUAL(t.results.size(), 10'000U);
        for (auto const& r : t.results)
            BOOST_REQUIRE_EQUAL(outcome(r), success ? "success" : "invalid_scope");
        BOOST_TEST(t.requests() == 1U);
        // The failure is cached and contains the time of the next attempt.
        if (success)
            continue;
        t.results.clear();
        t.tokens->async_get_access_token(t.into_results());
        BOOST_TEST(t.results.empty());
        t.run();
        BOOST_TEST(outcome(t.results.at(0)) == "invalid_scope");
        BOOST_TEST(t.results.at(0).error().retry_at().has_value());
        BOOST_TEST(t.requests() == 1U);
        BOOST_TEST((t.tokens->status().state == token_source_state::back_off));
    }
}

// Waiters are completed in batches, so that other work of the executor runs in between.
BOOST_AUTO_TEST_CASE(many_waiters_are_woken_in_batches_between_other_work)
{
    token_source_fixture t;
    t.server.push_response(late(50ms));
    constexpr int count = 20'000;
    int woken = 0;
    int turns = 0;
    std::function<void()> const other = [&]
    {
        turns += woken > 0;
        if (woken < count)
            asio::post(t.context, other);
    };
    for (int i = 0; i < count; ++i)
        t.tokens->async_get_access_token(
            [&](token_result const&)
            {
                stopwatch const busy;
                ++woken;
                for (auto const until = std::chrono::steady_clock::now() + 1us;
                     std::chrono::steady_clock::now() < until;)
                {
                }
            });
    asio::post(t.context, other);
    t.run();
    BOOST_TEST(woken == count);
    // At least 20 ms of work, in slices of a quarter.
    BOOST_TEST(turns > 20);
}

BOOST_AUTO_TEST_CASE(cancelling_one_waiter_leaves_the_fetch_and_the_others)
{
    for (auto const type :
         {asio::cancellation_type::terminal, asio::cancellation_type::partial,
          asio::cancellation_type::total})
    {
        token_source_fixture t;
        t.server.push_response(late(100ms));
        asio::cancellation_signal signal;
        std::vector<token_result> cancelled;
        t.tokens->async_get_access_token(asio::bind_cancellation_slot(
            signal.slot(), [&](token_result r) { cancelled.push_back(std::move(r)); }));
        t.tokens->async_get_access_token(t.into_results());
        t.context.poll();
        signal.emit(type);
        BOOST_TEST(cancelled.empty(), "completed within the emission");
        t.context.poll();
        BOOST_REQUIRE_EQUAL(cancelled.size(), 1U);
        BOOST_TEST(outcome(cancelled.front()) == "cancelled");
        BOOST_TEST(t.results.empty());
        signal.emit(type);
        t.run();
        BOOST_TEST(cancelled.size() == 1U);
        BOOST_TEST(outcome(t.results.at(0)) == "success");
        BOOST_TEST(t.requests() == 1U);
    }
}

BOOST_AUTO_TEST_CASE(cancelling_the_last_waiter_ends_the_fetch_only_with_cancel_when_unwaited)
{
    for (bool const ends : {false, true})
    {
        token_source_options options;
        options.cancel_when_unwaited = ends;
        token_source_fixture t;
        auto const events = std::make_shared<fetch_events>();
        auto config = t.config();
        config.observer = events;
        coauth::client observed(t.context.get_executor(), with_log_scan(config));
        t.tokens.emplace(observed, coauth::token_request(), options);
        t.server.push_response(late(ends ? 60'000ms : 300ms));
        asio::cancellation_signal signal;
        t.tokens->async_get_access_token(
            asio::bind_cancellation_slot(signal.slot(), t.into_results()));
        t.run_until_requests(1);
        stopwatch const watch;
        signal.emit(asio::cancellation_type::total);
        t.run();
        BOOST_TEST(outcome(t.results.at(0)) == "cancelled");
        BOOST_TEST(t.tokens->try_get().empty() == ends);
        BOOST_TEST(watch.elapsed() < 30s);
        // No back-off: nothing failed.
        BOOST_TEST(!t.tokens->status().last_error);
        BOOST_TEST(
            events->log ==
            (ends ? "started:empty abandoned:empty " : "started:empty succeeded:empty:0 "));
        auto const counters = t.tokens->counters();
        BOOST_TEST(counters.fetches == (ends ? 0U : 1U));
        BOOST_TEST(counters.failures == 0U);
        auto const& empty = counters.by_reason.at(std::size_t(fetch_reason::empty));
        BOOST_TEST(empty.started == 1U);
        BOOST_TEST(empty.abandoned == (ends ? 1U : 0U));
        BOOST_TEST(empty.succeeded == (ends ? 0U : 1U));
    }
}

BOOST_AUTO_TEST_CASE(the_timeout_of_the_last_waiter_ends_the_fetch)
{
    token_source_options options;
    options.cancel_when_unwaited = true;
    token_source_fixture t(options);
    t.server.push_response(late(60'000ms));
    stopwatch const watch;
    t.tokens->async_get_access_token(50ms, t.into_results());
    t.run();
    BOOST_TEST(outcome(t.results.at(0)) == "timeout");
    BOOST_TEST(watch.elapsed() < 5s);
    auto const counters = t.tokens->counters();
    BOOST_TEST(counters.by_reason.at(std::size_t(fetch_reason::empty)).abandoned == 1U);
}

BOOST_AUTO_TEST_CASE(each_waiter_has_its_own_time_limit)
{
    token_source_fixture t;
    t.server.push_response(late(2000ms));
    std::vector<std::string> order;
    stopwatch const watch;
    for (auto const limit : {100ms, 50ms, 30'000ms})
        t.tokens->async_get_access_token(
            limit, [&order, limit](token_result const& r)
            { order.push_back(std::to_string(limit.count()) + outcome(r)); });
    while (order.size() < 2 && watch.elapsed() < 20s)
        t.context.run_one_for(10ms);
    BOOST_TEST(
        order == (std::vector<std::string>{"50timeout", "100timeout"}),
        boost::test_tools::per_element());
    t.run();
    BOOST_TEST(order.back() == "30000success");
    // The timer of the other waiters does not keep the context running.
    BOOST_TEST(watch.elapsed() < 20s);
    BOOST_TEST(t.requests() == 1U);
}

BOOST_AUTO_TEST_CASE(a_time_limit_holds_in_a_coroutine)
{
    token_source_fixture t;
    t.server.push_response(late(1000ms));
    std::string ended;
    std::string refreshed;
    auto const work = [&]() -> asio::awaitable<void>
    {
        auto token = co_await t.tokens->async_get_access_token(50ms);
        ended = outcome(token);
        if (!token)
            ended += ": " + std::string(token.error().context());
        auto other = co_await t.tokens->async_get_new_access_token(60ms);
        refreshed = outcome(other);
    };
    asio::co_spawn(t.context, work, asio::detached);
    t.tokens->async_get_new_access_token(70ms, t.into_results());
    t.run();
    BOOST_TEST(refreshed == "timeout");
    BOOST_REQUIRE_EQUAL(t.results.size(), 1U);
    BOOST_TEST(outcome(t.results.front()) == "timeout");
    BOOST_TEST(ended == "timeout: no token came within the time limit of the call");
    BOOST_TEST(t.tokens->try_get().value() == "tok.en-1");
}

// The longest time limit, and limits that have passed at the start.
BOOST_AUTO_TEST_CASE(extreme_time_limits_neither_overflow_nor_wait)
{
    using std::chrono::milliseconds;
    token_source_fixture t;
    t.server.push_response(late(300ms));
    t.tokens->async_get_access_token(milliseconds::max(), t.into_results());
    t.tokens->async_get_access_token(std::chrono::hours(25), t.into_results());
    t.run();
    BOOST_REQUIRE_EQUAL(t.results.size(), 2U);
    BOOST_TEST(outcome(t.results[0]) == "success");
    BOOST_TEST(outcome(t.results[1]) == "success");
    (void)t.tokens->invalidate(t.tokens->try_get());
    t.results.clear();
    t.server.push_response(late(300ms));
    t.tokens->async_get_access_token(milliseconds::min(), t.into_results());
    t.tokens->async_get_access_token(0ms, t.into_results());
    t.run();
    BOOST_REQUIRE_EQUAL(t.results.size(), 2U);
    BOOST_TEST(outcome(t.results[0]) == "timeout");
    BOOST_TEST(outcome(t.results[1]) == "timeout");
}

BOOST_AUTO_TEST_CASE(a_thousand_waiters_time_out_once_each_when_the_server_hangs)
{
    token_source_fixture t;
    t.server.set_response(late(60s));
    std::vector<int> completed(1000);
    std::size_t timeouts = 0;
    for (auto& mine : completed)
        t.tokens->async_get_access_token(
            300ms,
            [&](token_result const& r)
            {
                ++mine;
                timeouts += outcome(r) == "timeout" ? 1U : 0U;
            });
    for (stopwatch const watch; timeouts < completed.size() && watch.elapsed() < 20s;)
        t.context.run_one_for(10ms);
    BOOST_TEST(timeouts == completed.size());
    BOOST_TEST(t.tokens->status().waiting == 0U);
    t.tokens->close();
    t.run();
    BOOST_TEST((completed == std::vector<int>(1000, 1)));
    BOOST_TEST(t.requests() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
