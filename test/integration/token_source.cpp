// Calls of a token source: hits, handlers, completion tokens, invalid configuration.

#include "token_source_fixture.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(token_source)

using coauth::token_source_options;
using coauth::token_source_state;

namespace
{

// Counts all allocations, and those not yet freed.
template <class T>
struct counting_allocator
{
    using value_type = T;
    counting_allocator(std::atomic<long>& live_count, std::atomic<long>& all)
        : live(&live_count)
        , total(&all)
    {
    }
    template <class U>
    counting_allocator(counting_allocator<U> const& other) : live(other.live)
                                                           , total(other.total)
    {
    }
    T* allocate(std::size_t n)
    {
        ++*live;
        ++*total;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n)
    {
        --*live;
        std::allocator<T>().deallocate(p, n);
    }
    template <class U>
    bool operator==(counting_allocator<U> const& other) const
    {
        return live == other.live;
    }
    std::atomic<long>* live;
    std::atomic<long>* total;
};

} // namespace

BOOST_AUTO_TEST_CASE(the_first_call_fetches_and_later_calls_hit_the_cache)
{
    token_source_fixture t;
    BOOST_TEST(t.tokens->try_get().empty());
    BOOST_TEST((t.tokens->status().state == token_source_state::empty));
    t.fetch_first("a");
    auto const token = t.tokens->try_get();
    BOOST_TEST(token.value() == "a");
    BOOST_TEST(token.authorization() == "Bearer a");
    auto const status = t.tokens->status();
    BOOST_TEST((status.state == token_source_state::fresh));
    BOOST_TEST(status.ready());
    BOOST_TEST(!status.fetching);
    BOOST_TEST((*status.usable_until - *status.obtained_at > 3560s));
    BOOST_TEST((*status.usable_until - *status.obtained_at <= 3570s));
    BOOST_TEST((*status.refresh_at - *status.obtained_at < 2881s));

    t.tokens->async_get_access_token(t.into_results());
    BOOST_TEST(t.results.empty(), "completed within the initiating function");
    t.run();
    BOOST_REQUIRE_EQUAL(t.results.size(), 1U);
    BOOST_TEST(require_token(t.results.front()).value() == "a");
    BOOST_TEST(t.requests() == 1U);
    auto const counters = t.tokens->counters();
    BOOST_TEST(counters.hits == 2U);
    BOOST_TEST(counters.waits == 1U);
    BOOST_TEST(counters.fetches == 1U);
}

BOOST_AUTO_TEST_CASE(a_hit_resumes_without_posting_to_the_executor)
{
    token_source_fixture t;
    t.fetch_first("a");
    bool posted_ran = false;
    bool ran_first = false;
    auto const work = [&]() -> asio::awaitable<void>
    {
        asio::post(t.context, [&] { posted_ran = true; });
        for (int i = 0; i < 100; ++i)
        {
            auto token = co_await t.tokens->async_get_access_token();
            BOOST_TEST(token->value() == "a");
        }
        auto limited = co_await t.tokens->async_get_access_token(1s);
        BOOST_TEST(limited->value() == "a");
        ran_first = !posted_ran;
    };
    asio::co_spawn(t.context, work, asio::detached);
    t.run();
    BOOST_TEST(ran_first);
    BOOST_TEST(posted_ran);
}

BOOST_AUTO_TEST_CASE(no_delay_holds_a_forced_fetch)
{
    token_source_fixture t;
    auto throttled = response::json(429, "{}");
    throttled.headers.add("Retry-After", "86400");
    t.server.push_response(throttled);
    t.server.push_response(response::json(200, token_document("a")));
    t.tokens->async_get_access_token(t.into_results());
    t.run();
    BOOST_TEST(outcome(t.results.at(0)) == "rate_limited");
    // The requested day is limited to 15 minutes.
    auto const delay =
        t.results.at(0).error().retry_at().value() - std::chrono::system_clock::now();
    BOOST_TEST((delay > 800s && delay <= 900s));
    t.tokens->async_get_new_access_token(t.into_results());
    t.run();
    BOOST_TEST(require_token(t.results.at(1)).value() == "a");
    BOOST_TEST(t.requests() == 2U);
}

BOOST_AUTO_TEST_CASE(executor_and_allocator_of_the_handler_are_used)
{
    token_source_fixture t;
    asio::thread_pool elsewhere(1);
    auto const strand = asio::make_strand(elsewhere);
    std::atomic<long> live = 0;
    std::atomic<long> total = 0;
    std::atomic<int> right{0};
    auto const handler = [&]
    {
        return asio::bind_executor(
            strand, asio::bind_allocator(
                        counting_allocator<int>(live, total), [&](token_result const& r)
                        { right += r.has_value() && strand.running_in_this_thread(); }));
    };
    // One call waits, and one hits the cache.
    t.tokens->async_get_access_token(handler());
    BOOST_TEST(total > 0);
    t.run();
    t.tokens->async_get_access_token(handler());
    t.run();
    for (stopwatch const watch; right < 2 && watch.elapsed() < 5s;)
        std::this_thread::sleep_for(1ms);
    elsewhere.join();
    BOOST_TEST(right == 2);
    BOOST_TEST(live == 0);
}

BOOST_AUTO_TEST_CASE(every_completion_token_is_accepted)
{
    asio::thread_pool pool(2);
    auto const server = start();
    coauth::client client(pool.get_executor(), with_log_scan(server.config()));
    coauth::token_source tokens(client);
    BOOST_TEST(tokens.async_get_access_token(asio::use_future).get().has_value());
    BOOST_TEST(tokens.async_get_access_token(1s, asio::use_future).get().has_value());
    BOOST_TEST(tokens.async_get_new_access_token(asio::use_future).get().has_value());
    auto operation = tokens.async_get_access_token(asio::deferred);
    BOOST_TEST(std::move(operation)(asio::use_future).get().has_value());
    auto const spawned = [&]() -> asio::awaitable<bool>
    {
        auto plain = co_await tokens.async_get_new_access_token();
        auto explicitly = co_await tokens.async_get_access_token(asio::use_awaitable);
        co_return plain&& explicitly;
    };
    BOOST_TEST(asio::co_spawn(pool, spawned, asio::use_future).get());
    auto moved = std::move(tokens);
    BOOST_TEST(!moved.try_get().empty());
    pool.join();
}

// An exception of one handler leaves the event loop, and the other waiters are still completed.
BOOST_AUTO_TEST_CASE(a_handler_that_throws_does_not_affect_other_waiters)
{
    token_source_fixture t;
    t.server.push_response(late(20ms));
    for (int i = 0; i < 3; ++i)
    {
        t.tokens->async_get_access_token(t.into_results());
        t.tokens->async_get_access_token([](token_result const&)
                                         { throw std::runtime_error("mine"); });
    }
    int thrown = 0;
    for (bool ended = false; !ended;)
        try
        {
            t.run();
            ended = true;
        }
        catch (std::runtime_error const&)
        {
            ++thrown;
        }
    BOOST_TEST(thrown == 3);
    BOOST_TEST(t.results.size() == 3U);
}

BOOST_AUTO_TEST_CASE(invalid_options_and_invalid_clients_are_configuration_errors)
{
    token_source_options options;
    options.refresh_at = 2;
    token_source_fixture t(options);
    t.tokens->async_get_access_token(t.into_results());
    t.run();
    BOOST_TEST(outcome(t.results.at(0)) == "invalid_configuration");
    BOOST_TEST(t.results.at(0).error().context().find("refresh_at") != std::string_view::npos);
    BOOST_TEST_REQUIRE(t.tokens->status().last_error.has_value());
    BOOST_TEST(t.tokens->status().last_error->message() == t.results.at(0).error().message());
    BOOST_TEST(t.requests() == 0U);

    coauth::client faulty(t.context.get_executor(), {});
    coauth::token_source tokens(faulty);
    tokens.async_get_access_token(t.into_results());
    t.run();
    BOOST_TEST(outcome(t.results.at(1)) == "invalid_configuration");
}

BOOST_AUTO_TEST_SUITE_END()
