#ifndef COAUTH_SRC_POLICY_POOL_POLICY_HPP
#define COAUTH_SRC_POLICY_POOL_POLICY_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace coauth::policy
{

struct pool_limits
{
    std::size_t max_connections = 64;
    std::size_t max_queued = 10'000;
    std::chrono::milliseconds idle_timeout{};
};

// Decides which connection an operation uses. Both are known by number only.
//
// The most recently used idle connection is reused first, so that connections that are not needed
// become too old and are closed. An operation that finds neither an idle connection nor room for a
// new one is enqueued.
class pool_policy
{
public:
    using id = std::uint64_t;
    using time_point = std::chrono::steady_clock::time_point;

    enum class decision_kind
    {
        // Use the idle `connection`.
        reuse,
        // Open `connection`.
        open,
        // The operation was enqueued; a later `grant` is for it.
        wait,
        // The queue is full.
        refuse,
    };

    struct decision
    {
        decision_kind kind = decision_kind::refuse;
        id connection = 0;
        // The idle connection to close, to make room. 0: none.
        id evicted = 0;
    };

    // The next operation of the queue, and its decision.
    struct grant
    {
        id operation = 0;
        pool_policy::decision decision;
    };

    explicit pool_policy(pool_limits limits) : limits_(limits) {}

    decision acquire(id operation, time_point now);
    // The connection is free, and can carry another request.
    std::optional<grant> release(id connection, time_point now);
    // The connection was closed, or could not be opened.
    std::optional<grant> remove(id connection);
    // Removes the operation from the queue. False: it was not there.
    bool cancel(id operation);

    // Removes a connection that was idle too long; the caller closes it.
    std::optional<id> expire(time_point now);
    // The same for one that is idle since before `then`.
    std::optional<id> evict_idle_since_before(time_point then);
    // When the next idle connection expires. None: there is none.
    [[nodiscard]] std::optional<time_point> next_expiry() const;

    [[nodiscard]] std::size_t open() const noexcept { return open_count_; }
    [[nodiscard]] std::size_t idle() const noexcept { return idle_.size(); }
    [[nodiscard]] std::size_t waiting() const noexcept { return queue_.size(); }
    // Whether several operations use, or wait for, a connection.
    [[nodiscard]] bool is_shared() const noexcept
    {
        return open_count_ - idle_.size() + queue_.size() > 1;
    }

private:
    struct idle_connection
    {
        id connection;
        time_point idle_since;
    };

    decision open_or_enqueue(id operation);
    id pop_oldest();

    pool_limits limits_;
    std::size_t open_count_ = 0;
    id last_id_ = 0;
    // The one that is idle for the longest time first.
    std::deque<idle_connection> idle_;
    std::deque<id> queue_;
};

} // namespace coauth::policy

#endif
