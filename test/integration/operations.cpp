// The shape of the operation: every completion token, executor and lifetime that a caller may
// bring.

#include "fixture.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <variant>

using namespace test;
namespace asio = boost::asio;

namespace
{

response late_response(std::chrono::milliseconds delay = 60s)
{
    auto made = response::json(200, token_body);
    made.delay = delay;
    return made;
}

// A client of a server that responds at once, on an event loop of the test's own.
struct on_one_thread
{
    authorization_server server = start();
    asio::io_context context;
    coauth::client client{context.get_executor(), with_log_scan(server.config())};
};

// What a coroutine yields, for the thread that waits.
template <class T, class Executor>
T await_result(Executor const& executor, asio::awaitable<T> work)
{
    return asio::co_spawn(executor, std::move(work), asio::use_future).get();
}

} // namespace

BOOST_AUTO_TEST_SUITE(operations)

// GCC 12 miscompiles a capturing lambda, an aggregate or a conditional in an awaited expression:
// the coroutines below are functions, and name what they await.

asio::awaitable<token_result> await_one(coauth::client& client)
{
    auto got = co_await client.async_get_access_token();
    co_return got;
}

BOOST_FIXTURE_TEST_CASE(awaited, on_one_thread)
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

BOOST_FIXTURE_TEST_CASE(awaited_with_a_request, on_one_thread)
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

BOOST_FIXTURE_TEST_CASE(awaited_one_shot, on_one_thread)
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

BOOST_FIXTURE_TEST_CASE(as_a_tuple, on_one_thread)
{
    auto future = asio::co_spawn(context, await_as_tuple(client), asio::use_future);
    context.run();
    BOOST_TEST(outcome(future.get()) == "success");
}

BOOST_FIXTURE_TEST_CASE(deferred, on_one_thread)
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

BOOST_FIXTURE_TEST_CASE(deferred_and_awaited, on_one_thread)
{
    auto future = asio::co_spawn(context, await_deferred(client), asio::use_future);
    context.run();
    BOOST_TEST(outcome(future.get()) == "success");
}

BOOST_FIXTURE_TEST_CASE(as_a_future, on_one_thread)
{
    auto future = client.async_get_access_token(coauth::token_request(), asio::use_future);
    std::thread runner([this] { context.run(); });
    BOOST_TEST(outcome(future.get()) == "success");
    runner.join();
}

BOOST_FIXTURE_TEST_CASE(with_a_handler_that_only_moves, on_one_thread)
{
    auto owned = std::make_unique<std::string>("mine");
    std::string seen;
    client.async_get_access_token(
        coauth::token_request(), [&seen, owned = std::move(owned)](token_result const& r) mutable
        { seen = *owned + " " + outcome(r); });
    context.run();
    BOOST_TEST(seen == "mine success");
}

BOOST_FIXTURE_TEST_CASE(a_handler_runs_on_its_own_executor, on_one_thread)
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
BOOST_FIXTURE_TEST_CASE(an_operation_is_work_for_the_executor_of_its_handler, on_one_thread)
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

BOOST_AUTO_TEST_CASE(a_handler_without_executor_runs_on_that_of_the_client)
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

BOOST_FIXTURE_TEST_CASE(the_allocator_of_a_handler_is_used, on_one_thread)
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
    // Asio's rule: what an operation allocated is free again when its handler is called.
    BOOST_TEST(live_at_completion == 0);
    BOOST_TEST(live == 0);
}

// Awaits a token beside a timer, on one executor of each kind.
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

BOOST_AUTO_TEST_CASE(beside_a_timer_on_one_thread)
{
    asio::io_context context(1);
    auto const work = asio::make_work_guard(context);
    std::thread runner([&] { context.run(); });
    check_races(context.get_executor(), context.get_executor());
    context.stop();
    runner.join();
}

BOOST_AUTO_TEST_CASE(beside_a_timer_on_a_strand)
{
    asio::thread_pool pool(4);
    auto const strand = asio::make_strand(pool);
    check_races(strand, strand);
}

BOOST_AUTO_TEST_CASE(beside_a_timer_on_a_strand_with_the_client_on_the_pool)
{
    asio::thread_pool pool(4);
    check_races(asio::make_strand(pool), pool.get_executor());
}

BOOST_AUTO_TEST_CASE(many_at_once_on_a_pool)
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

// The initiating function returns first, also when there is nothing to wait for.
BOOST_AUTO_TEST_CASE(never_completes_within_the_initiating_function)
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
    // From within the loop, where dispatch() would run a handler at once.
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

BOOST_AUTO_TEST_CASE(destroying_the_client_ends_its_operations)
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

BOOST_AUTO_TEST_CASE(assigning_to_a_client_ends_its_operations)
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

BOOST_AUTO_TEST_CASE(a_moved_client_keeps_its_operations)
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

BOOST_AUTO_TEST_CASE(close_from_another_thread_ends_all_operations)
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
BOOST_AUTO_TEST_CASE(a_context_may_go_in_every_phase_of_an_operation)
{
    auto const server = start();
    auto config = server.config();
    // One is at work, and the others wait in line.
    config.connections.max_connections = 1;
    constexpr int all = 3;
    auto const witness = std::make_shared<int>(0);
    // The number of handlers that whole operations take is not known: go on until they complete.
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
        // Both orders of going.
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

BOOST_AUTO_TEST_CASE(a_context_may_go_with_an_awaiting_coroutine)
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

BOOST_FIXTURE_TEST_CASE(an_exception_of_a_handler_leaves_the_loop, on_one_thread)
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

BOOST_FIXTURE_TEST_CASE(an_operation_may_be_started_by_a_completion, on_one_thread)
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

BOOST_FIXTURE_TEST_CASE(a_client_may_be_destroyed_by_a_completion, on_one_thread)
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
