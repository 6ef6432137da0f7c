// A million operations on one token source from a pool of threads, while its token lives for a
// second, is invalidated, renewed by force and refused by the server, and callers are cancelled:
// each completes exactly once. Made to be run under ThreadSanitizer.
//
// The random numbers follow from one seed, which is printed; COAUTH_SEED=n uses that one again.

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
    std::atomic<std::uint64_t> begun{0};
    std::atomic<std::uint64_t> ended{0};
    std::atomic<std::uint64_t> cancelled{0};
    std::atomic<std::uint64_t> twice{0};
};

// One operation that is cancelled soon, on a strand of its own.
class cancelled_call : public std::enable_shared_from_this<cancelled_call>
{
public:
    cancelled_call(pool_strand strand, coauth::token_source& tokens, counts& seen)
        : strand_(std::move(strand))
        , tokens_(tokens)
        , seen_(seen)
    {
    }

    void run(bool refresh)
    {
        auto const self = shared_from_this();
        ++seen_.begun;
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
        seen_.twice += ended_ ? 1U : 0U;
        ended_ = true;
        ++seen_.ended;
        seen_.cancelled += !got && got.error() == coauth::errc::cancelled ? 1U : 0U;
    }

    pool_strand strand_;
    coauth::token_source& tokens_;
    counts& seen_;
    asio::cancellation_signal signal_;
    bool ended_ = false;
};

asio::awaitable<void>
use(pool_strand strand, coauth::token_source& tokens, counts& seen, std::uint64_t seed,
    std::uint64_t operations)
{
    std::mt19937_64 random(seed);
    coauth::access_token held;
    for (std::uint64_t i = 0; i < operations; ++i)
    {
        ++seen.operations;
        auto const dice = random() % 1000;
        if (dice < 800)
        {
            held = tokens.try_get();
            seen.tokens += held ? 1U : 0U;
        }
        else if (dice < 980)
        {
            ++seen.begun;
            auto got = co_await tokens.async_get_access_token();
            ++seen.ended;
            seen.tokens += got ? 1U : 0U;
        }
        else if (dice < 990)
            std::make_shared<cancelled_call>(strand, tokens, seen)->run(dice < 985);
        else if (dice < 992)
            (void)tokens.invalidate(held);
        else if (dice < 994)
            (void)tokens.status();
        else if (dice < 995)
            (void)tokens.counters();
        else
            tokens.warm_up();
    }
}

authorization_server start()
{
    auto options = test::options();
    options.tls = false;
    options.token_lifetime = 1s;
    return test::start(std::move(options));
}

} // namespace

BOOST_AUTO_TEST_CASE(storm_over_a_token_source)
{
    auto server = start();
    auto const seed = test::choose_seed();
    coauth::token_source_options options;
    options.initial_back_off = 1ms;
    options.max_back_off = 5ms;
    options.min_refresh_interval = 10ms;
    options.cancel_when_unwaited = true;
    asio::thread_pool pool(4);
    coauth::client client(pool.get_executor(), test::with_log_scan(server.config()));
    coauth::token_source tokens(client, coauth::token_request(), options);
    counts seen;
    constexpr std::uint64_t users = 64;
    constexpr std::uint64_t each = 16'000;
    for (std::uint64_t i = 0; i < users; ++i)
    {
        auto strand = asio::make_strand(pool);
        asio::co_spawn(strand, use(strand, tokens, seen, seed + i, each), asio::detached);
    }
    // A thread that is none of the pool's.
    std::atomic<bool> ended{false};
    std::thread outside(
        [&]
        {
            while (!ended)
            {
                auto const token = tokens.try_get();
                seen.operations += token ? 1U : 0U;
                if (seen.operations % 1024 == 0)
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
    std::cout << seen.operations << " operations, " << seen.tokens << " tokens, " << seen.cancelled
              << " cancelled, " << server.requests().size() << " requests" << std::endl;
    BOOST_TEST(seen.operations >= users * each);
    BOOST_TEST(seen.begun == seen.ended);
    BOOST_TEST(seen.twice == 0U);
    // Else the storm has passed by what it is to test.
    BOOST_TEST(seen.tokens > users * each / 10);
    BOOST_TEST(seen.cancelled > 100U);
    BOOST_TEST(server.requests().size() > 10U);
}

// The source goes while operations start and wait on other threads.
BOOST_AUTO_TEST_CASE(close_a_token_source_in_the_middle)
{
    auto server = start();
    std::mt19937_64 random(test::choose_seed());
    for (int round = 0; round < 100; ++round)
    {
        counts seen;
        asio::thread_pool pool(4);
        coauth::client client(pool.get_executor(), test::with_log_scan(server.config()));
        coauth::token_source tokens(client);
        for (std::uint64_t i = 0; i < 16; ++i)
        {
            auto strand = asio::make_strand(pool);
            asio::co_spawn(strand, use(strand, tokens, seen, random(), 200), asio::detached);
        }
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 5'000));
        tokens.close();
        pool.join();
        BOOST_TEST_REQUIRE(seen.begun == seen.ended);
        BOOST_TEST_REQUIRE(seen.twice == 0U);
    }
}

// It goes while operations wait for it and are cancelled, and its fetch ends, on other threads.
BOOST_AUTO_TEST_CASE(destroy_a_token_source_that_is_waited_for)
{
    auto server = start();
    std::mt19937_64 random(test::choose_seed());
    std::uint64_t tokens_seen = 0;
    std::uint64_t cancelled_seen = 0;
    for (int round = 0; round < 200; ++round)
    {
        counts seen;
        asio::thread_pool pool(4);
        coauth::client client(pool.get_executor(), test::with_log_scan(server.config()));
        coauth::token_source_options options;
        options.cancel_when_unwaited = round % 2 == 0;
        options.refresh_when_idle = round % 3 == 0;
        std::optional<coauth::token_source> tokens(
            std::in_place, client, coauth::token_request(), options);
        constexpr int callers = 32;
        std::latch begun(callers);
        for (int i = 0; i < callers; ++i)
        {
            auto const strand = asio::make_strand(pool);
            asio::post(
                strand,
                [&, i, strand]
                {
                    if (i % 2 == 0)
                        std::make_shared<cancelled_call>(strand, *tokens, seen)->run(i % 4 == 0);
                    else
                    {
                        ++seen.begun;
                        tokens->async_get_access_token(asio::bind_executor(
                            strand,
                            [&](token_result const& got)
                            {
                                ++seen.ended;
                                seen.tokens += got ? 1U : 0U;
                                seen.cancelled += got ? 0U : 1U;
                            }));
                    }
                    begun.count_down();
                });
        }
        begun.wait();
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 4'000));
        tokens.reset();
        pool.join();
        BOOST_TEST_REQUIRE(seen.begun == seen.ended);
        BOOST_TEST_REQUIRE(seen.ended == static_cast<std::uint64_t>(callers));
        BOOST_TEST_REQUIRE(seen.twice == 0U);
        tokens_seen += seen.tokens;
        cancelled_seen += seen.cancelled;
    }
    BOOST_TEST_MESSAGE(tokens_seen << " tokens, " << cancelled_seen << " cancelled");
    BOOST_TEST(cancelled_seen > 200U);
}

// With operations pending and idle connections: two clients in two threads at the same time, while
// their context exists or after another thread has destroyed it.
BOOST_AUTO_TEST_CASE(destroy_clients_before_or_after_their_context)
{
    auto server = start();
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
        // Started, and never completed: nobody runs the context.
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

// Lookups of other keys, and of the same ones, while sources come, go for want of room, are
// idle_removed and go with their client. What one thread is about to put out for want of room,
// another takes out.
BOOST_AUTO_TEST_CASE(a_token_cache_that_another_thread_empties)
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

BOOST_AUTO_TEST_CASE(a_token_cache_from_several_threads)
{
    auto server = start();
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
                    auto const dice = random() % 10'000;
                    if (dice == 0)
                        cache.erase(other);
                    else if (dice < 10)
                        cache.remove_idle();
                    else if (dice < 20)
                        (void)cache.counters();
                    else
                    {
                        // Half of the keys are this thread's own.
                        auto const number =
                            random() % 2 == 0 ? random() % 100 : 1'000 * (t + 1) + random() % 50;
                        auto const tokens = cache.get(
                            dice % 10 == 0 ? other : client,
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
