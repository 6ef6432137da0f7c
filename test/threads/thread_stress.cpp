// Ten thousand operations on a pool of threads, most of them cancelled at a random instant: each
// completes exactly once. Made to be run under ThreadSanitizer.
//
// The random numbers follow from one seed, which is printed; COAUTH_SEED=n uses that one again.

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

authorization_server start(bool tls)
{
    auto options = test::options();
    options.tls = tls;
    return test::start(std::move(options));
}

// What happens to one operation.
struct fate
{
    // Never, when negative.
    std::chrono::microseconds cancel_after;
    asio::cancellation_type type;
};

// Draws one in five to live, and spreads the end of the others over the life of an operation.
class fates
{
public:
    fates(std::uint64_t seed, std::chrono::microseconds life)
        : random_(seed)
        , after_(0, life.count())
    {
    }

    fate draw()
    {
        static constexpr asio::cancellation_type types[] = {
            asio::cancellation_type::terminal, asio::cancellation_type::partial,
            asio::cancellation_type::total};
        if (random_() % 5 == 0)
            return {std::chrono::microseconds(-1), asio::cancellation_type::none};
        return {std::chrono::microseconds(after_(random_)), types[random_() % 3]};
    }

private:
    std::mt19937_64 random_;
    std::uniform_int_distribution<std::chrono::microseconds::rep> after_;
};

// Counts what ended how, and lets the main thread wait for the last.
class tally
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

std::string outcome(token_result const& got)
{
    return got ? "success" : std::string(coauth::to_string(got.error().value()));
}

// One operation with a strand of its own, where its signal is emitted and its handler runs.
class shot : public std::enable_shared_from_this<shot>
{
public:
    using on_end = std::function<void(std::string const&)>;

    shot(asio::thread_pool& pool, coauth::client& client, fate what, on_end end)
        : strand_(asio::make_strand(pool))
        , timer_(strand_)
        , client_(client)
        , fate_(what)
        , end_(std::move(end))
    {
    }

    void fire()
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
        if (fate_.cancel_after < 0us)
            return;
        timer_.expires_after(fate_.cancel_after);
        timer_.async_wait(
            [self = shared_from_this()](boost::system::error_code ec)
            {
                if (!ec)
                    self->signal_.emit(self->fate_.type);
            });
    }

    void complete(token_result const& got)
    {
        timer_.cancel();
        bool const here = strand_.running_in_this_thread();
        bool const first = !std::exchange(completed_, true);
        end_(!here ? "on a wrong executor" : !first ? "completed twice" : outcome(got));
    }

    pool_strand strand_;
    asio::steady_timer timer_;
    asio::cancellation_signal signal_;
    coauth::client& client_;
    fate fate_;
    on_end end_;
    bool completed_ = false;
};

// How long one operation takes here, at the load of the storm.
std::chrono::microseconds measure_life(asio::thread_pool& pool, coauth::client& client)
{
    auto const began = std::chrono::steady_clock::now();
    tally ended;
    for (std::size_t i = 0; i < in_flight; ++i)
        std::make_shared<shot>(
            pool, client, fate{-1us, asio::cancellation_type::none},
            [&](std::string const& how) { ended.add(how); })
            ->fire();
    BOOST_REQUIRE(ended.wait_for(in_flight, 60s));
    BOOST_TEST(ended.count("success") == in_flight);
    return std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - began);
}

std::size_t open_files()
{
    auto const files = std::filesystem::directory_iterator("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

void storm(bool tls, coauth::connection_options const& connections, std::size_t count)
{
    auto const server = start(tls);
    auto config = test::with_log_scan(server.config());
    config.timeout = 120s;
    config.connections = connections;
    tally ended;
    auto const files_before = open_files();
    {
        asio::thread_pool pool(4);
        coauth::client client(pool.get_executor(), config);
        std::mutex mutex;
        // Once to open what is then kept open.
        (void)measure_life(pool, client);
        fates drawn(test::choose_seed(), measure_life(pool, client));
        std::size_t started = 0;

        std::function<void()> const next = [&]
        {
            std::unique_lock lock(mutex);
            if (started == count)
                return;
            ++started;
            auto const what = drawn.draw();
            lock.unlock();
            std::make_shared<shot>(
                pool, client, what,
                [&](std::string const& how)
                {
                    next();
                    ended.add(how);
                })
                ->fire();
        };
        for (std::size_t i = 0; i < in_flight; ++i)
            next();
        if (!ended.wait_for(count, 300s))
            pool.stop();
        pool.join();
    }
    // The server closes its ends soon after ours.
    for (int i = 0; i < 100 && open_files() > files_before; ++i)
        std::this_thread::sleep_for(100ms);
    BOOST_TEST(open_files() == files_before);
    std::cout << ended.text() << "requests: " << server.requests().size() << std::endl;
    BOOST_TEST(ended.total() == count);
    BOOST_TEST(ended.count("success") + ended.count("cancelled") == count, ended.text());
    // Else the storm has passed by the operations, and tests nothing.
    BOOST_TEST(ended.count("success") >= count / 10);
    BOOST_TEST(ended.count("cancelled") >= count / 10);
    BOOST_TEST(server.requests().size() <= count + 2 * in_flight);
}

} // namespace

BOOST_AUTO_TEST_CASE(storm_over_kept_connections)
{
    storm(true, {}, 10'000);
}

BOOST_AUTO_TEST_CASE(storm_over_new_connections)
{
    coauth::connection_options each_its_own;
    each_its_own.idle_timeout = 0ms;
    storm(true, each_its_own, 2'000);
}

BOOST_AUTO_TEST_CASE(storm_in_line)
{
    coauth::connection_options few;
    few.max_connections = 8;
    storm(false, few, 5'000);
}

// The client goes while operations start and run on other threads.
BOOST_AUTO_TEST_CASE(close_in_the_middle)
{
    auto const server = start(false);
    std::mt19937_64 random(test::choose_seed());
    for (int round = 0; round < 100; ++round)
    {
        tally ended;
        asio::thread_pool pool(4);
        coauth::client client(pool.get_executor(), test::with_log_scan(server.config()));
        for (std::size_t i = 0; i < in_flight; ++i)
            std::make_shared<shot>(
                pool, client, fate{-1us, asio::cancellation_type::none},
                [&](std::string const& how) { ended.add(how); })
                ->fire();
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
        client.close();
        BOOST_TEST_REQUIRE(ended.wait_for(in_flight, 60s));
        pool.join();
        BOOST_TEST(ended.total() == in_flight);
        BOOST_TEST(ended.count("success") + ended.count("cancelled") == in_flight, ended.text());
    }
}

// It goes while some of them get in line for its only connection, whose server never responds.
BOOST_AUTO_TEST_CASE(close_while_operations_get_in_line)
{
    asio::io_context accepting;
    // Connections are accepted by the system, and nobody reads.
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
        tally ended;
        asio::thread_pool pool(2);
        coauth::client client(pool.get_executor(), config);
        for (std::size_t i = 0; i < operations; ++i)
            asio::post(
                pool,
                [&]
                {
                    client.async_get_access_token(
                        coauth::token_request(),
                        [&](token_result const& got) { ended.add(outcome(got)); });
                });
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 150));
        client.close();
        BOOST_TEST_REQUIRE(ended.wait_for(operations, 60s));
        pool.join();
        BOOST_TEST_REQUIRE(ended.count("cancelled") == operations, ended.text());
    }
}
