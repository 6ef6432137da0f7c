#include "token_source/token_snapshot.hpp"

#include "values/saturating_time.hpp"

#include <chrono>
#include <new>
#include <utility>

namespace coauth::detail
{
namespace
{

using namespace std::chrono_literals;

// The coarse clocks show the time of the last tick, which is at most this long ago.
constexpr auto max_tick = 10ms;
// The longest second: the wall clock may be set back within it.
constexpr auto max_second = 2s;

template <class Clock>
typename Clock::time_point last_tick() noexcept
{
#ifdef __linux__
    std::timespec time{};
    clock_gettime(Clock::is_steady ? CLOCK_MONOTONIC_COARSE : CLOCK_REALTIME_COARSE, &time);
    auto const since_epoch =
        std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    return typename Clock::time_point(
        std::chrono::duration_cast<typename Clock::duration>(since_epoch));
#else
    return Clock::now();
#endif
}

clock_pair later_by(clock_pair time, std::chrono::milliseconds span) noexcept
{
    return {after(time.wall, span), after(time.steady, span)};
}

std::size_t next_thread_number() noexcept
{
    static std::atomic<std::size_t> last{0};
    return ++last;
}

} // namespace

thread_local constinit std::size_t token_snapshot::thread_number = 0;

token_snapshot::~token_snapshot()
{
    clear();
}

access_token token_snapshot::load_slow(bool& due) noexcept
{
    token_stripe* stripe = nullptr;
    {
        lock_uncontended(stripe);
        std::lock_guard const lock(*stripe, std::adopt_lock);
        if (!stripe->empty())
            if (auto token = use_checked(*stripe, due))
                return token;
    }
    clock_pair const now{std::chrono::system_clock::now(), std::chrono::steady_clock::now()};
    std::lock_guard const lock(mutex_);
    if (token_.empty() || times_.end.reached(now))
        return {};
    due = times_.refresh.reached(now);
    ++hits_;
    std::lock_guard const stripe_lock(*stripe);
    if (stripe->empty())
        stripe->fill(token_);
    return token_;
}

// Locks the thread's stripe, or another if the thread meets contention.
void token_snapshot::lock_uncontended(token_stripe*& stripe) noexcept
{
    stripe = &thread_stripe();
    if (stripe->try_lock())
        return;
    if (stripe == &first_stripe_)
        add_stripes();
    thread_number = next_thread_number();
    stripe = &thread_stripe();
    stripe->lock();
}

// None: the end is reached, or will be before the next tick.
access_token token_snapshot::use_checked(token_stripe& stripe, bool& due) const noexcept
{
    auto const tick = last_tick<std::chrono::system_clock>();
    if (stripe.checked_tick == tick)
        return stripe.use();
    clock_pair const earliest{tick, last_tick<std::chrono::steady_clock>()};
    clock_pair const latest = later_by(earliest, max_tick);
    if (times_.end.reached(latest))
        return {};
    due = times_.refresh.reached(earliest);
    clock_pair const next = later_by(latest, max_second);
    bool const soon = times_.refresh.reached(next) || times_.end.reached(next);
    stripe.checked_tick = tick;
    stripe.checked_second =
        soon ? token_stripe::no_second : std::chrono::system_clock::to_time_t(tick);
    return stripe.use();
}

void token_snapshot::add_stripes() noexcept
{
    std::lock_guard const lock(mutex_);
    if (owned_stripes_ != nullptr)
        return;
    owned_stripes_.reset(new (std::nothrow) stripe_array);
    stripes_.store(owned_stripes_.get(), std::memory_order_release);
}

// With the mutex held.
template <class F>
void token_snapshot::for_each_stripe(F const& f) const noexcept
{
    f(first_stripe_);
    if (owned_stripes_ != nullptr)
        for (auto& stripe : *owned_stripes_)
            f(stripe);
}

void token_snapshot::replace(access_token token, token_times const& times) noexcept
{
    std::lock_guard const lock(mutex_);
    for_each_stripe(
        [this](token_stripe& stripe)
        {
            std::unique_lock stripe_lock(stripe);
            hits_ += stripe.use_count();
            auto const remaining = stripe.clear();
            stripe_lock.unlock();
            remaining.release();
        });
    token_ = std::move(token);
    times_ = times;
}

std::uint64_t token_snapshot::hit_count() const noexcept
{
    std::lock_guard const lock(mutex_);
    auto sum = hits_;
    for_each_stripe(
        [&](token_stripe& stripe)
        {
            std::lock_guard const stripe_lock(stripe);
            sum += stripe.use_count();
        });
    return sum;
}

} // namespace coauth::detail
