// A million operations on one token source from a pool of threads, while tokens live for a second,
// are invalidated and refreshed by force, the server returns errors, and callers are cancelled:
// each operation completes exactly once. Intended for ThreadSanitizer.
//
// The random numbers follow from one seed, which is printed; COAUTH_SEED=n repeats that run.

#include <coauth/coauth.hpp>
#include <coauth/testing/authorization_server.hpp>

#include "fixture.hpp"
#include "random_seed.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <latch>
#include <memory>
#include <optional>
#include <random>
#include <thread>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using coauth::testing::authorization_server;
using coauth::testing::response;
using token_result = coauth::result<coauth::access_token>;
using pool_strand = asio::strand<asio::thread_pool::executor_type>;

namespace
{

struct counts
{
    std::atomic<std::uint64_t> operations{0};
    std::atomic<std::uint64_t> tokens{0};
    std::atomic<std::uint64_t> started{0};
    std::atomic<std::uint64_t> ended{0};
    std::atomic<std::uint64_t> cancelled{0};
    std::atomic<std::uint64_t> completed_twice{0};
};

// One operation that is cancelled soon, on its strand.
class cancelled_call : public std::enable_shared_from_this<cancelled_call>
{
public:
    cancelled_call(pool_strand strand, coauth::token_source& tokens, counts& counted)
        : strand_(std::move(strand))
        , tokens_(tokens)
        , counts_(counted)
    {
    }

    void run(bool refresh)
    {
        auto const self = shared_from_this();
        ++counts_.started;
        auto handler = asio::bind_cancellation_slot(
            signal_.slot(),
            asio::bind_executor(strand_, [self](token_result const& got) { self->end(got); }));
        if (refresh)
            tokens_.async_get_new_access_token(std::move(handler));
        else
            tokens_.async_get_access_token(5ms, std::move(handler));
        asio::post(strand_, [self] { self->signal_.emit(asio::cancellation_type::total); });
    }

private:
    void end(token_result const& got)
    {
        counts_.completed_twice += ended_ ? 1U : 0U;
        ended_ = true;
        ++counts_.ended;
        counts_.cancelled += !got && got.error() == coauth::errc::cancelled ? 1U : 0U;
    }

    pool_strand strand_;
    coauth::token_source& tokens_;
    counts& counts_;
    asio::cancellation_signal signal_;
    bool ended_ = false;
};

asio::awaitable<void>
use(pool_strand strand, coauth::token_source& tokens, counts& counted, std::uint64_t seed,
    std::uint64_t operations)
{
    std::mt19937_64 random(seed);
    coauth::access_token last_token;
    for (std::uint64_t i = 0; i < operations; ++i)
    {
        ++counted.operations;
        auto const choice = random() % 1000;
        if (choice < 800)
        {
            last_token = tokens.try_get();
            counted.tokens += last_token ? 1U : 0U;
        }
        else if (choice < 980)
        {
            ++counted.started;
            auto got = co_await tokens.async_get_access_token();
            ++counted.ended;
            counted.tokens += got ? 1U : 0U;
        }
        else if (choice < 990)
            std::make_shared<cancelled_call>(strand, tokens, counted)->run(choice < 985);
        else if (choice < 992)
            (void)tokens.invalidate(last_token);
        else if (choice < 994)
            (void)tokens.status();
        else if (choice < 995)
            (void)tokens.counters();
        else
            tokens.warm_up();
    }
}

authorization_server start_server()
{
    auto options = test::options();
    options.tls = false;
    options.token_lifetime = 1s;
    return test::start(std::move(options));
}

} // namespace

BOOST_AUTO_TEST_CASE(operations_of_many_threads_on_a_token_source_complete_once)
{
    auto server = start_server();
    auto const seed = test::choose_seed();
    coauth::token_source_options options;
    options.initial_back_off = 1ms;
    options.max_back_off = 5ms;
    options.min_refresh_interval = 10ms;
    options.cancel_when_unwaited = true;
    asio::thread_pool pool(4);
    coauth::client client(pool.get_executor(), test::with_log_scan(server.config()));
    coauth::token_source tokens(client, coauth::token_request(), options);
    counts counted;
    constexpr std::uint64_t users = 64;
    constexpr std::uint64_t each = 16'000;
    for (std::uint64_t i = 0; i < users; ++i)
    {
        auto strand = asio::make_strand(pool);
        asio::co_spawn(strand, use(strand, tokens, counted, seed + i, each), asio::detached);
    }
    // A thread outside the pool.
    std::atomic<bool> ended{false};
    std::thread outside(
        [&]
        {
            while (!ended)
            {
                auto const token = tokens.try_get();
                counted.operations += token ? 1U : 0U;
                if (counted.operations % 1024 == 0)
                    std::this_thread::sleep_for(1ms);
            }
        });
    for (int i = 0; i < 20; ++i)
    {
        std::this_thread::sleep_for(10ms);
        server.push_response(response::json(503, "{}"));
    }
    pool.join();
    ended = true;
    outside.join();
    std::cout << counted.operations << " operations, " << counted.tokens << " tokens, "
              << counted.cancelled << " cancelled, " << server.requests().size() << " requests"
              << std::endl;
    BOOST_TEST(counted.operations >= users * each);
    BOOST_TEST(counted.started == counted.ended);
    BOOST_TEST(counted.completed_twice == 0U);
    // Otherwise the run did not reach what it tests.
    BOOST_TEST(counted.tokens > users * each / 10);
    BOOST_TEST(counted.cancelled > 100U);
    BOOST_TEST(server.requests().size() > 10U);
}

// The source is closed while operations start and wait on other threads.
BOOST_AUTO_TEST_CASE(closing_a_token_source_completes_operations_of_other_threads_once)
{
    auto server = start_server();
    std::mt19937_64 random(test::choose_seed());
    for (int round = 0; round < 100; ++round)
    {
        counts counted;
        asio::thread_pool pool(4);
        coauth::client client(pool.get_executor(), test::with_log_scan(server.config()));
        coauth::token_source tokens(client);
        for (std::uint64_t i = 0; i < 16; ++i)
        {
            auto strand = asio::make_strand(pool);
            asio::co_spawn(strand, use(strand, tokens, counted, random(), 200), asio::detached);
        }
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 5'000));
        tokens.close();
        pool.join();
        BOOST_TEST_REQUIRE(counted.started == counted.ended);
        BOOST_TEST_REQUIRE(counted.completed_twice == 0U);
    }
}

// The source is destroyed while operations wait for it and are cancelled, and its fetch ends, on
// other threads.
BOOST_AUTO_TEST_CASE(destroying_a_token_source_completes_waiters_of_other_threads_once)
{
    auto server = start_server();
    std::mt19937_64 random(test::choose_seed());
    std::uint64_t tokens_in_total = 0;
    std::uint64_t cancelled_in_total = 0;
    for (int round = 0; round < 200; ++round)
    {
        counts counted;
        asio::thread_pool pool(4);
        coauth::client client(pool.get_executor(), test::with_log_scan(server.config()));
        coauth::token_source_options options;
        options.cancel_when_unwaited = round % 2 == 0;
        options.refresh_when_idle = round % 3 == 0;
        std::optional<coauth::token_source> tokens(
            std::in_place, client, coauth::token_request(), options);
        constexpr int callers = 32;
        std::latch all_started(callers);
        for (int i = 0; i < callers; ++i)
        {
            auto const strand = asio::make_strand(pool);
            asio::post(
                strand,
                [&, i, strand]
                {
                    if (i % 2 == 0)
                        std::make_shared<cancelled_call>(strand, *tokens, counted)->run(i % 4 == 0);
                    else
                    {
                        ++counted.started;
                        tokens->async_get_access_token(asio::bind_executor(
                            strand,
                            [&](token_result const& got)
                            {
                                ++counted.ended;
                                counted.tokens += got ? 1U : 0U;
                                counted.cancelled += got ? 0U : 1U;
                            }));
                    }
                    all_started.count_down();
                });
        }
        all_started.wait();
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 4'000));
        tokens.reset();
        pool.join();
        BOOST_TEST_REQUIRE(counted.started == counted.ended);
        BOOST_TEST_REQUIRE(counted.ended == static_cast<std::uint64_t>(callers));
        BOOST_TEST_REQUIRE(counted.completed_twice == 0U);
        tokens_in_total += counted.tokens;
        cancelled_in_total += counted.cancelled;
    }
    BOOST_TEST_MESSAGE(tokens_in_total << " tokens, " << cancelled_in_total << " cancelled");
    BOOST_TEST(cancelled_in_total > 200U);
}

// A function of the program completes fetches from a thread of its own, while the source is
// cancelled, closed and destroyed.
BOOST_AUTO_TEST_CASE(a_fetch_that_another_thread_completes_ends_once)
{
    std::mt19937_64 random(test::choose_seed());
    std::uint64_t tokens_in_total = 0;
    std::uint64_t cancelled_in_total = 0;
    asio::thread_pool elsewhere(1);
    auto const delay = std::make_shared<std::atomic<std::uint64_t>>(0);
    auto const fetch = [&elsewhere, delay](coauth::token_fetch const&, auto handler)
    {
        asio::post(
            elsewhere,
            [delay, handler]
            {
                std::this_thread::sleep_for(std::chrono::microseconds(*delay));
                coauth::access_token_info info;
                info.value = "t";
                info.lifetime = 1s;
                coauth::access_token const token(std::move(info));
                handler(token);
                handler(token);
            });
    };
    for (int round = 0; round < 200; ++round)
    {
        counts counted;
        asio::thread_pool pool(4);
        coauth::token_source_options options;
        options.cancel_when_unwaited = round % 2 == 0;
        std::optional<coauth::token_source> tokens(
            std::in_place, coauth::token_fetcher(pool, fetch), coauth::token_request(), options);
        *delay = random() % 500;
        for (int i = 0; i < 8; ++i)
        {
            auto const strand = asio::make_strand(pool);
            asio::co_spawn(strand, use(strand, *tokens, counted, random(), 20), asio::detached);
        }
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 2'000));
        tokens->close();
        pool.join();
        tokens.reset();
        BOOST_TEST_REQUIRE(counted.started == counted.ended);
        BOOST_TEST_REQUIRE(counted.completed_twice == 0U);
        tokens_in_total += counted.tokens;
        cancelled_in_total += counted.cancelled;
    }
    BOOST_TEST_MESSAGE(tokens_in_total << " tokens, " << cancelled_in_total << " cancelled");
    BOOST_TEST(tokens_in_total > 0U);
    BOOST_TEST(cancelled_in_total > 0U);
    elsewhere.join();
}

// Two clients with pending operations and idle connections are destroyed by two threads at the same
// time, while their context exists or after another thread has destroyed it.
BOOST_AUTO_TEST_CASE(two_threads_may_destroy_clients_before_or_after_their_context)
{
    auto server = start_server();
    std::mt19937_64 random(test::choose_seed());
    for (int round = 0; round < 300; ++round)
    {
        auto const owned = std::make_shared<int>();
        auto context = std::make_unique<asio::io_context>();
        struct pair
        {
            std::optional<coauth::client> client;
            std::optional<coauth::token_source> tokens;
        };
        std::array<pair, 2> pairs;
        int tokens_received = 0;
        for (auto& [client, tokens] : pairs)
        {
            client.emplace(context->get_executor(), test::with_log_scan(server.config()));
            tokens.emplace(*client);
            client->async_get_access_token(
                coauth::token_request(),
                [&](token_result const& token) { tokens_received += token ? 1 : 0; });
        }
        context->run();
        BOOST_TEST_REQUIRE(tokens_received == 2);
        // These never complete, since nobody runs the context.
        for (auto& [client, tokens] : pairs)
        {
            tokens->async_get_access_token([owned](token_result const&) {});
            client->async_get_access_token(
                coauth::token_request(), [owned](token_result const&) {});
        }
        if (round % 2 == 0)
            std::thread([&] { context.reset(); }).join();
        std::latch both(2);
        auto const destroy = [&](pair& destroyed, bool tokens_first)
        {
            both.arrive_and_wait();
            if (tokens_first)
                destroyed.tokens.reset();
            destroyed.client.reset();
            destroyed.tokens.reset();
        };
        bool const tokens_first = random() % 2 == 0;
        std::thread other([&] { destroy(pairs[1], !tokens_first); });
        destroy(pairs[0], tokens_first);
        other.join();
        context.reset();
        BOOST_TEST_REQUIRE(owned.use_count() == 1);
    }
}

// Lookups evict the source that another thread erases at the same time.
BOOST_AUTO_TEST_CASE(a_token_cache_may_be_erased_by_another_thread_during_lookups)
{
    asio::thread_pool pool(1);
    coauth::client client(pool.get_executor(), {});
    coauth::token_cache_options options;
    options.max_sources = 1;
    coauth::token_cache cache(options);
    std::atomic<bool> ended{false};
    std::thread eraser(
        [&]
        {
            while (!ended)
                cache.erase(client);
        });
    for (int i = 0; i < 50'000; ++i)
        (void)cache.get(client, coauth::token_request().audience(std::to_string(i % 64)));
    ended = true;
    eraser.join();
    cache.erase(client);
    BOOST_TEST(cache.counters().size == 0U);
    auto const kept = cache.get(client);
    BOOST_TEST(cache.get(client) == kept);
    pool.join();
}

// Lookups of the same and of different keys, while sources are evicted, removed when idle, and
// erased with their client.
BOOST_AUTO_TEST_CASE(a_token_cache_may_be_used_by_many_threads)
{
    auto server = start_server();
    auto const seed = test::choose_seed();
    asio::thread_pool pool(1);
    coauth::client client(pool.get_executor(), test::with_log_scan(server.config()));
    coauth::client other(pool.get_executor(), test::with_log_scan(server.config()));
    coauth::token_cache_options options;
    options.max_sources = 200;
    coauth::token_cache cache(options);
    constexpr std::uint64_t each = 20'000;
    std::atomic<std::uint64_t> lookups{0};
    std::atomic<bool> wrong{false};
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 4; ++t)
        threads.emplace_back(
            [&, t]
            {
                std::mt19937_64 random(seed + t);
                for (std::uint64_t i = 0; i < each; ++i)
                {
                    auto const choice = random() % 10'000;
                    if (choice == 0)
                        cache.erase(other);
                    else if (choice < 10)
                        cache.remove_idle();
                    else if (choice < 20)
                        (void)cache.counters();
                    else
                    {
                        // Half of the keys are this thread's own.
                        auto const number =
                            random() % 2 == 0 ? random() % 100 : 1'000 * (t + 1) + random() % 50;
                        auto const tokens = cache.get(
                            choice % 10 == 0 ? other : client,
                            coauth::token_request().audience(std::to_string(number)));
                        wrong = wrong || !tokens->try_get().empty();
                        ++lookups;
                    }
                }
            });
    for (auto& one : threads)
        one.join();
    auto const counters = cache.counters();
    BOOST_TEST(!wrong);
    BOOST_TEST(counters.hits + counters.misses == lookups);
    BOOST_TEST(counters.size <= 200U);
    BOOST_TEST(counters.hits > each / 10);
    BOOST_TEST(counters.evicted > each / 10);
    pool.join();
}
