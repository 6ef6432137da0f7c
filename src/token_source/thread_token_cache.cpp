#include "token_source/thread_token_cache.hpp"

#include "values/saturating_time.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__SANITIZE_THREAD__)
#define COAUTH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COAUTH_TSAN 1
#endif
#endif

namespace coauth::detail
{
namespace
{

// The coarse clocks say the time of the last tick: at most this much ago.
constexpr std::int64_t longest_tick = 10'000'000;
// A second lasts so long at most, were the clock set back within it once.
constexpr std::int64_t longest_second = 2 * nanoseconds;

// Whether this thread is past its cached tokens. Apart from them: it is read when they are
// destroyed, by what the thread destroys later.
thread_local constinit bool cached_tokens_ended = false;

struct owner_of_stocks
{
    ~owner_of_stocks()
    {
        thread_token_cache::here = nullptr;
        cached_tokens_ended = true;
    }
    std::unique_ptr<thread_token_cache> held;
};

template <class TimePoint>
std::int64_t nanoseconds_of(TimePoint when) noexcept
{
    return saturating_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
}

} // namespace

void register_membarrier() noexcept
{
#if defined(__linux__) && !defined(COAUTH_TSAN)
    static bool const found =
        syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    asymmetric_fence_light.store(found);
#endif
}

bool asymmetric_fence_heavy() noexcept
{
    std::atomic_thread_fence(std::memory_order_seq_cst);
#if defined(__linux__) && !defined(COAUTH_TSAN)
    if (asymmetric_fence_light.load())
        return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
#endif
    return true;
}

thread_local constinit thread_token_cache* thread_token_cache::here = nullptr;

thread_token_cache::thread_token_cache()
{
    auto& known = all();
    std::lock_guard const lock(known.mutex);
    known.threads.push_back(this);
}

thread_token_cache::~thread_token_cache()
{
    auto& known = all();
    std::lock_guard const lock(known.mutex);
    std::erase(known.threads, this);
    for (auto& one : cached_tokens_)
        empty(one);
}

thread_token_cache* thread_token_cache::mine() noexcept
{
    if (cached_tokens_ended)
        return nullptr;
    thread_local owner_of_stocks owner;
    if (owner.held == nullptr)
        try
        {
            owner.held = std::make_unique<thread_token_cache>();
            if (asymmetric_fence_light.load())
                here = owner.held.get();
        }
        catch (std::bad_alloc const&) // NOLINT(bugprone-empty-catch): it goes without
        {
        }
    return owner.held.get();
}

access_token thread_token_cache::load_checked(
    std::size_t slot, std::atomic<std::uint64_t> const& number, bool& due) noexcept
{
    bool const light = asymmetric_fence_light.load(std::memory_order_relaxed);
    std::int64_t const wall = wall_tick();
    cached_token& held = cached_tokens_[slot];
    enter(light);
    bool const good =
        held.number.load(std::memory_order_relaxed) == number.load(std::memory_order_seq_cst) &&
        (held.tick == wall || look_at_clocks(held, wall, due));
    auto* const share = good ? use(held) : nullptr;
    leave(light);
    return split_refcount::adopt(share);
}

bool thread_token_cache::look_at_clocks(cached_token& held, std::int64_t wall, bool& due) noexcept
{
    std::int64_t const steady = steady_tick();
    if (wall >= held.end_wall || steady >= held.end_steady)
        return false;
    due = wall >= held.renew_wall || steady >= held.renew_steady;
    bool const soon = std::min(held.renew_wall, held.end_wall) <= wall + longest_second ||
                      std::min(held.renew_steady, held.end_steady) <= steady + longest_second;
    held.tick = wall;
    held.second = soon ? no_second : wall / nanoseconds;
    return true;
}

void thread_token_cache::fill(
    std::size_t slot, std::uint64_t number, access_token const& token, token_life const& until,
    std::shared_ptr<std::atomic<std::uint64_t>> const& taken) noexcept
{
    std::lock_guard const lock(mutex_);
    auto& mine = cached_tokens_[slot];
    if (mine.number == number)
        return;
    if (mine.number != no_epoch && mine.patience_left != 0)
    {
        --mine.patience_left;
        return;
    }
    auto* const branch = split_refcount::branch(token, stock_size);
    if (branch == nullptr)
        return;
    empty(mine);
    mine.branch = branch;
    mine.left = stock_size;
    mine.tick = 0;
    mine.second = no_second;
    mine.end_wall = nanoseconds_of(until.end_wall) - longest_tick;
    mine.end_steady = nanoseconds_of(until.end_steady) - longest_tick;
    mine.renew_wall = nanoseconds_of(until.renew_wall);
    mine.renew_steady = nanoseconds_of(until.renew_steady);
    mine.patience_left = replacement_credit;
    mine.taken = taken;
    mine.number = number;
}

void thread_token_cache::empty(cached_token& one) noexcept
{
    if (one.branch == nullptr)
        return;
    one.number = no_epoch;
    one.revoked = false;
    std::int64_t const left = one.left.exchange(0);
    one.taken->fetch_add(static_cast<std::uint64_t>(stock_size - left), std::memory_order_relaxed);
    one.taken.reset();
    if (left != 0)
        split_refcount::release_many(*one.branch, left);
    one.branch = nullptr;
}

void thread_token_cache::reclaim_all_threads(std::size_t slot, std::uint64_t number) noexcept
{
    auto& known = all();
    std::lock_guard const lock(known.mutex);
    for (auto* const thread : known.threads)
    {
        std::lock_guard const changing(thread->mutex_);
        auto& one = thread->cached_tokens_[slot];
        if (one.number != number)
            continue;
        if (thread->taking_.load(std::memory_order_seq_cst))
        {
            one.revoked = true;
            thread->asked_.store(true, std::memory_order_seq_cst);
            // After this, the thread has left, or will see what it is asked when it does.
            if (!asymmetric_fence_heavy() || thread->taking_.load(std::memory_order_seq_cst))
                continue;
        }
        empty(one);
    }
}

void thread_token_cache::reclaim_own() noexcept
{
    std::lock_guard const lock(mutex_);
    asked_.store(false, std::memory_order_relaxed);
    for (auto& one : cached_tokens_)
        if (one.revoked)
            empty(one);
}

std::uint64_t
thread_token_cache::taken(std::size_t slot, std::atomic<std::uint64_t> const& by) noexcept
{
    auto& known = all();
    std::lock_guard const lock(known.mutex);
    std::uint64_t sum = 0;
    for (auto* const thread : known.threads)
    {
        std::lock_guard const unchanged(thread->mutex_);
        auto const& one = thread->cached_tokens_[slot];
        if (one.taken.get() == &by)
            sum += static_cast<std::uint64_t>(stock_size - one.left);
    }
    return sum;
}

} // namespace coauth::detail
