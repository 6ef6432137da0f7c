// coauth_soak MINUTES [TABLE]: a thousand fetches in flight, from four threads, at servers that
// misbehave at random. Fails when memory grows, a descriptor is left, a good response is lost or a
// bad one taken. What was seen over time is written to TABLE.
//
// The random choices follow from one seed, which is printed; COAUTH_SEED=n uses that one again.

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
// At each of the two servers.
constexpr std::size_t fetching_themselves = soak::sanitized ? 50 : 450;
constexpr std::size_t sources = 2;
constexpr std::size_t users_of_a_source = 25;
constexpr std::size_t in_flight = 2 * (fetching_themselves + sources * users_of_a_source);
// What is left when all is over: OpenSSL's and the allocator's own, MiB.
constexpr double allowed_to_stay = 2;

// Which responses came, of those that are numbered. All of its memory is there from the start.
class delivered
{
public:
    // False: it came before.
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

struct tally
{
    std::atomic<std::size_t> tokens{0};
    // By `errc`.
    std::array<std::atomic<std::size_t>, 64> failures{};
    // Tokens that no server gave, or that came twice.
    std::atomic<std::size_t> wrong{0};
    std::atomic<std::size_t> unfinished{0};
    std::atomic<bool> over{false};
};

// A token of the server that stays is checked by its number.
class verdicts
{
public:
    verdicts(soak::misbehaviour const& what, tally& counts) : what_(what), counts_(counts) {}

    // `shared`: by those who waited for the same one.
    void take(coauth::result<coauth::access_token> const& got, bool steady, bool shared = false)
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
        bool const right = numbered && what_.good(n) && (!steady || delivered_.add(n) || shared);
        if (steady ? !right : token.starts_with("foreign"))
            ++counts_.wrong;
    }

    // Of so many requests, how many good responses did not come.
    [[nodiscard]] std::size_t lost(std::size_t requests) const
    {
        std::size_t count = 0;
        for (std::size_t n = 0; n < requests; ++n)
            count += what_.good(n) && !delivered_.has(n) ? 1U : 0U;
        return count;
    }

private:
    soak::misbehaviour const& what_;
    tally& counts_;
    delivered delivered_;
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
    // A good response is not lost because the machine is slow.
    config.timeout = 90s;
    config.retry.attempt_timeout = 30s;
    return config;
}

// One server, and all that ask it.
class user
{
public:
    user(
        asio::thread_pool& pool, soak::server const& server, bool steady, verdicts& all,
        tally& counts)
        : pool_(pool)
        , client_(pool.get_executor(), config_for(server, steady))
        , steady_(steady)
        , all_(all)
        , counts_(counts)
    {
        if (!client_.validate())
            throw std::runtime_error(client_.validate().error().message());
        for (std::size_t i = 0; i < sources; ++i)
            sources_.push_back(
                std::make_unique<coauth::token_source>(client_, coauth::token_request()));
    }

    void begin()
    {
        for (std::size_t i = 0; i < fetching_themselves; ++i)
            spawn(fetch_again_and_again());
        for (auto const& source : sources_)
            for (std::size_t i = 0; i < users_of_a_source; ++i)
                spawn(use_again_and_again(*source));
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

    asio::awaitable<void> fetch_again_and_again()
    {
        while (!counts_.over)
        {
            ++counts_.unfinished;
            auto const got = co_await client_.async_get_access_token(coauth::token_request());
            --counts_.unfinished;
            all_.take(got, steady_);
        }
    }

    // Each token is thrown away by the first who has it, and all wait for the next.
    asio::awaitable<void> use_again_and_again(coauth::token_source& source)
    {
        asio::steady_timer timer(pool_);
        while (!counts_.over)
        {
            ++counts_.unfinished;
            auto const got = co_await source.async_get_access_token();
            --counts_.unfinished;
            all_.take(got, steady_, true);
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
    verdicts& all_;
    tally& counts_;
};

std::size_t failures_of(tally const& counts)
{
    std::size_t all = 0;
    for (auto const& one : counts.failures)
        all += one;
    return all;
}

std::vector<soak::sample> watch(
    user const& steady, user const& restarted, tally const& counts,
    std::chrono::duration<double> duration)
{
    std::vector<soak::sample> samples;
    samples.reserve(1024);
    auto const began = steady_clock::now();
    auto const step = std::clamp<std::chrono::duration<double>>(duration / 120, 100ms, 60s);
    std::size_t tokens = 0;
    std::size_t failures = 0;
    double before = 0;
    while (before < duration.count() && samples.size() < samples.capacity())
    {
        std::this_thread::sleep_for(step);
        double const now = std::chrono::duration<double>(steady_clock::now() - began).count();
        auto const by_second = [&](std::size_t& last, std::size_t count)
        { return static_cast<double>(count - std::exchange(last, count)) / (now - before); };
        samples.push_back(
            {now, soak::memory_now(), soak::descriptors_now(), counts.unfinished,
             steady.on_connections() + restarted.on_connections(), by_second(tokens, counts.tokens),
             by_second(failures, failures_of(counts))});
        before = now;
    }
    return samples;
}

std::vector<soak::sample> fetch_for(
    std::chrono::duration<double> duration, soak::server const& server, verdicts& all,
    tally& counts)
{
    asio::thread_pool pool(threads);
    user steady(pool, server, true, all, counts);
    user restarted(pool, server, false, all, counts);
    steady.begin();
    restarted.begin();
    auto samples = watch(steady, restarted, counts, duration);
    counts.over = true;
    pool.join();
    return samples;
}

std::uint64_t choose_seed()
{
    char const* const given = std::getenv("COAUTH_SEED");
    std::uint64_t const seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::cout << "COAUTH_SEED=" << seed << std::endl;
    return seed;
}

void show_failures(tally const& counts)
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
    soak::misbehaviour const what(seed);
    soak::server server(seed);
    tally counts;
    verdicts all(what, counts);
    auto const descriptors = soak::descriptors_now();
    auto const memory = soak::memory_now();
    auto const samples =
        fetch_for(std::chrono::duration<double>(minutes * 60), server, all, counts);
    auto const descriptors_after = soak::descriptors_now();
    auto const memory_after = soak::memory_now();
    auto const requests = server.stop();
    auto const lost = all.lost(requests);
    auto const failures = failures_of(counts);
    bool const grew = soak::grew(samples);
    bool const stayed = !soak::sanitized && memory_after.in_use > memory.in_use + allowed_to_stay;
    if (table != nullptr)
        soak::write_table(samples, table);
    soak::show(samples);
    show_failures(counts);
    std::cout << requests << " requests to the server that stayed\n"
              << counts.tokens << " tokens, " << failures << " failures, " << lost
              << " good responses lost, " << counts.wrong << " bad ones taken\n"
              << "memory " << (grew ? "grew" : "flat") << ", in use before " << memory.in_use
              << " MiB, after " << memory_after.in_use << "; descriptors before " << descriptors
              << ", after " << descriptors_after << '\n';
    bool const failed = counts.tokens == 0 || failures == 0 || lost != 0 || counts.wrong != 0 ||
                        grew || stayed || descriptors_after != descriptors;
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
