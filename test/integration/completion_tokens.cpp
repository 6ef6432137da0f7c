// Completion tokens, executors and allocators of callers.

#include "operations_fixture.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(completion_tokens)

// GCC 12 miscompiles a capturing lambda, an aggregate or a conditional in an awaited expression.
// So the coroutines below are functions, and assign the awaited result to a variable.

BOOST_FIXTURE_TEST_CASE(a_call_can_be_awaited, client_on_one_thread)
{
    auto future = asio::co_spawn(context, await_one(client), asio::use_future);
    context.run();
    BOOST_TEST(outcome(future.get()) == "success");
}

asio::awaitable<token_result> await_with_request(coauth::client& client)
{
    auto got = co_await client.async_get_access_token(coauth::token_request().scope("write"));
    co_return got;
}

BOOST_FIXTURE_TEST_CASE(a_call_with_a_request_can_be_awaited, client_on_one_thread)
{
    auto future = asio::co_spawn(context, await_with_request(client), asio::use_future);
    context.run();
    BOOST_TEST(require_token(future.get()).scope() == "write");
}

asio::awaitable<token_result> await_one_shot(coauth::client_config config)
{
    auto executor = co_await asio::this_coro::executor;
    auto got = co_await coauth::async_get_access_token(executor, config);
    co_return got;
}

BOOST_FIXTURE_TEST_CASE(a_call_without_a_client_can_be_awaited, client_on_one_thread)
{
    auto future =
        asio::co_spawn(context, await_one_shot(with_log_scan(server.config())), asio::use_future);
    context.run();
    BOOST_TEST(outcome(future.get()) == "success");
}

asio::awaitable<token_result> await_as_tuple(coauth::client& client)
{
    auto [got] = co_await client.async_get_access_token(
        coauth::token_request(), asio::as_tuple(asio::use_awaitable));
    co_return got;
}

BOOST_FIXTURE_TEST_CASE(as_tuple_is_accepted, client_on_one_thread)
{
    auto future = asio::co_spawn(context, await_as_tuple(client), asio::use_future);
    context.run();
    BOOST_TEST(outcome(future.get()) == "success");
}

BOOST_FIXTURE_TEST_CASE(a_deferred_call_starts_when_it_is_invoked, client_on_one_thread)
{
    std::optional<token_result> got;
    auto operation = client.async_get_access_token(coauth::token_request(), asio::deferred);
    context.run();
    BOOST_TEST(server.connections() == 0U);

    std::move(operation)([&](token_result r) { got = std::move(r); });
    context.restart();
    context.run();
    BOOST_REQUIRE(got);
    BOOST_TEST(outcome(*got) == "success");
}

asio::awaitable<token_result> await_deferred(coauth::client& client)
{
    auto operation = client.async_get_access_token(coauth::token_request(), asio::deferred);
    auto got = co_await std::move(operation)(asio::use_awaitable);
    co_return got;
}

BOOST_FIXTURE_TEST_CASE(a_deferred_call_can_be_awaited, client_on_one_thread)
{
    auto future = asio::co_spawn(context, await_deferred(client), asio::use_future);
    context.run();
    BOOST_TEST(outcome(future.get()) == "success");
}

BOOST_FIXTURE_TEST_CASE(use_future_is_accepted, client_on_one_thread)
{
    auto future = client.async_get_access_token(coauth::token_request(), asio::use_future);
    std::thread runner([this] { context.run(); });
    BOOST_TEST(outcome(future.get()) == "success");
    runner.join();
}

BOOST_FIXTURE_TEST_CASE(a_move_only_handler_is_accepted, client_on_one_thread)
{
    auto owned = std::make_unique<std::string>("mine");
    std::string seen;
    client.async_get_access_token(
        coauth::token_request(), [&seen, owned = std::move(owned)](token_result const& r) mutable
        { seen = *owned + " " + outcome(r); });
    context.run();
    BOOST_TEST(seen == "mine success");
}

BOOST_FIXTURE_TEST_CASE(a_handler_runs_on_its_associated_executor, client_on_one_thread)
{
    asio::thread_pool elsewhere(1);
    auto const strand = asio::make_strand(elsewhere);
    std::promise<bool> there;
    client.async_get_access_token(
        coauth::token_request(),
        asio::bind_executor(
            strand, [&](token_result const& r)
            { there.set_value(strand.running_in_this_thread() && r.has_value()); }));
    context.run();
    BOOST_TEST(there.get_future().get());
}

// No work guard: the pending operation alone keeps the handler's context running.
BOOST_FIXTURE_TEST_CASE(an_operation_is_work_for_its_handlers_executor, client_on_one_thread)
{
    server.push_response(late_response(100ms));
    asio::io_context elsewhere;
    std::string seen;
    client.async_get_access_token(
        coauth::token_request(),
        asio::bind_executor(elsewhere, [&](token_result const& r) { seen = outcome(r); }));
    std::thread runner([this] { context.run(); });
    elsewhere.run();
    BOOST_TEST(seen == "success");
    runner.join();
}

BOOST_AUTO_TEST_CASE(a_handler_without_executor_runs_on_the_clients_executor)
{
    auto const server = start();
    asio::thread_pool pool(4);
    coauth::client client(pool.get_executor(), with_log_scan(server.config()));
    std::promise<bool> there;
    client.async_get_access_token(
        coauth::token_request(), [&](token_result const& r)
        { there.set_value(pool.get_executor().running_in_this_thread() && r.has_value()); });
    BOOST_TEST(there.get_future().get());
}

template <class T>
struct counting_allocator
{
    using value_type = T;

    explicit counting_allocator(std::atomic<int>& all, std::atomic<int>& now)
        : allocations(&all)
        , live(&now)
    {
    }
    template <class U>
    counting_allocator(counting_allocator<U> const& other)
        : allocations(other.allocations)
        , live(other.live)
    {
    }

    T* allocate(std::size_t n)
    {
        ++*allocations;
        ++*live;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n)
    {
        --*live;
        std::allocator<T>().deallocate(p, n);
    }
    friend bool operator==(counting_allocator const& a, counting_allocator const& b)
    {
        return a.live == b.live;
    }

    std::atomic<int>* allocations;
    std::atomic<int>* live;
};

BOOST_FIXTURE_TEST_CASE(the_handlers_allocator_is_used, client_on_one_thread)
{
    std::atomic<int> allocations = 0;
    std::atomic<int> live = 0;
    int live_at_completion = -1;
    client.async_get_access_token(
        coauth::token_request(), asio::bind_allocator(
                                     counting_allocator<char>(allocations, live),
                                     [&](token_result const&) { live_at_completion = live; }));
    BOOST_TEST(allocations > 0);
    context.run();
    // Asio's rule: an operation releases its memory before it calls its handler.
    BOOST_TEST(live_at_completion == 0);
    BOOST_TEST(live == 0);
}

BOOST_AUTO_TEST_SUITE_END()
