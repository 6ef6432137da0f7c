// Destroying or closing a token source, its client or its context.

#include "token_source_fixture.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(token_source_lifetime)

using coauth::token_source_state;

BOOST_AUTO_TEST_CASE(destroying_or_closing_source_or_client_cancels_all_waiters)
{
    for (int const what : {0, 1, 2})
    {
        token_source_fixture t;
        t.server.push_response(late(60s));
        std::optional<coauth::client> other(std::in_place, t.context.get_executor(), t.config());
        t.tokens.emplace(*other);
        for (int i = 0; i < 100; ++i)
            t.tokens->async_get_access_token(t.into_results());
        t.run_until_requests(1);
        stopwatch const watch;
        if (what == 0)
            t.tokens.reset();
        else if (what == 1)
            t.tokens->close();
        else
            other.reset();
        BOOST_TEST(t.results.empty());
        t.run();
        BOOST_TEST(watch.elapsed() < 20s);
        BOOST_REQUIRE_EQUAL(t.results.size(), 100U);
        for (auto const& r : t.results)
            BOOST_REQUIRE_EQUAL(outcome(r), "cancelled");
        if (what == 1)
        {
            t.tokens->async_get_access_token(t.into_results());
            t.run();
            BOOST_TEST(outcome(t.results.back()) == "cancelled");
            BOOST_TEST(t.tokens->try_get().empty());
            BOOST_TEST((t.tokens->status().state == token_source_state::closed));
        }
    }
}

// The context destroys the handlers and their objects: here a coroutine that owns the source for
// which it waits.
BOOST_AUTO_TEST_CASE(destroying_the_context_destroys_waiting_coroutines)
{
    auto server = start();
    server.set_response(late(60s));
    auto const owned = std::make_shared<int>(0);
    std::optional<asio::io_context> context(std::in_place);
    auto const work = [&](std::shared_ptr<int> witness) -> asio::awaitable<void>
    {
        coauth::client client(context->get_executor(), with_log_scan(server.config()));
        coauth::token_source tokens(client);
        auto token = co_await tokens.async_get_access_token();
        BOOST_ERROR("completed: " << outcome(token) << witness.use_count());
    };
    for (int i = 0; i < 3; ++i)
        asio::co_spawn(*context, work(owned), asio::detached);
    context->run_for(50ms);
    BOOST_TEST(owned.use_count() == 4);
    context.reset();
    BOOST_TEST(owned.use_count() == 1);
}

// The handler that waits for one source owns the next one: all are destroyed with the context.
BOOST_AUTO_TEST_CASE(sources_that_own_each_other_are_destroyed_with_the_context)
{
    auto server = start();
    server.set_response(late(60s));
    auto const owned = std::make_shared<int>(0);
    std::optional<asio::io_context> context(std::in_place);
    {
        std::shared_ptr<coauth::token_source> next;
        for (int i = 0; i < 5; ++i)
        {
            coauth::client client(context->get_executor(), with_log_scan(server.config()));
            auto one = std::make_shared<coauth::token_source>(client);
            one->async_get_access_token([one, next, owned](token_result const&) {});
            next = std::move(one);
        }
    }
    context.reset();
    BOOST_TEST(owned.use_count() == 1);
}

// The source completes calls of another context, but the client cannot call handlers any more.
BOOST_AUTO_TEST_CASE(a_call_after_the_context_is_destroyed_is_cancelled)
{
    auto const server = start();
    auto const owned = std::make_shared<int>(0);
    std::optional<asio::io_context> context(std::in_place);
    coauth::client client(*context, with_log_scan(server.config()));
    coauth::token_source tokens(client);
    context.reset();
    asio::io_context other;
    std::string end;
    auto const work = [&]() -> asio::awaitable<void>
    {
        auto token = co_await tokens.async_get_access_token();
        end = outcome(token);
    };
    auto const directly = [&](std::shared_ptr<int> witness) -> asio::awaitable<void>
    {
        auto token = co_await client.async_get_access_token();
        BOOST_ERROR("completed: " << outcome(token) << witness.use_count());
    };
    asio::co_spawn(other, work, asio::detached);
    asio::co_spawn(other, directly(owned), asio::detached);
    tokens.async_get_access_token([owned](token_result const&) { BOOST_ERROR("completed"); });
    client.async_get_access_token([owned](token_result const&) { BOOST_ERROR("completed"); });
    other.run();
    BOOST_TEST(end == "cancelled");
    BOOST_TEST(owned.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(a_long_time_limit_does_not_keep_the_context_running)
{
    token_source_fixture t;
    t.fetch_first("a");
    t.tokens->async_get_access_token(std::chrono::hours(1), t.into_results());
    stopwatch const watch;
    t.run();
    BOOST_TEST(watch.elapsed() < 60s);
    BOOST_TEST(t.results.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
