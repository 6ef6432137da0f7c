// Shared by the peers: command line, bookkeeping of the load, report.
#ifndef COAUTH_BENCH_COMMON_HPP
#define COAUTH_BENCH_COMMON_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <vector>

namespace bench
{

using clock = std::chrono::steady_clock;

// The request of every peer, with HTTP Basic credentials `client` and `secret`.
inline constexpr char const* client_id = "client";
inline constexpr char const* client_secret = "secret";
inline constexpr char const* authorization = "Basic Y2xpZW50OnNlY3JldA==";
inline constexpr char const* form = "grant_type=client_credentials";
// The length of the server's tokens.
inline constexpr std::size_t token_length = 796;

enum class connections
{
    keep_alive,
    opened,
    resumed,
};

struct options
{
    std::string endpoint;
    // The parts of the endpoint. The host is a numeric address, so that no lookup is measured.
    std::string host;
    std::string port;
    std::string path;
    std::string ca_file;
    connections mode = connections::keep_alive;
    std::size_t in_flight = 1;
    std::size_t requests = 1;
    std::size_t warmup = 1;
    bool system_trust = false;
};

inline connections to_mode(std::string_view word)
{
    if (word == "keep-alive")
        return connections::keep_alive;
    if (word == "new")
        return connections::opened;
    if (word == "resumed")
        return connections::resumed;
    throw std::invalid_argument("--mode is keep-alive, new or resumed");
}

inline void split_endpoint(options& into)
{
    std::string_view const scheme = "https://";
    std::string_view rest = into.endpoint;
    auto const slash = rest.find('/', scheme.size());
    auto const colon = rest.find(':', scheme.size());
    if (!rest.starts_with(scheme) || slash == rest.npos || colon == rest.npos || colon > slash)
        throw std::invalid_argument("--endpoint is https://ADDRESS:PORT/PATH");
    into.host = rest.substr(scheme.size(), colon - scheme.size());
    into.port = rest.substr(colon + 1, slash - colon - 1);
    into.path = rest.substr(slash);
}

inline options parse(int argc, char** argv)
{
    options found;
    for (int i = 1; i < argc; ++i)
    {
        std::string_view const name = argv[i];
        if (name == "--system-trust")
        {
            found.system_trust = true;
            continue;
        }
        if (++i == argc)
            throw std::invalid_argument(std::string(name) + " needs a value");
        if (name == "--endpoint")
            found.endpoint = argv[i];
        else if (name == "--ca-file")
            found.ca_file = argv[i];
        else if (name == "--mode")
            found.mode = to_mode(argv[i]);
        else if (name == "--in-flight")
            found.in_flight = std::stoul(argv[i]);
        else if (name == "--requests")
            found.requests = std::stoul(argv[i]);
        else if (name == "--warmup")
            found.warmup = std::stoul(argv[i]);
        else
            throw std::invalid_argument("unknown option " + std::string(name));
    }
    split_endpoint(found);
    return found;
}

inline void check(std::string_view token, std::string_view type)
{
    if (token.size() != token_length || type != "Bearer")
        throw std::runtime_error("this is not the server's token");
}

// One run of the load: hands out the requests and records their durations.
class load
{
public:
    explicit load(std::size_t requests) : left_(requests) { taken_.reserve(requests); }

    // False: all requests were handed out.
    bool next() { return left_ != 0 && left_-- != 0; }
    void done(clock::time_point began) { taken_.push_back(clock::now() - began); }
    [[nodiscard]] std::vector<clock::duration>& taken() { return taken_; }

private:
    std::size_t left_;
    std::vector<clock::duration> taken_;
};

inline double cpu_us()
{
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    auto const us = [](timeval t)
    { return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec); };
    return us(used.ru_utime) + us(used.ru_stime);
}

// Number of allocations; 0 unless the counting library is preloaded.
inline std::uint64_t allocations()
{
    using counter = std::uint64_t (*)();
    static auto const count = reinterpret_cast<counter>(dlsym(RTLD_DEFAULT, "bench_allocations"));
    return count != nullptr ? count() : 0;
}

inline std::size_t peak_memory_kb()
{
    std::ifstream status("/proc/self/status");
    std::string word;
    std::size_t kb = 0;
    while (status >> word)
        if (word == "VmHWM:" && status >> kb)
            return kb;
    throw std::runtime_error("/proc/self/status does not say VmHWM");
}

inline double percentile_us(std::vector<clock::duration>& sorted, std::size_t percent)
{
    auto const index = std::min(sorted.size() - 1, sorted.size() * percent / 100);
    return std::chrono::duration<double, std::micro>(sorted[index]).count();
}

// Warms up, then measures `run(load&)`, which returns when the load is done.
template <class Run>
void measure(char const* peer, options const& opts, Run run)
{
    load warmup(opts.warmup);
    run(warmup);
    load measured(opts.requests);
    auto const allocations_before = allocations();
    auto const cpu = cpu_us();
    auto const began = clock::now();
    run(measured);
    auto const wall = std::chrono::duration<double>(clock::now() - began).count();
    auto const used = cpu_us() - cpu;
    auto const allocated = allocations() - allocations_before;

    auto& taken = measured.taken();
    if (taken.size() != opts.requests)
        throw std::runtime_error("not every request had a response");
    std::sort(taken.begin(), taken.end());
    auto const count = static_cast<double>(opts.requests);
    std::printf(
        "{\"peer\":\"%s\",\"cpu_us\":%.3f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"per_second\":%.1f,"
        "\"allocations\":%.3f,\"peak_kb\":%zu}\n",
        peer, used / count, percentile_us(taken, 50), percentile_us(taken, 99), count / wall,
        static_cast<double>(allocated) / count, peak_memory_kb());
}

// `main` of a peer.
template <class Run>
int report_failure(Run run)
{
    try
    {
        run();
        return EXIT_SUCCESS;
    }
    catch (std::exception const& failure)
    {
        std::fprintf(stderr, "%s\n", failure.what());
        return EXIT_FAILURE;
    }
}

} // namespace bench

#endif
