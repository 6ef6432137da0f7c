#ifndef COAUTH_SRC_TOKEN_SOURCE_TOKEN_SNAPSHOT_HPP
#define COAUTH_SRC_TOKEN_SOURCE_TOKEN_SNAPSHOT_HPP

#include <coauth/access_token.hpp>

#include "token_source/token_stripe.hpp"
#include "values/token_times.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <mutex>

namespace coauth::detail
{

// The current token of a source, loaded very often by all threads.
//
// The token is copied into stripes. A load locks the calling thread's stripe, uses the copy there,
// and writes no memory that threads of other stripes read. There is one stripe until two threads
// contend for it, then as many as `stripe_count`. A thread that meets contention moves to another
// stripe (as in Java's LongAdder), so that busy threads soon have a stripe each.
//
// `replace` empties all stripes while it holds the mutex that is needed to fill one. Hence nobody
// gets a token older than one that anybody got before, and no copy stays behind.
class token_snapshot
{
public:
    token_snapshot() = default;
    ~token_snapshot();
    token_snapshot(token_snapshot const&) = delete;
    token_snapshot& operator=(token_snapshot const&) = delete;

    // The token, if the thread's stripe has a copy and the clocks need not be read: nearly always.
    // Otherwise none, and `load_slow` tells.
    access_token load() noexcept
    {
        // The second that the wall clock showed at its last tick. Called first: the compiler then
        // keeps the rest in registers. With glibc this costs half of what other clocks cost.
        std::int64_t const second = std::time(nullptr);
        token_stripe& stripe = thread_stripe();
        if (!stripe.try_lock())
            return {};
        std::lock_guard const lock(stripe, std::adopt_lock);
        return stripe.checked_second == second ? stripe.use() : access_token();
    }
    // The token; none if there is none or its end is reached. Sets `due` if it is due for a
    // refresh, in the first call of each tick of the clock.
    access_token load_slow(bool& due) noexcept;

    // Replaces the token. The bytes of the one before are wiped unless a caller has a copy.
    void replace(access_token token, token_times const& times) noexcept;
    void clear() noexcept { replace({}, {}); }

    // Number of tokens loaded so far.
    [[nodiscard]] std::uint64_t hit_count() const noexcept;

private:
    // A power of two: a thread's stripe is found by the last bits of its number.
    static constexpr std::size_t stripe_count = 64;
    using stripe_array = std::array<token_stripe, stripe_count>;

    // Changed when the thread meets contention.
    [[gnu::tls_model("initial-exec")]] static constinit thread_local std::size_t thread_number;

    token_stripe& thread_stripe() noexcept
    {
        auto* const stripes = stripes_.load(std::memory_order_acquire);
        return stripes != nullptr ? (*stripes)[thread_number % stripe_count] : first_stripe_;
    }
    void lock_uncontended(token_stripe*& stripe) noexcept;
    access_token use_checked(token_stripe& stripe, bool& due) const noexcept;
    void add_stripes() noexcept;
    template <class F>
    void for_each_stripe(F const& f) const noexcept;

    // Null: there is no second stripe yet.
    std::atomic<stripe_array*> stripes_{nullptr};
    token_stripe mutable first_stripe_;

    std::mutex mutable mutex_;
    std::unique_ptr<stripe_array> owned_stripes_;
    access_token token_;
    // Changes only while all stripes are empty, so that the lock of a full stripe protects it too.
    token_times times_;
    // Not including the uses of full stripes.
    std::uint64_t hits_ = 0;
};

} // namespace coauth::detail

#endif
