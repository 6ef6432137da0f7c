#ifndef COAUTH_TEST_UNIT_SIMULATION_SUPPORT_HPP
#define COAUTH_TEST_UNIT_SIMULATION_SUPPORT_HPP

#include <coauth/token_source.hpp>

#include "policy/refresh_policy.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <utility>

// The clocks and the random choices of a simulation.
namespace test
{

using namespace std::chrono_literals;
using coauth::policy::clock_pair;
using std::chrono::nanoseconds;

struct invariant_violated : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

inline void require(bool holds, char const* what)
{
    if (!holds)
        throw invariant_violated(what);
}

// `Rng` is the source of random numbers: `below(n)` is from 0 to n - 1, `fraction()` in [0, 1).
template <class Rng>
class random_choices
{
public:
    explicit random_choices(Rng rng) : rng_(std::move(rng)) {}

    std::uint64_t below(std::uint64_t n) { return rng_.below(n); }
    double fraction() { return rng_.fraction(); }
    bool one_in(unsigned n) { return below(n) == 0; }

    coauth::token_source_options options()
    {
        coauth::token_source_options options;
        options.cancel_when_unwaited = one_in(2);
        if (one_in(4))
            options.refresh_at = 0.1 + 0.9 * fraction();
        options.refresh_jitter = std::min(options.refresh_jitter, options.refresh_at / 2);
        if (one_in(4))
            options.max_age = std::chrono::seconds(below(7200) + 1);
        if (one_in(8))
            options.expiry_margin = std::chrono::milliseconds(below(2) * below(100'000));
        if (one_in(8))
            options.refresh_jitter = 0;
        if (one_in(4))
            options.min_refresh_interval = std::chrono::milliseconds(below(60'000) * below(2));
        if (one_in(4))
        {
            options.initial_back_off = std::chrono::milliseconds(below(10'000) + 1);
            options.max_back_off = options.initial_back_off * static_cast<int>(below(100) + 1);
            options.back_off_factor = 1 + fraction() * 4;
        }
        if (one_in(4))
            options.refused_back_off = std::min<std::chrono::milliseconds>(
                options.initial_back_off * static_cast<int>(below(10'000) + 1), 24h);
        if (one_in(4))
            options.max_retry_after = std::chrono::seconds(below(600));
        options.refresh_when_idle = one_in(3);
        return options;
    }

    nanoseconds time()
    {
        static constexpr nanoseconds scales[] = {1ms, 100ms, 1s, 10s, 60s, 600s, 3600s};
        auto const scale = scales[below(std::size(scales))];
        return nanoseconds(
            static_cast<std::int64_t>(fraction() * static_cast<double>(scale.count())));
    }

    std::optional<std::chrono::seconds> lifetime()
    {
        static constexpr std::chrono::seconds lives[] = {0s, 1s, 2s, 10s, 60s, 300s, 3600s, 86400s};
        auto const choice = below(std::size(lives) + 1);
        if (choice == std::size(lives))
            return std::nullopt;
        return lives[choice];
    }

private:
    Rng rng_;
};

// Simulated clocks: the wall clock jumps, and the steady clock stands still while the machine is
// suspended.
class simulated_clock
{
public:
    [[nodiscard]] clock_pair now() const
    {
        return {
            std::chrono::system_clock::time_point(1'800'000'000s) + time_ + wall_offset_,
            std::chrono::steady_clock::time_point(1'000s) + time_ - suspended_};
    }

    [[nodiscard]] nanoseconds time() const { return time_; }

    void advance_to(nanoseconds time) { time_ = time; }
    void jump(nanoseconds by) { wall_offset_ += by; }
    void suspend(nanoseconds span)
    {
        time_ += span;
        suspended_ += span;
    }

private:
    nanoseconds time_{};
    nanoseconds wall_offset_{};
    nanoseconds suspended_{};
};

} // namespace test

#endif
