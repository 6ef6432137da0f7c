// Lifetimes: client, context and handlers may be destroyed in any order, and operations complete
// once.

#include "operations_fixture.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(operations)

namespace
{

// Runs a coroutine and waits for its result.
template <class T, class Executor>
T await_result(Executor const& executor, asio::awaitable<T> work)
{
    return asio::co_spawn(executor, std::move(work), asio::use_future).get();
}

} // namespace

// Awaits a token and a timer together, on each kind of executor.
asio::awaitable<std::string> race(coauth::client& client, std::chrono::milliseconds limit)
{
    using namespace asio::experimental::awaitable_operators;
    auto const executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor);
    timer.expires_after(limit);
    auto const first =
        co_await (client.async_get_access_token() || timer.async_wait(asio::use_awaitable));
    if (auto const* const got = std::get_if<token_result>(&first))
        co_return outcome(*got);
    co_return "timer";
}

template <class Executor>
void check_races(Executor const& executor, asio::any_io_executor const& client_executor)
{
    auto server = start();
    coauth::client client(client_executor, with_log_scan(server.config()));
    BOOST_TEST(await_result(executor, race(client, 60s)) == "success");

    server.set_response(late_response());
    stopwatch const watch;
    for (auto const limit : {0ms, 1ms, 3ms, 10ms, 100ms})
        BOOST_TEST(await_result(executor, race(client, limit)) == "timer");
    BOOST_TEST(watch.elapsed() < 5s);
}

BOOST_AUTO_TEST_CASE(an_operation_and_a_timer_can_race_on_one_thread)
{
    asio::io_context context(1);
    auto const work = asio::make_work_guard(context);
    std::thread runner([&] { context.run(); });
    check_races(context.get_executor(), context.get_executor());
    context.stop();
    runner.join();
}

BOOST_AUTO_TEST_CASE(an_operation_and_a_timer_can_race_on_a_strand)
{
    asio::thread_pool pool(4);
    auto const strand = asio::make_strand(pool);
    check_races(strand, strand);
}

BOOST_AUTO_TEST_CASE(an_operation_and_a_timer_can_race_on_a_strand_with_the_client_on_the_pool)
{
    asio::thread_pool pool(4);
    check_races(asio::make_strand(pool), pool.get_executor());
}

BOOST_AUTO_TEST_CASE(many_operations_run_at_the_same_time_on_a_thread_pool)
{
    auto const server = start();
    asio::thread_pool pool(4);
    coauth::client client(pool.get_executor(), with_log_scan(server.config()));
    std::vector<std::future<token_result>> futures;
    for (int i = 0; i < 32; ++i)
        futures.push_back(
            i % 2 == 0 ? client.async_get_access_token(coauth::token_request(), asio::use_future)
                       : asio::co_spawn(pool, await_one(client), asio::use_future));
    for (auto& future : futures)
        BOOST_TEST(outcome(future.get()) == "success");
    BOOST_TEST(server.requests().size() == 32U);
}

// The initiating function returns first, even if there is nothing to wait for.
BOOST_AUTO_TEST_CASE(operations_never_complete_within_the_initiating_function)
{
    auto const server = start();
    asio::io_context context;
    coauth::client good(context.get_executor(), with_log_scan(server.config()));
    coauth::client faulty(context.get_executor(), coauth::client_config());
    coauth::client closed(context.get_executor(), with_log_scan(server.config()));
    closed.close();
    auto const bad_request = coauth::token_request().parameter("grant_type", "x");

    std::vector<std::string> seen;
    auto const handler = [&](token_result const& r) { seen.push_back(outcome(r)); };
    // Within the loop, where dispatch() would call the handler at once.
    asio::post(
        context,
        [&]
        {
            good.async_get_access_token(coauth::token_request(), handler);
            BOOST_TEST(seen.empty());
            good.async_get_access_token(bad_request, handler);
            BOOST_TEST(seen.empty());
            faulty.async_get_access_token(coauth::token_request(), handler);
            BOOST_TEST(seen.empty());
            closed.async_get_access_token(coauth::token_request(), handler);
            BOOST_TEST(seen.empty());
        });
    context.run();
    std::sort(seen.begin(), seen.end());
    std::vector<std::string> const expected{
        "cancelled", "invalid_configuration", "invalid_parameter", "success"};
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(operations_are_cancelled_when_the_client_is_destroyed)
{
    auto server = start();
    server.set_response(late_response());
    asio::io_context context;
    std::vector<std::string> seen;
    {
        coauth::client client(context.get_executor(), with_log_scan(server.config()));
        for (int i = 0; i < 3; ++i)
            client.async_get_access_token(
                coauth::token_request(),
                [&](token_result const& r) { seen.push_back(outcome(r)); });
        while (server.requests().size() < 3)
            context.run_one_for(100ms);
    }
    BOOST_TEST(seen.empty());
    stopwatch const watch;
    context.run();
    BOOST_TEST(watch.elapsed() < 2s);
    std::vector<std::string> const expected(3, "cancelled");
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(operations_are_cancelled_when_the_client_is_assigned_to)
{
    auto server = start();
    server.push_response(late_response());
    asio::io_context context;
    coauth::client client(context.get_executor(), with_log_scan(server.config()));
    std::vector<std::string> seen;
    auto const handler = [&](token_result const& r) { seen.push_back(outcome(r)); };
    client.async_get_access_token(coauth::token_request(), handler);
    while (server.requests().empty())
        context.run_one_for(100ms);

    client = coauth::client(context.get_executor(), with_log_scan(server.config()));
    client.async_get_access_token(coauth::token_request(), handler);
    context.run();
    std::vector<std::string> const expected{"cancelled", "success"};
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(operations_continue_when_the_client_is_moved)
{
    auto server = start();
    server.push_response(late_response(100ms));
    asio::io_context context;
    coauth::client client(context.get_executor(), with_log_scan(server.config()));
    std::string seen;
    client.async_get_access_token(
        coauth::token_request(), [&](token_result const& r) { seen = outcome(r); });
    coauth::client const moved = std::move(client);
    context.run();
    BOOST_TEST(seen == "success");
    BOOST_TEST(moved.validate().has_value());
}

BOOST_AUTO_TEST_CASE(operations_are_cancelled_by_close_from_another_thread)
{
    auto server = start();
    server.set_response(late_response());
    asio::thread_pool pool(4);
    coauth::client client(pool.get_executor(), with_log_scan(server.config()));
    std::vector<std::future<token_result>> futures;
    for (int i = 0; i < 8; ++i)
        futures.push_back(client.async_get_access_token(coauth::token_request(), asio::use_future));
    BOOST_TEST(server.wait_for_requests(4));
    stopwatch const watch;
    client.close();
    client.close();
    for (auto& future : futures)
        BOOST_TEST(outcome(future.get()) == "cancelled");
    BOOST_TEST(watch.elapsed() < 2s);
    auto late = client.async_get_access_token(coauth::token_request(), asio::use_future);
    BOOST_TEST(outcome(late.get()) == "cancelled");
}

// The handler is destroyed without a call, as with Asio's own operations.
BOOST_AUTO_TEST_CASE(the_context_may_be_destroyed_in_every_phase_of_an_operation)
{
    auto const server = start();
    auto config = server.config();
    // One operation runs, and the others are queued.
    config.connections.max_connections = 1;
    constexpr int all = 3;
    auto const witness = std::make_shared<int>(0);
    // The number of handlers of an operation is unknown, so the loop ends when they complete.
    int completed = 0;
    for (std::size_t steps = 0; completed < all && steps < 500; ++steps)
    {
        std::optional<asio::io_context> context(std::in_place);
        std::optional<coauth::client> client(std::in_place, context->get_executor(), config);
        completed = 0;
        for (int i = 0; i < all; ++i)
            client->async_get_access_token(
                coauth::token_request(), [&completed, witness](auto const&) { ++completed; });
        for (std::size_t i = 0; i < steps; ++i)
            context->run_one();
        context->stop();
        // Both orders of destruction.
        if (steps % 2 == 0)
            client.reset();
        context.reset();
        client.reset();
        BOOST_TEST(witness.use_count() == 1);
    }
    BOOST_TEST(completed == all);
}

asio::awaitable<void> await_for_ever(coauth::client client, std::shared_ptr<int> witness)
{
    auto const got = co_await client.async_get_access_token();
    BOOST_ERROR("resumed with " << outcome(got) << *witness);
}

BOOST_AUTO_TEST_CASE(the_context_may_be_destroyed_with_an_awaiting_coroutine)
{
    auto server = start();
    server.push_response(late_response());
    auto const witness = std::make_shared<int>(0);
    {
        asio::io_context context;
        asio::co_spawn(
            context,
            await_for_ever(
                coauth::client(context.get_executor(), with_log_scan(server.config())), witness),
            asio::detached);
        while (server.requests().empty())
            context.run_one_for(100ms);
    }
    BOOST_TEST(witness.use_count() == 1);
}

BOOST_FIXTURE_TEST_CASE(an_exception_of_a_handler_leaves_the_event_loop, client_on_one_thread)
{
    client.async_get_access_token(
        coauth::token_request(), [](token_result const&) { throw std::runtime_error("mine"); });
    BOOST_CHECK_THROW(context.run(), std::runtime_error);

    std::string seen;
    client.async_get_access_token(
        coauth::token_request(), [&](token_result const& r) { seen = outcome(r); });
    context.restart();
    context.run();
    BOOST_TEST(seen == "success");
}

BOOST_FIXTURE_TEST_CASE(a_completion_handler_may_start_an_operation, client_on_one_thread)
{
    int left = 5;
    std::function<void(token_result const&)> again = [&](token_result const& r)
    {
        BOOST_TEST(outcome(r) == "success");
        if (--left > 0)
            client.async_get_access_token(coauth::token_request(), again);
    };
    client.async_get_access_token(coauth::token_request(), again);
    context.run();
    BOOST_TEST(left == 0);
    BOOST_TEST(server.requests().size() == 5U);
}

BOOST_FIXTURE_TEST_CASE(a_completion_handler_may_destroy_the_client, client_on_one_thread)
{
    auto own =
        std::make_unique<coauth::client>(context.get_executor(), with_log_scan(server.config()));
    std::string seen;
    own->async_get_access_token(
        coauth::token_request(),
        [&](token_result const& r)
        {
            own.reset();
            seen = outcome(r);
        });
    context.run();
    BOOST_TEST(seen == "success");
}

BOOST_AUTO_TEST_SUITE_END()
