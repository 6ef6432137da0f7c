#ifndef COAUTH_SRC_THREAD_STOCKS_HPP
#define COAUTH_SRC_THREAD_STOCKS_HPP

#include "token_share.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>
#include <vector>

namespace coauth::detail
{

// Enough for every take until the token changes; a refill otherwise.
constexpr std::int64_t stock_size = std::int64_t(1) << 40;
// A power of two: sources beyond so many share slots.
constexpr std::size_t slot_count = 64;
// So often another source of the same slot gives way before it takes the slot over.
constexpr unsigned patience = 16;

inline std::int64_t coarse(clockid_t clock) noexcept
{
    std::timespec now{};
    clock_gettime(clock, &now);
    return std::int64_t(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

#if defined(__linux__)
inline std::int64_t wall_tick() noexcept
{
    return coarse(CLOCK_REALTIME_COARSE);
}
inline std::int64_t steady_tick() noexcept
{
    return coarse(CLOCK_MONOTONIC_COARSE);
}
#else
inline std::int64_t wall_tick() noexcept
{
    return coarse(CLOCK_REALTIME);
}
inline std::int64_t steady_tick() noexcept
{
    return coarse(CLOCK_MONOTONIC);
}
#endif

// True once every thread can be made to pass a barrier. Set before the first token is published, so
// that whoever relies on it has a counterpart that does too.
inline std::atomic<bool> light_barrier{false};

void look_for_barrier() noexcept;

// After this, every thread has seen what this thread wrote before, or is seen to be in a take.
bool heavy_barrier() noexcept;

// From when a token is renewed, and until when it is handed out, on each clock.
struct token_life
{
    std::chrono::system_clock::time_point renew_wall;
    std::chrono::system_clock::time_point end_wall;
    std::chrono::steady_clock::time_point renew_steady;
    std::chrono::steady_clock::time_point end_steady;
};

// What a thread holds of one token.
struct stock
{
    // The number of the publication; 0: none. Its thread may look at it while it is taken back.
    std::atomic<std::uint64_t> number{0};
    token_share* branch = nullptr;
    // Written by its thread alone, so plain loads and stores are enough.
    std::atomic<std::int64_t> left{0};
    // The last tick of the wall clock, at which all was looked at.
    std::int64_t tick = 0;
    std::int64_t end_wall = 0;
    std::int64_t end_steady = 0;
    std::int64_t renew_wall = 0;
    std::int64_t renew_steady = 0;
    // Until another source may have the slot.
    unsigned patience_left = 0;
    std::shared_ptr<std::atomic<std::uint64_t>> taken;
    // Its thread is to give it back.
    bool revoked = false;
};

// What one thread holds.
class alignas(64) thread_stocks
{
public:
    thread_stocks();
    ~thread_stocks();
    thread_stocks(thread_stocks const&) = delete;
    thread_stocks& operator=(thread_stocks const&) = delete;

    // A copy of the token of this publication, where there is a stock of it whose clocks were
    // looked at in this tick of the wall clock.
    access_token
    take(std::size_t slot, std::atomic<std::uint64_t> const& number, std::int64_t tick) noexcept
    {
        bool const light = light_barrier.load(std::memory_order_relaxed);
        enter(light);
        stock& held = stocks_[slot];
        auto const left = held.left.load(std::memory_order_relaxed);
        // Where it is withdrawn and the stock just taken back, both are of number 0.
        auto const present = number.load(std::memory_order_seq_cst);
        if (present == 0 || held.number.load(std::memory_order_relaxed) != present || left <= 0 ||
            held.tick != tick)
        {
            leave(light);
            return {};
        }
        held.left.store(left - 1, std::memory_order_relaxed);
        held.patience_left = patience;
        auto* const share = held.branch;
        leave(light);
        return token_shares::take_over(share);
    }

    // Once in a tick. False: there is no stock of this publication, or its end has come.
    bool look_at_clocks(
        std::size_t slot, std::atomic<std::uint64_t> const& number, std::int64_t wall,
        bool& due) noexcept;

    // Fills the slot, if its present owner gives way. By its own thread.
    void fill(
        std::size_t slot, std::uint64_t number, access_token const& token, token_life const& until,
        std::shared_ptr<std::atomic<std::uint64_t>> const& taken) noexcept;

    // Takes back what any thread has of this publication. Not by a thread that takes.
    static void take_back(std::size_t slot, std::uint64_t number) noexcept;
    // How many were taken by all threads from the stocks that they have now.
    static std::uint64_t taken(std::size_t slot, std::uint64_t number) noexcept;

    // Of the calling thread; null: it has none, and gets none any more.
    static thread_stocks* mine() noexcept;
    // Of the calling thread, or null. Apart from its owner: reading it costs no check of whether it
    // was made yet.
    [[gnu::tls_model("initial-exec")]] static constinit thread_local thread_stocks* here;

private:
    // Says that this thread takes; until `leave` nobody else touches its stocks.
    void enter(bool light) noexcept
    {
        if (light)
        {
            taking_.store(true, std::memory_order_relaxed);
            std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        else
            taking_.exchange(true, std::memory_order_seq_cst);
    }
    void leave(bool light) noexcept
    {
        if (light)
        {
            taking_.store(false, std::memory_order_release);
            std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        else
            taking_.exchange(false, std::memory_order_seq_cst);
        if (asked_.load(std::memory_order_seq_cst))
            give_back();
    }

    // Who has stocks. Not destroyed: threads end after it.
    struct registry
    {
        std::mutex mutex;
        std::vector<thread_stocks*> threads;
    };
    static registry& all() noexcept
    {
        union forever
        {
            forever() : value() {}
            ~forever() {} // NOLINT(modernize-use-equals-default)
            registry value;
        };
        static forever made;
        return made.value;
    }

    static void empty(stock& one) noexcept;
    [[gnu::noinline]] void give_back() noexcept;

    std::atomic<bool> taking_{false};
    // Some stock was revoked while it was taken from.
    std::atomic<bool> asked_{false};
    std::array<stock, slot_count> stocks_;
    // Held by whoever changes a stock otherwise than by taking from it.
    std::mutex mutex_;
};

} // namespace coauth::detail

#endif
