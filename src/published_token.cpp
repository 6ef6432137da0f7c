#include "published_token.hpp"

#include "token_share.hpp"

#include <array>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

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

// Enough for every take until the token changes; a refill otherwise.
constexpr std::int64_t stock_size = std::int64_t(1) << 40;
// A power of two: sources beyond so many share slots.
constexpr std::size_t slot_count = 64;
// So often another source of the same slot gives way before it takes the slot over.
constexpr unsigned patience = 16;

// The coarse clocks say the time of the last tick: at most this much ago.
constexpr std::int64_t longest_tick = 10'000'000;

std::int64_t coarse(clockid_t clock) noexcept
{
    std::timespec now{};
    clock_gettime(clock, &now);
    return std::int64_t(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

#if defined(__linux__)
std::int64_t wall_tick() noexcept
{
    return coarse(CLOCK_REALTIME_COARSE);
}
std::int64_t steady_tick() noexcept
{
    return coarse(CLOCK_MONOTONIC_COARSE);
}
#else
std::int64_t wall_tick() noexcept
{
    return coarse(CLOCK_REALTIME);
}
std::int64_t steady_tick() noexcept
{
    return coarse(CLOCK_MONOTONIC);
}
#endif

template <class TimePoint>
std::int64_t nanoseconds_of(TimePoint when) noexcept
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
}

// True once every thread can be made to pass a barrier. Set before the first token is published, so
// that whoever relies on it has a counterpart that does too.
std::atomic<bool> light_barrier{false};

void look_for_barrier() noexcept
{
#if defined(__linux__) && !defined(COAUTH_TSAN)
    static bool const found =
        syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    light_barrier.store(found);
#endif
}

// After this, every thread has seen what this thread wrote before, or is seen to be in a take.
bool heavy_barrier() noexcept
{
    std::atomic_thread_fence(std::memory_order_seq_cst);
#if defined(__linux__) && !defined(COAUTH_TSAN)
    if (light_barrier.load())
        return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
#endif
    return true;
}

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

    // False: its end has come. Out of line, as all that is rare: a take saves fewer registers.
    [[gnu::noinline]] bool look_at_clocks(std::int64_t wall, bool& due) noexcept
    {
        std::int64_t const steady = steady_tick();
        if (wall >= end_wall || steady >= end_steady)
            return false;
        tick = wall;
        due = wall >= renew_wall || steady >= renew_steady;
        return true;
    }
};

} // namespace

// What one thread holds.
class alignas(64) thread_stocks
{
public:
    thread_stocks();
    ~thread_stocks();
    thread_stocks(thread_stocks const&) = delete;
    thread_stocks& operator=(thread_stocks const&) = delete;

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

    // Of this thread, without a lock, between `enter` and `leave`.
    stock& at(std::size_t slot) noexcept { return stocks_[slot]; }

    // Fills the slot, if its present owner gives way. By its own thread.
    void fill(
        std::size_t slot, std::uint64_t number, access_token const& token,
        published_token::life const& until,
        std::shared_ptr<std::atomic<std::uint64_t>> const& taken) noexcept;

    // Takes back what any thread has of this publication. Not by a thread that takes.
    static void take_back(std::size_t slot, std::uint64_t number) noexcept;
    // How many were taken by all threads from the stocks that they have now.
    static std::uint64_t taken(std::size_t slot, std::uint64_t number) noexcept;

    // Of the calling thread; null: it has none, and gets none any more.
    static thread_stocks* mine() noexcept;

private:
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

namespace
{

// Apart from its owner: reading it costs no check of whether it was made yet.
[[gnu::tls_model("initial-exec")]] thread_local thread_stocks* here = nullptr;

struct owner_of_stocks
{
    ~owner_of_stocks()
    {
        here = nullptr;
        ended = true;
        held.reset();
    }
    std::unique_ptr<thread_stocks> held;
    bool ended = false;
};

std::atomic<std::uint64_t> last_number{0};
std::atomic<std::size_t> last_slot{0};

} // namespace

thread_stocks::thread_stocks()
{
    auto& known = all();
    std::lock_guard const lock(known.mutex);
    known.threads.push_back(this);
}

thread_stocks::~thread_stocks()
{
    auto& known = all();
    std::lock_guard const lock(known.mutex);
    std::erase(known.threads, this);
    for (auto& one : stocks_)
        empty(one);
}

thread_stocks* thread_stocks::mine() noexcept
{
    thread_local owner_of_stocks owner;
    if (here == nullptr && !owner.ended)
        try
        {
            owner.held = std::make_unique<thread_stocks>();
            here = owner.held.get();
        }
        catch (std::bad_alloc const&) // NOLINT(bugprone-empty-catch): it goes without
        {
        }
    return here;
}

void thread_stocks::fill(
    std::size_t slot, std::uint64_t number, access_token const& token,
    published_token::life const& until,
    std::shared_ptr<std::atomic<std::uint64_t>> const& taken) noexcept
{
    std::lock_guard const lock(mutex_);
    auto& mine = stocks_[slot];
    if (mine.number == number)
    {
        if (mine.left == 0)
        {
            mine.branch->uses.fetch_add(stock_size, std::memory_order_relaxed);
            mine.left = stock_size;
            taken->fetch_add(stock_size, std::memory_order_relaxed);
        }
        return;
    }
    if (mine.number != 0 && mine.patience_left-- != 0)
        return;
    auto* const branch = token_shares::branch(token, stock_size);
    if (branch == nullptr)
        return;
    empty(mine);
    mine.branch = branch;
    mine.left = stock_size;
    mine.tick = 0;
    mine.end_wall = nanoseconds_of(until.end_wall) - longest_tick;
    mine.end_steady = nanoseconds_of(until.end_steady) - longest_tick;
    mine.renew_wall = nanoseconds_of(until.renew_wall);
    mine.renew_steady = nanoseconds_of(until.renew_steady);
    mine.patience_left = patience;
    mine.taken = taken;
    mine.number = number;
}

void thread_stocks::empty(stock& one) noexcept
{
    if (one.branch == nullptr)
        return;
    one.number = 0;
    one.revoked = false;
    std::int64_t const left = one.left.exchange(0);
    one.taken->fetch_add(static_cast<std::uint64_t>(stock_size - left), std::memory_order_relaxed);
    one.taken.reset();
    if (left != 0)
        token_shares::end_uses(*one.branch, left);
    one.branch = nullptr;
}

void thread_stocks::take_back(std::size_t slot, std::uint64_t number) noexcept
{
    auto& known = all();
    std::lock_guard const lock(known.mutex);
    for (auto* const thread : known.threads)
    {
        std::lock_guard const changing(thread->mutex_);
        auto& one = thread->stocks_[slot];
        if (one.number != number)
            continue;
        if (thread->taking_.load(std::memory_order_seq_cst))
        {
            one.revoked = true;
            thread->asked_.store(true, std::memory_order_seq_cst);
            // After this, the thread has left, or will see what it is asked when it does.
            if (!heavy_barrier() || thread->taking_.load(std::memory_order_seq_cst))
                continue;
        }
        empty(one);
    }
}

void thread_stocks::give_back() noexcept
{
    std::lock_guard const lock(mutex_);
    asked_.store(false, std::memory_order_relaxed);
    for (auto& one : stocks_)
        if (one.revoked)
            empty(one);
}

std::uint64_t thread_stocks::taken(std::size_t slot, std::uint64_t number) noexcept
{
    auto& known = all();
    std::lock_guard const lock(known.mutex);
    std::uint64_t sum = 0;
    for (auto* const thread : known.threads)
    {
        std::lock_guard const unchanged(thread->mutex_);
        auto const& one = thread->stocks_[slot];
        if (number != 0 && one.number == number)
            sum += static_cast<std::uint64_t>(stock_size - one.left);
    }
    return sum;
}

published_token::published_token()
    : slot_(last_slot++ % slot_count)
    , taken_(std::make_shared<std::atomic<std::uint64_t>>(0))
{
}

published_token::~published_token()
{
    withdraw();
}

access_token published_token::take(bool& due) noexcept
{
    thread_stocks* const mine = here;
    if (mine == nullptr)
        return take_slowly(due);
    // Calls first: then the rest finds room in registers.
    std::int64_t const wall = wall_tick();
    bool const light = light_barrier.load(std::memory_order_relaxed);
    mine->enter(light);
    stock& held = mine->at(slot_);
    auto const number = number_.load(std::memory_order_seq_cst);
    auto const left = held.left.load(std::memory_order_relaxed);
    if (number != 0 && held.number.load(std::memory_order_relaxed) == number && left > 0 &&
        (wall == held.tick || held.look_at_clocks(wall, due)))
    {
        held.left.store(left - 1, std::memory_order_relaxed);
        held.patience_left = patience;
        auto* const share = held.branch;
        mine->leave(light);
        return token_shares::take_over(share);
    }
    mine->leave(light);
    return take_slowly(due);
}

access_token published_token::take_slowly(bool& due) noexcept
{
    auto const number = number_.load();
    if (number == 0)
        return {};
    auto* const mine = thread_stocks::mine();
    std::lock_guard const lock(mutex_);
    auto const wall = std::chrono::system_clock::now();
    auto const steady = std::chrono::steady_clock::now();
    if (token_.empty() || wall >= life_.end_wall || steady >= life_.end_steady)
        return {};
    due = wall >= life_.renew_wall || steady >= life_.renew_steady;
    taken_->fetch_add(1, std::memory_order_relaxed);
    if (mine != nullptr)
    {
        stocked_ = true;
        mine->fill(slot_, number_.load(), token_, life_, taken_);
    }
    return token_;
}

void published_token::publish(access_token token, life const& until) noexcept
{
    look_for_barrier();
    change(std::move(token), until, ++last_number);
}

void published_token::withdraw() noexcept
{
    change({}, {}, 0);
}

void published_token::change(access_token token, life const& until, std::uint64_t number) noexcept
{
    std::uint64_t before = 0;
    {
        std::lock_guard const lock(mutex_);
        std::swap(token_, token);
        life_ = until;
        before = number_.exchange(number);
        if (!std::exchange(stocked_, false))
            return;
    }
    // Where the barrier fails, each thread gives back its stock when it next takes, or ends.
    if (heavy_barrier())
        thread_stocks::take_back(slot_, before);
}

std::uint64_t published_token::taken() const noexcept
{
    std::lock_guard const lock(mutex_);
    return taken_->load() + thread_stocks::taken(slot_, number_.load());
}

} // namespace coauth::detail
