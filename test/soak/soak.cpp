// coauth_soak MINUTES [TABLE]: a thousand fetches in flight, on four threads, at servers that
// misbehave at random. Fails if memory grows, a descriptor leaks, a good response is lost or a bad
// one is accepted. Writes the measurements to TABLE.
//
// The random choices follow from one seed, which is printed; COAUTH_SEED=n repeats that run.

#include <coauth/coauth.hpp>

#include "misbehaviour.hpp"
#include "observation.hpp"
#include "server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace
{

constexpr int threads = 4;
// For each of the two servers.
constexpr std::size_t direct_fetches = soak::sanitized ? 50 : 450;
constexpr std::size_t sources = 2;
constexpr std::size_t waiters_per_source = 25;
constexpr std::size_t in_flight = 2 * (direct_fetches + sources * waiters_per_source);
// Memory of OpenSSL and the allocator that may remain at the end, in MiB.
constexpr double allowed_remainder = 2;

// The numbers of the responses that were received. Its memory is allocated at the start.
class received_numbers
{
public:
    // False: the number was received before.
    bool add(std::size_t n)
    {
        auto const bit = std::uint64_t(1) << (n % 64);
        return (words_[n / 64 % words_.size()].fetch_or(bit) & bit) == 0;
    }
    [[nodiscard]] bool has(std::size_t n) const
    {
        return (words_[n / 64 % words_.size()] >> (n % 64) & 1U) != 0;
    }

private:
    std::vector<std::atomic<std::uint64_t>> words_ =
        std::vector<std::atomic<std::uint64_t>>(std::size_t(1) << 20U);
};

struct totals
{
    std::atomic<std::size_t> tokens{0};
    // Indexed by `errc`.
    std::array<std::atomic<std::size_t>, 64> failures{};
    // Tokens that no server issued, or that were received twice.
    std::atomic<std::size_t> wrong{0};
    std::atomic<std::size_t> unfinished{0};
    std::atomic<bool> stopping{false};
};

// Checks the received tokens. Those of the steady server have numbers.
class token_checker
{
public:
    token_checker(soak::misbehaviour const& responses, totals& counts)
        : responses_(responses)
        , counts_(counts)
    {
    }

    // `shared`: several waiters may receive the same token.
    void check(coauth::result<coauth::access_token> const& got, bool steady, bool shared = false)
    {
        ++(got ? counts_.tokens
               : counts_.failures.at(static_cast<std::size_t>(got.error().value())));
        if (!got)
            return;
        std::string_view const token = got->value();
        std::size_t n = 0;
        bool const numbered =
            token.starts_with("token-") &&
            std::from_chars(token.data() + 6, token.data() + token.size(), n).ec == std::errc();
        bool const valid =
            numbered && responses_.good(n) && (!steady || received_.add(n) || shared);
        if (steady ? !valid : token.starts_with("foreign"))
            ++counts_.wrong;
    }

    // The number of good responses, of the first `requests`, that were not received.
    [[nodiscard]] std::size_t lost(std::size_t requests) const
    {
        std::size_t count = 0;
        for (std::size_t n = 0; n < requests; ++n)
            count += responses_.good(n) && !received_.has(n) ? 1U : 0U;
        return count;
    }

private:
    soak::misbehaviour const& responses_;
    totals& counts_;
    received_numbers received_;
};

coauth::client_config config_for(soak::server const& server, bool steady)
{
    auto const port = std::to_string(steady ? server.steady_port : server.restarted_port);
    coauth::client_config config;
    config.server.token_endpoint =
        (steady ? "https://127.0.0.1:" : "http://127.0.0.1:") + port + "/oauth/token";
    config.authentication =
        coauth::client_authentication::client_secret_basic("client", coauth::secret("secret"));
    config.allow_http_loopback = !steady;
    config.tls.ca_pem = server.ca_pem;
    config.connections.max_connections = in_flight;
    // Long enough that a slow machine loses no good response.
    config.timeout = 90s;
    config.retry.attempt_timeout = 30s;
    return config;
}

// The client of one server, with all its fetches and sources.
class load
{
public:
    load(
        asio::thread_pool& pool, soak::server const& server, bool steady, token_checker& checker,
        totals& counts)
        : pool_(pool)
        , client_(pool.get_executor(), config_for(server, steady))
        , steady_(steady)
        , checker_(checker)
        , counts_(counts)
    {
        if (!client_.validate())
            throw std::runtime_error(client_.validate().error().message());
        for (std::size_t i = 0; i < sources; ++i)
            sources_.push_back(
                std::make_unique<coauth::token_source>(client_, coauth::token_request()));
    }

    void start()
    {
        for (std::size_t i = 0; i < direct_fetches; ++i)
            spawn(fetch_in_a_loop());
        for (auto const& source : sources_)
            for (std::size_t i = 0; i < waiters_per_source; ++i)
                spawn(use_source_in_a_loop(*source));
    }

    [[nodiscard]] std::size_t on_connections() const
    {
        auto const now = client_.counters();
        return now.open - std::min(now.open, now.idle);
    }

private:
    void spawn(asio::awaitable<void> one)
    {
        asio::co_spawn(
            pool_, std::move(one),
            [](std::exception_ptr const& failure)
            {
                if (failure)
                    std::terminate();
            });
    }

    asio::awaitable<void> fetch_in_a_loop()
    {
        while (!counts_.stopping)
        {
            ++counts_.unfinished;
            auto const got = co_await client_.async_get_access_token(coauth::token_request());
            --counts_.unfinished;
            checker_.check(got, steady_);
        }
    }

    // The first waiter that receives a token invalidates it, and all wait for the next one.
    asio::awaitable<void> use_source_in_a_loop(coauth::token_source& source)
    {
        asio::steady_timer timer(pool_);
        while (!counts_.stopping)
        {
            ++counts_.unfinished;
            auto const got = co_await source.async_get_access_token();
            --counts_.unfinished;
            checker_.check(got, steady_, true);
            if (got)
                source.invalidate(*got);
            timer.expires_after(got ? 1ms : 50ms);
            co_await timer.async_wait(asio::use_awaitable);
        }
    }

    asio::thread_pool& pool_;
    coauth::client client_;
    std::vector<std::unique_ptr<coauth::token_source>> sources_;
    bool steady_;
    token_checker& checker_;
    totals& counts_;
};

std::size_t failures_of(totals const& counts)
{
    std::size_t sum = 0;
    for (auto const& failures : counts.failures)
        sum += failures;
    return sum;
}

std::vector<soak::sample> watch(
    load const& steady, load const& restarted, totals const& counts,
    std::chrono::duration<double> duration)
{
    std::vector<soak::sample> samples;
    samples.reserve(1024);
    auto const started = steady_clock::now();
    auto const step = std::clamp<std::chrono::duration<double>>(duration / 120, 100ms, 60s);
    std::size_t tokens = 0;
    std::size_t failures = 0;
    double before = 0;
    while (before < duration.count() && samples.size() < samples.capacity())
    {
        std::this_thread::sleep_for(step);
        double const now = std::chrono::duration<double>(steady_clock::now() - started).count();
        auto const per_second = [&](std::size_t& last, std::size_t count)
        { return static_cast<double>(count - std::exchange(last, count)) / (now - before); };
        samples.push_back(
            {now, soak::memory_now(), soak::descriptors_now(), counts.unfinished,
             steady.on_connections() + restarted.on_connections(),
             per_second(tokens, counts.tokens), per_second(failures, failures_of(counts))});
        before = now;
    }
    return samples;
}

std::vector<soak::sample> fetch_for(
    std::chrono::duration<double> duration, soak::server const& server, token_checker& checker,
    totals& counts)
{
    asio::thread_pool pool(threads);
    load steady(pool, server, true, checker, counts);
    load restarted(pool, server, false, checker, counts);
    steady.start();
    restarted.start();
    auto samples = watch(steady, restarted, counts, duration);
    counts.stopping = true;
    pool.join();
    return samples;
}

std::uint64_t choose_seed()
{
    char const* const value = std::getenv("COAUTH_SEED");
    std::uint64_t const seed = value ? std::strtoull(value, nullptr, 10) : std::random_device{}();
    std::cout << "COAUTH_SEED=" << seed << std::endl;
    return seed;
}

void show_failures(totals const& counts)
{
    for (std::size_t i = 0; i < counts.failures.size(); ++i)
        if (std::size_t const count = counts.failures[i]; count != 0)
            std::cout << coauth::to_string(static_cast<coauth::errc>(i)) << ' ' << count << "  ";
    std::cout << '\n';
}

int run(double minutes, char const* table)
{
    auto const seed = choose_seed();
    soak::allow_many_descriptors();
    soak::misbehaviour const responses(seed);
    soak::server server(seed);
    totals counts;
    token_checker checker(responses, counts);
    auto const descriptors = soak::descriptors_now();
    auto const memory = soak::memory_now();
    auto const samples =
        fetch_for(std::chrono::duration<double>(minutes * 60), server, checker, counts);
    auto const descriptors_after = soak::descriptors_now();
    auto const memory_after = soak::memory_now();
    auto const requests = server.stop();
    auto const lost = checker.lost(requests);
    auto const failures = failures_of(counts);
    bool const grew = soak::grew(samples);
    bool const leaked = !soak::sanitized && memory_after.in_use > memory.in_use + allowed_remainder;
    if (table != nullptr)
        soak::write_table(samples, table);
    soak::show(samples);
    show_failures(counts);
    std::cout << requests << " requests to the steady server\n"
              << counts.tokens << " tokens, " << failures << " failures, " << lost
              << " good responses lost, " << counts.wrong << " bad ones accepted\n"
              << "memory " << (grew ? "grew" : "flat") << ", in use before " << memory.in_use
              << " MiB, after " << memory_after.in_use << "; descriptors before " << descriptors
              << ", after " << descriptors_after << '\n';
    bool const failed = counts.tokens == 0 || failures == 0 || lost != 0 || counts.wrong != 0 ||
                        grew || leaked || descriptors_after != descriptors;
    return failed ? 1 : 0;
}

} // namespace

int main(int argc, char** argv)
{
    double const minutes = argc > 1 ? std::atof(argv[1]) : 0;
    if (minutes <= 0 || argc > 3)
    {
        std::cerr << "usage: coauth_soak MINUTES [TABLE]\n";
        return 2;
    }
    return run(minutes, argc == 3 ? argv[2] : nullptr);
}
