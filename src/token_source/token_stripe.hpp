#ifndef COAUTH_SRC_TOKEN_SOURCE_TOKEN_STRIPE_HPP
#define COAUTH_SRC_TOKEN_SOURCE_TOKEN_STRIPE_HPP

#include "values/token_refcount.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <thread>
#include <utility>

namespace coauth::detail
{

// A copy of a token for the threads that use this stripe: a local reference count with a large
// number of uses, from which each load takes one. Everything but the lock needs the lock.
class alignas(128) token_stripe
{
public:
    // The clocks have to be read in each tick.
    static constexpr std::int64_t no_second = std::numeric_limits<std::int64_t>::min();

    // A spin lock, held for a few instructions at a time.
    bool try_lock() noexcept { return !locked_.exchange(true, std::memory_order_acquire); }
    void lock() noexcept
    {
        while (!try_lock())
            std::this_thread::yield();
    }
    void unlock() noexcept { locked_.store(false, std::memory_order_release); }

    [[nodiscard]] bool empty() const noexcept { return local_count_ == nullptr; }
    // Without memory the stripe stays empty.
    void fill(access_token const& token) noexcept
    {
        local_count_ = split_refcount::make_local_count(token, initial_uses);
        uses_left_ = initial_uses;
        checked_tick = {};
        checked_second = no_second;
    }
    access_token use() noexcept
    {
        --uses_left_;
        return split_refcount::adopt(local_count_);
    }
    // Number of uses since the stripe was filled.
    [[nodiscard]] std::uint64_t use_count() const noexcept
    {
        return empty() ? 0 : static_cast<std::uint64_t>(initial_uses - uses_left_);
    }

    // The uses that were left in a stripe. Released without the lock: this may destroy the token.
    struct remaining_uses
    {
        void release() const noexcept
        {
            if (local_count != nullptr && uses != 0)
                split_refcount::release(*local_count, uses);
        }
        refcount* local_count;
        std::int64_t uses;
    };
    remaining_uses clear() noexcept
    {
        checked_second = no_second;
        return {std::exchange(local_count_, nullptr), uses_left_};
    }

    // When the clocks were last compared with the token's times, by the wall clock.
    std::chrono::system_clock::time_point checked_tick;
    // During this second of the wall clock, none of the token's times is reached.
    std::int64_t checked_second = no_second;

private:
    static constexpr std::int64_t initial_uses = std::int64_t(1) << 62;

    std::atomic<bool> locked_{false};
    refcount* local_count_ = nullptr;
    std::int64_t uses_left_ = 0;
};

} // namespace coauth::detail

#endif
