// coauth_soak MINUTES: a thousand fetches in flight, from four threads, at servers that misbehave
// at random. Fails when memory grows, a descriptor is left, a good answer is lost or a bad one
// taken.
//
// The random choices follow from one seed, which is printed; COAUTH_SEED=n uses that one again.

#include <coauth/coauth.hpp>

#include "misbehaviour.hpp"
#include "server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iomanip>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace
{

constexpr int threads = 4;
constexpr std::size_t in_flight = 1000;
// Sanitizers keep what was freed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool memory_tells = false;
#else
constexpr bool memory_tells = true;
#endif
// What the allocator keeps of a burst is no leak.
constexpr double allowed_growth = 1.1;
constexpr double allowed_more = 8;

// Which answers came, of those that are numbered. All of its memory is there from the start.
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
    std::atomic<bool> over{false};
};

// A token of the server that stays is checked by its number.
class verdicts
{
public:
    verdicts(soak::misbehaviour const& what, tally& counts) : what_(what), counts_(counts) {}

    void take(coauth::result<coauth::access_token> const& got, bool steady)
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
        bool const right = numbered && what_.good(n) && (!steady || delivered_.add(n));
        if (steady ? !right : token.starts_with("foreign"))
            ++counts_.wrong;
    }

    // Of so many requests, how many good answers did not come.
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
    config.connections.max_connections = 200;
    // A good answer is not lost because the machine is slow.
    config.timeout = 60s;
    config.retry.attempt_timeout = 20s;
    return config;
}

asio::awaitable<void>
fetch_again_and_again(coauth::client& client, verdicts& all, tally& counts, bool steady)
{
    while (!counts.over)
    {
        auto const got = co_await client.async_get_access_token(coauth::token_request());
        all.take(got, steady);
    }
}

struct sample
{
    double memory;
    std::size_t descriptors;
    std::size_t tokens;
};

double memory_now()
{
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages >> pages;
    return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1048576;
}

std::size_t descriptors_now()
{
    std::filesystem::directory_iterator const all("/proc/self/fd");
    // But the one that reads them.
    return static_cast<std::size_t>(std::distance(begin(all), end(all))) - 1;
}

template <class T>
std::string line_of(std::vector<sample> const& samples, T sample::* what)
{
    static constexpr char const* steps[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    constexpr std::size_t columns = 60;
    double most = 1e-9;
    for (auto const& one : samples)
        most = std::max(most, static_cast<double>(one.*what));
    std::string line;
    auto const shown = std::min(columns, samples.size());
    for (std::size_t i = 0; i < shown; ++i)
    {
        auto const value = static_cast<double>(samples[i * samples.size() / shown].*what);
        line += steps[static_cast<std::size_t>(value / most * 7.49)];
    }
    return line + "  at most " + std::to_string(static_cast<std::size_t>(most + 0.5));
}

void show(std::vector<sample> const& samples)
{
    std::cout << "memory, MiB    " << line_of(samples, &sample::memory) << "\ndescriptors    "
              << line_of(samples, &sample::descriptors) << "\ntokens         "
              << line_of(samples, &sample::tokens) << '\n';
}

std::vector<sample> watch(tally const& counts, std::chrono::duration<double> duration)
{
    std::vector<sample> samples;
    auto const began = steady_clock::now();
    auto const step = std::clamp<std::chrono::duration<double>>(duration / 60, 250ms, 60s);
    std::size_t before = 0;
    while (steady_clock::now() - began < duration)
    {
        std::this_thread::sleep_for(step);
        std::size_t const tokens = counts.tokens;
        samples.push_back({memory_now(), descriptors_now(), tokens - before});
        before = tokens;
    }
    return samples;
}

// The second half against the first.
bool grew(std::vector<sample> const& samples)
{
    auto const less = [](sample const& a, sample const& b) { return a.memory < b.memory; };
    auto const middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
    double const first = std::max_element(samples.begin(), middle, less)->memory;
    double const second = std::max_element(middle, samples.end(), less)->memory;
    return memory_tells && second > first * allowed_growth + allowed_more;
}

std::vector<sample> fetch_for(
    std::chrono::duration<double> duration, soak::server const& server, verdicts& all,
    tally& counts)
{
    asio::thread_pool pool(threads);
    coauth::client steady(pool.get_executor(), config_for(server, true));
    coauth::client restarted(pool.get_executor(), config_for(server, false));
    for (auto const* one : {&steady, &restarted})
        if (!one->status())
            throw std::runtime_error(one->status().error().message());
    for (std::size_t i = 0; i < in_flight; ++i)
    {
        bool const of_steady = i % 2 == 0;
        asio::co_spawn(
            pool, fetch_again_and_again(of_steady ? steady : restarted, all, counts, of_steady),
            [](std::exception_ptr const& failure)
            {
                if (failure)
                    std::terminate();
            });
    }
    auto samples = watch(counts, duration);
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

int run(double minutes)
{
    auto const seed = choose_seed();
    soak::misbehaviour const what(seed);
    soak::server server(seed);
    tally counts;
    verdicts all(what, counts);
    auto const before = descriptors_now();
    auto const samples =
        fetch_for(std::chrono::duration<double>(minutes * 60), server, all, counts);
    auto const after = descriptors_now();
    auto const requests = server.stop();
    auto const lost = all.lost(requests);
    show(samples);
    std::size_t failures = 0;
    for (std::size_t i = 0; i < counts.failures.size(); ++i)
    {
        std::size_t const count = counts.failures[i];
        failures += count;
        if (count != 0)
            std::cout << coauth::to_string(static_cast<coauth::errc>(i)) << ' ' << count << "  ";
    }
    std::cout << '\n'
              << requests << " requests to the server that stayed\n"
              << counts.tokens << " tokens, " << failures << " failures, " << lost
              << " good answers lost, " << counts.wrong << " bad ones taken, "
              << (grew(samples) ? "memory grew, " : "") << "descriptors " << before << " before, "
              << after << " after\n";
    bool const failed = counts.tokens == 0 || failures == 0 || lost != 0 || counts.wrong != 0 ||
                        grew(samples) || after != before;
    return failed ? 1 : 0;
}

} // namespace

int main(int argc, char** argv)
{
    double const minutes = argc == 2 ? std::atof(argv[1]) : 0;
    if (minutes <= 0)
    {
        std::cerr << "usage: coauth_soak MINUTES\n";
        return 2;
    }
    return run(minutes);
}
