#ifndef COAUTH_SRC_TOKEN_SOURCE_THREAD_TOKEN_CACHE_HPP
#define COAUTH_SRC_TOKEN_SOURCE_THREAD_TOKEN_CACHE_HPP

#include "values/token_refcount.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

namespace coauth::detail
{

// Enough for a hundred years of nothing but takes.
constexpr std::int64_t stock_size = std::int64_t(1) << 62;
// A power of two: sources beyond so many share slots.
constexpr std::size_t slot_count = 256;
// So often another source of the same slot gives way before it takes the slot over.
constexpr unsigned replacement_credit = 16;

// In a second.
constexpr std::int64_t nanoseconds = 1'000'000'000;

inline std::int64_t coarse(clockid_t clock) noexcept
{
    std::timespec now{};
    clock_gettime(clock, &now);
    return std::int64_t(now.tv_sec) * nanoseconds + now.tv_nsec;
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

// The second that the wall clock shows, as of its last tick.
inline std::int64_t wall_second() noexcept
{
#if defined(__GLIBC__)
    // Half the cost of its other clocks.
    return std::time(nullptr);
#else
    return wall_tick() / nanoseconds;
#endif
}

// True once every thread can be made to pass a barrier. Set before the first token is published, so
// that whoever relies on it has a counterpart that does too.
inline std::atomic<bool> asymmetric_fence_light{false};

void register_membarrier() noexcept;

// After this, every thread has seen what this thread wrote before, or is seen to be in a take.
bool asymmetric_fence_heavy() noexcept;

// From when a token is renewed, and until when it is handed out, on each clock.
struct token_life
{
    std::chrono::system_clock::time_point renew_wall;
    std::chrono::system_clock::time_point end_wall;
    std::chrono::steady_clock::time_point renew_steady;
    std::chrono::steady_clock::time_point end_steady;
};

// Of a cached token of nothing.
constexpr std::uint64_t no_epoch = ~std::uint64_t(0);

// Of a cached token that is looked at in each tick.
constexpr std::int64_t no_second = std::numeric_limits<std::int64_t>::min();

// What a thread holds of one token. A power of two in size: quickly found.
struct alignas(128) cached_token
{
    // The number of the publication. Its thread may look at it while it is taken back.
    std::atomic<std::uint64_t> number{no_epoch};
    refcount* branch = nullptr;
    // Written by its thread alone, so plain loads and stores are enough.
    std::atomic<std::int64_t> left{0};
    // The last tick of the wall clock at which all was looked at, and the second of it, if nothing
    // was about to change.
    std::int64_t tick = 0;
    std::int64_t second = no_second;
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
class thread_token_cache
{
public:
    thread_token_cache();
    ~thread_token_cache();
    thread_token_cache(thread_token_cache const&) = delete;
    thread_token_cache& operator=(thread_token_cache const&) = delete;

    // A copy of the token of this publication, where there is a cached token of it, and its clocks
    // need not be looked at in this second. Where the barrier is light.
    access_token
    take(std::size_t slot, std::atomic<std::uint64_t> const& number, std::int64_t second) noexcept
    {
        cached_token& held = cached_tokens_[slot];
        enter(true);
        bool const good =
            held.number.load(std::memory_order_relaxed) == number.load(std::memory_order_seq_cst) &&
            held.second == second;
        auto* const share = good ? use(held) : nullptr;
        leave(true);
        return split_refcount::adopt(share);
    }
    // The same anywhere, looking at the clocks where that was not done in this tick. None, too,
    // where its end has come. Says in `due` when it is first seen in this tick that it has to be
    // renewed.
    access_token
    load_checked(std::size_t slot, std::atomic<std::uint64_t> const& number, bool& due) noexcept;

    // Fills the slot, if its present owner gives way. By its own thread.
    void fill(
        std::size_t slot, std::uint64_t number, access_token const& token, token_life const& until,
        std::shared_ptr<std::atomic<std::uint64_t>> const& taken) noexcept;

    // Takes back what any thread has of this publication. Not by a thread that takes.
    static void reclaim_all_threads(std::size_t slot, std::uint64_t number) noexcept;
    // How many were taken by all threads from the cached tokens that they have now, those that they
    // are to give back among them, and that are counted in `by`.
    static std::uint64_t taken(std::size_t slot, std::atomic<std::uint64_t> const& by) noexcept;

    // Of the calling thread; null: it has none, and gets none any more. Once a token was published.
    static thread_token_cache* mine() noexcept;
    // Of the calling thread, where the barrier is light; or null. Apart from its owner: reading it
    // costs no check of whether it was made yet.
    [[gnu::tls_model("initial-exec")]] static constinit thread_local thread_token_cache* here;

private:
    // Says that this thread takes; until `leave` nobody else touches its cached tokens.
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
            reclaim_own();
    }

    static refcount* use(cached_token& held) noexcept
    {
        held.left.store(held.left.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
        held.patience_left = replacement_credit;
        return held.branch;
    }
    static bool look_at_clocks(cached_token& held, std::int64_t wall, bool& due) noexcept;

    // Who has cached tokens. Not destroyed: threads end after it.
    struct registry
    {
        std::mutex mutex;
        std::vector<thread_token_cache*> threads;
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

    static void empty(cached_token& one) noexcept;
    [[gnu::noinline]] void reclaim_own() noexcept;

    std::array<cached_token, slot_count> cached_tokens_;
    std::atomic<bool> taking_{false};
    // Some cached token was revoked while it was taken from.
    std::atomic<bool> asked_{false};
    // Held by whoever changes a cached token otherwise than by taking from it.
    std::mutex mutex_;
};

} // namespace coauth::detail

#endif
