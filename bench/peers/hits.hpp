// Cache hits of several threads.
#ifndef COAUTH_BENCH_HITS_HPP
#define COAUTH_BENCH_HITS_HPP

#include <coauth/token_source.hpp>

#include "common.hpp"

#include <barrier>
#include <thread>

namespace bench
{

inline std::size_t const expected_hit = std::string_view("Bearer ").size() + token_length;

inline void check_hit(std::string_view authorization)
{
    if (authorization.size() != expected_hit)
        throw std::runtime_error("this is not the server's token");
}

struct by_coauth
{
    explicit by_coauth(coauth::token_source& from) : source(from) {}

    void hit() const
    {
        auto const token = source.try_get();
        check_hit(token.authorization());
    }

    coauth::token_source& source;
};

template <class Way>
void repeat(Way& way, std::size_t hits)
{
    for (std::size_t i = 0; i < hits; ++i)
        way.hit();
}

template <class Way>
void measure_hits(char const* how, Way way, options const& opts)
{
    std::barrier ready(static_cast<std::ptrdiff_t>(opts.in_flight) + 1);
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < opts.in_flight; ++i)
        threads.emplace_back(
            [&]
            {
                repeat(way, opts.warmup);
                ready.arrive_and_wait();
                repeat(way, opts.requests);
                ready.arrive_and_wait();
            });
    ready.arrive_and_wait();
    auto const allocations_before = allocations();
    auto const cpu = cpu_us();
    auto const began = clock::now();
    ready.arrive_and_wait();
    auto const wall = std::chrono::duration<double, std::nano>(clock::now() - began).count();
    auto const used = (cpu_us() - cpu) * 1000;
    auto const allocated = allocations() - allocations_before;
    auto const hits = static_cast<double>(opts.requests);
    auto const all = hits * static_cast<double>(opts.in_flight);
    std::printf(
        "{\"how\":\"%s\",\"cpu_ns\":%.2f,\"wall_ns\":%.2f,\"allocations\":%.4f}\n", how, used / all,
        wall / hits, static_cast<double>(allocated) / all);
}

} // namespace bench

#endif
