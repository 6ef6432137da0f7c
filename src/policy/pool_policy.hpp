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

// Which connection serves whom: it knows connections and operations by number alone.
//
// Idle connections are used most recent first, so that those not needed grow old and go. Whoever
// finds neither an idle connection nor room for a new one waits in line.
class pool_policy
{
public:
    using id = std::uint64_t;
    using time_point = std::chrono::steady_clock::time_point;

    enum class verdict
    {
        // `connection` is idle and now the caller's.
        reuse,
        // There is room: the caller opens `connection`.
        open,
        // The caller is in line, and is named by a later `grant`.
        wait,
        // The line is full.
        refuse,
    };

    struct decision
    {
        verdict what = verdict::refuse;
        id connection = 0;
        // An idle connection that has to be closed to make room; 0: none.
        id evicted = 0;
    };

    // Somebody in line who may go on, and with what.
    struct grant
    {
        id operation = 0;
        decision next;
    };

    explicit pool_policy(pool_limits limits) : limits_(limits) {}

    decision acquire(id operation, time_point now);
    // The connection can carry another request.
    std::optional<grant> release(id connection, time_point now);
    // The connection is gone, or was never made.
    std::optional<grant> drop(id connection);
    // The operation is no longer in line. False: it was not.
    bool leave(id operation);

    // Takes out a connection that was idle too long, which the caller closes.
    std::optional<id> expire(time_point now);
    // When the next one will be; none: it is not known yet, or never.
    [[nodiscard]] std::optional<time_point> next_expiry() const;

    [[nodiscard]] std::size_t open() const noexcept { return open_; }
    [[nodiscard]] std::size_t idle() const noexcept { return idle_.size(); }
    [[nodiscard]] std::size_t waiting() const noexcept { return line_.size(); }

private:
    struct idle_connection
    {
        id connection;
        time_point since;
    };

    decision enter(id operation);

    pool_limits limits_;
    std::size_t open_ = 0;
    id last_ = 0;
    // The longest idle first.
    std::deque<idle_connection> idle_;
    std::deque<id> line_;
};

} // namespace coauth::policy

#endif
