// Ten thousand operations on a pool of threads, most of them cancelled at a random time: each
// completes exactly once. Intended for ThreadSanitizer.
//
// The random numbers follow from one seed, which is printed; COAUTH_SEED=n repeats that run.

#include <coauth/coauth.hpp>
#include <coauth/testing/authorization_server.hpp>

#include "fixture.hpp"
#include "random_seed.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using coauth::testing::authorization_server;
using token_result = coauth::result<coauth::access_token>;
using pool_strand = asio::strand<asio::thread_pool::executor_type>;

namespace
{

constexpr std::size_t in_flight = 64;

authorization_server start_server(bool tls)
{
    auto options = test::options();
    options.tls = tls;
    return test::start(std::move(options));
}

// When and how an operation is cancelled.
struct cancellation_plan
{
    // Negative: never.
    std::chrono::microseconds cancel_after;
    asio::cancellation_type type;
};

// Cancels four of five operations, at times spread over the duration of an operation.
class random_plans
{
public:
    random_plans(std::uint64_t seed, std::chrono::microseconds duration)
        : random_(seed)
        , delay_(0, duration.count())
    {
    }

    cancellation_plan next_plan()
    {
        static constexpr asio::cancellation_type types[] = {
            asio::cancellation_type::terminal, asio::cancellation_type::partial,
            asio::cancellation_type::total};
        if (random_() % 5 == 0)
            return {std::chrono::microseconds(-1), asio::cancellation_type::none};
        return {std::chrono::microseconds(delay_(random_)), types[random_() % 3]};
    }

private:
    std::mt19937_64 random_;
    std::uniform_int_distribution<std::chrono::microseconds::rep> delay_;
};

// Counts outcomes, and lets the main thread wait for the last one.
class outcome_counter
{
public:
    void add(std::string const& outcome)
    {
        std::lock_guard const lock(mutex_);
        ++counts_[outcome];
        ++total_;
        changed_.notify_all();
    }

    bool wait_for(std::size_t total, std::chrono::seconds limit)
    {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, limit, [&] { return total_ >= total; });
    }

    std::size_t total()
    {
        std::lock_guard const lock(mutex_);
        return total_;
    }

    std::size_t count(std::string const& outcome)
    {
        std::lock_guard const lock(mutex_);
        return counts_[outcome];
    }

    std::string text()
    {
        std::lock_guard const lock(mutex_);
        std::string out;
        for (auto const& [outcome, count] : counts_)
            out += outcome + ": " + std::to_string(count) + "  ";
        return out;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::size_t> counts_;
    std::size_t total_ = 0;
};

std::string outcome_of(token_result const& got)
{
    return got ? "success" : std::string(coauth::to_string(got.error().value()));
}

// One operation with a strand of its own, on which its signal is emitted and its handler runs.
class one_call : public std::enable_shared_from_this<one_call>
{
public:
    using end_handler = std::function<void(std::string const&)>;

    one_call(
        asio::thread_pool& pool, coauth::client& client, cancellation_plan plan, end_handler end)
        : strand_(asio::make_strand(pool))
        , timer_(strand_)
        , client_(client)
        , plan_(plan)
        , on_end_(std::move(end))
    {
    }

    void start()
    {
        asio::post(strand_, [self = shared_from_this()] { self->begin(); });
    }

private:
    void begin()
    {
        client_.async_get_access_token(
            coauth::token_request(),
            asio::bind_cancellation_slot(
                signal_.slot(), asio::bind_executor(
                                    strand_, [self = shared_from_this()](token_result const& got)
                                    { self->complete(got); })));
        if (plan_.cancel_after < 0us)
            return;
        timer_.expires_after(plan_.cancel_after);
        timer_.async_wait(
            [self = shared_from_this()](boost::system::error_code ec)
            {
                if (!ec)
                    self->signal_.emit(self->plan_.type);
            });
    }

    void complete(token_result const& got)
    {
        timer_.cancel();
        bool const on_strand = strand_.running_in_this_thread();
        bool const first = !std::exchange(completed_, true);
        on_end_(!on_strand ? "on a wrong executor" : !first ? "completed twice" : outcome_of(got));
    }

    pool_strand strand_;
    asio::steady_timer timer_;
    asio::cancellation_signal signal_;
    coauth::client& client_;
    cancellation_plan plan_;
    end_handler on_end_;
    bool completed_ = false;
};

// The duration of an operation under this load.
std::chrono::microseconds measure_duration(asio::thread_pool& pool, coauth::client& client)
{
    auto const began = std::chrono::steady_clock::now();
    outcome_counter outcomes;
    for (std::size_t i = 0; i < in_flight; ++i)
        std::make_shared<one_call>(
            pool, client, cancellation_plan{-1us, asio::cancellation_type::none},
            [&](std::string const& outcome) { outcomes.add(outcome); })
            ->start();
    BOOST_REQUIRE(outcomes.wait_for(in_flight, 60s));
    BOOST_TEST(outcomes.count("success") == in_flight);
    return std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - began);
}

std::size_t open_files()
{
    auto const files = std::filesystem::directory_iterator("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

void stress(bool tls, coauth::connection_options const& connections, std::size_t count)
{
    auto const server = start_server(tls);
    auto config = test::with_log_scan(server.config());
    config.timeout = 120s;
    config.connections = connections;
    outcome_counter outcomes;
    auto const files_before = open_files();
    {
        asio::thread_pool pool(4);
        coauth::client client(pool.get_executor(), config);
        std::mutex mutex;
        // The first time opens the connections.
        (void)measure_duration(pool, client);
        random_plans plans(test::choose_seed(), measure_duration(pool, client));
        std::size_t started = 0;

        std::function<void()> const next = [&]
        {
            std::unique_lock lock(mutex);
            if (started == count)
                return;
            ++started;
            auto const plan = plans.next_plan();
            lock.unlock();
            std::make_shared<one_call>(
                pool, client, plan,
                [&](std::string const& outcome)
                {
                    next();
                    outcomes.add(outcome);
                })
                ->start();
        };
        for (std::size_t i = 0; i < in_flight; ++i)
            next();
        if (!outcomes.wait_for(count, 300s))
            pool.stop();
        pool.join();
    }
    // The server closes its ends soon after ours.
    for (int i = 0; i < 100 && open_files() > files_before; ++i)
        std::this_thread::sleep_for(100ms);
    BOOST_TEST(open_files() == files_before);
    std::cout << outcomes.text() << "requests: " << server.requests().size() << std::endl;
    BOOST_TEST(outcomes.total() == count);
    BOOST_TEST(outcomes.count("success") + outcomes.count("cancelled") == count, outcomes.text());
    // Otherwise the cancellations came too early or too late to test anything.
    BOOST_TEST(outcomes.count("success") >= count / 10);
    BOOST_TEST(outcomes.count("cancelled") >= count / 10);
    BOOST_TEST(server.requests().size() <= count + 2 * in_flight);
}

} // namespace

BOOST_AUTO_TEST_CASE(cancelled_operations_of_many_threads_complete_once_over_reused_connections)
{
    stress(true, {}, 10'000);
}

BOOST_AUTO_TEST_CASE(cancelled_operations_of_many_threads_complete_once_over_new_connections)
{
    coauth::connection_options no_reuse;
    no_reuse.idle_timeout = 0ms;
    stress(true, no_reuse, 2'000);
}

BOOST_AUTO_TEST_CASE(cancelled_operations_of_many_threads_complete_once_in_the_connection_queue)
{
    coauth::connection_options limited;
    limited.max_connections = 8;
    stress(false, limited, 5'000);
}

// The client is closed while operations start and run on other threads.
BOOST_AUTO_TEST_CASE(closing_a_client_completes_operations_of_other_threads_once)
{
    auto const server = start_server(false);
    std::mt19937_64 random(test::choose_seed());
    for (int round = 0; round < 100; ++round)
    {
        outcome_counter outcomes;
        asio::thread_pool pool(4);
        coauth::client client(pool.get_executor(), test::with_log_scan(server.config()));
        for (std::size_t i = 0; i < in_flight; ++i)
            std::make_shared<one_call>(
                pool, client, cancellation_plan{-1us, asio::cancellation_type::none},
                [&](std::string const& outcome) { outcomes.add(outcome); })
                ->start();
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
        client.close();
        BOOST_TEST_REQUIRE(outcomes.wait_for(in_flight, 60s));
        pool.join();
        BOOST_TEST(outcomes.total() == in_flight);
        BOOST_TEST(
            outcomes.count("success") + outcomes.count("cancelled") == in_flight, outcomes.text());
    }
}

// The client is closed while operations are queued for its only connection, to a silent server.
BOOST_AUTO_TEST_CASE(closing_a_client_cancels_operations_that_other_threads_queue)
{
    asio::io_context accepting;
    // The system accepts connections, and nobody reads from them.
    asio::ip::tcp::acceptor const silent(accepting, {asio::ip::address_v4::loopback(), 0});
    coauth::client_config config;
    config.server.token_endpoint =
        "http://127.0.0.1:" + std::to_string(silent.local_endpoint().port()) + "/token";
    config.authentication = coauth::client_authentication::none("client");
    config.allow_http_loopback = true;
    config.connections.max_connections = 1;
    config.timeout = 60s;
    constexpr std::size_t operations = 12;
    std::mt19937_64 random(test::choose_seed());
    for (int round = 0; round < 1000; ++round)
    {
        outcome_counter outcomes;
        asio::thread_pool pool(2);
        coauth::client client(pool.get_executor(), config);
        for (std::size_t i = 0; i < operations; ++i)
            asio::post(
                pool,
                [&]
                {
                    client.async_get_access_token(
                        coauth::token_request(),
                        [&](token_result const& got) { outcomes.add(outcome_of(got)); });
                });
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 150));
        client.close();
        BOOST_TEST_REQUIRE(outcomes.wait_for(operations, 60s));
        pool.join();
        BOOST_TEST_REQUIRE(outcomes.count("cancelled") == operations, outcomes.text());
    }
}
