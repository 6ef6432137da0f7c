#ifndef COAUTH_SRC_CLIENT_CONNECTION_POOL_HPP
#define COAUTH_SRC_CLIENT_CONNECTION_POOL_HPP

#include <coauth/client.hpp>

#include "net/background_timer.hpp"
#include "net/connection.hpp"
#include "net/continuation.hpp"
#include "policy/pool_policy.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coauth::detail
{

// The connections of a client, and the line of those who wait for one.
class connection_pool : public std::enable_shared_from_this<connection_pool>
{
public:
    // The right to use one connection. Gone without `release`: the connection is closed.
    class lease
    {
    public:
        lease() = default;
        lease(
            std::shared_ptr<connection_pool> pool, policy::pool_policy::id id,
            std::unique_ptr<net::connection> idle)
            : pool_(std::move(pool))
            , id_(id)
            , connection_(std::move(idle))
        {
        }
        ~lease() { drop(); }
        lease(lease&& other) noexcept
            : pool_(std::move(other.pool_))
            , id_(other.id_)
            , connection_(std::move(other.connection_))
        {
        }
        lease& operator=(lease&& other) noexcept
        {
            std::swap(pool_, other.pool_);
            std::swap(id_, other.id_);
            std::swap(connection_, other.connection_);
            return *this;
        }

        explicit operator bool() const noexcept { return pool_ != nullptr; }
        // The connection that served others before; none: one has to be opened.
        [[nodiscard]] net::connection* connection() const { return connection_.get(); }
        // In place of the present one, which is closed.
        void replace(std::unique_ptr<net::connection> fresh);
        // Another may use it next.
        void release() &&;

    private:
        void drop() noexcept;

        std::shared_ptr<connection_pool> pool_;
        policy::pool_policy::id id_ = 0;
        std::unique_ptr<net::connection> connection_;
    };

    enum class verdict
    {
        granted,
        wait,
        refused,
    };

    connection_pool(client_config const& config, boost::asio::any_io_executor executor);

    // An operation that may have to wait in line. Has to live until its handler is called.
    class waiter final : public net::cancellable
    {
    public:
        using handler = net::continuation<lease>;

        waiter(connection_pool& pool, policy::pool_policy::id operation)
            : pool_(pool)
            , operation_(operation)
        {
        }
        ~waiter()
        {
            if (in_line_)
                pool_.forget(operation_);
        }
        waiter(waiter const&) = delete;
        waiter& operator=(waiter const&) = delete;

        // A lease now, a place in line that has to be waited for, or neither.
        verdict acquire(lease& granted);
        // Waits in line. Calls the handler once, never within this call; with no lease when
        // aborted.
        void begin(handler done);
        void cancel() noexcept override;

    private:
        connection_pool& pool_;
        policy::pool_policy::id operation_;
        bool in_line_ = false;
    };

    // Closes the idle connections.
    void close() noexcept;
    void context_gone() noexcept;
    void count(client_counters& into) const;

    boost::asio::any_io_executor const executor;

private:
    using id = policy::pool_policy::id;

    // A place in line. All that it needs is there before anybody else can know of it: a grant
    // must not fail.
    struct place
    {
        // Empty: nobody waits yet.
        waiter::handler done;
        lease granted;
    };
    using line = std::unordered_map<id, place>;

    verdict acquire(id operation, lease& granted);
    // With the lock held.
    verdict enqueue(id operation);
    void wait(id operation, waiter::handler done);
    void leave(id operation) noexcept;
    void forget(id operation) noexcept;
    void release(id connection, std::unique_ptr<net::connection> idle) noexcept;
    // False: it cannot be kept.
    bool keep(id connection, std::unique_ptr<net::connection>& idle);
    void drop(id connection, std::unique_ptr<net::connection> closed) noexcept;
    // With the lock held: gives a connection to the next in line. Empty: nobody waits yet.
    line::node_type
    grant(policy::pool_policy::grant const& next, std::unique_ptr<net::connection> idle) noexcept;
    std::unique_ptr<net::connection> pop_idle(id connection) noexcept;
    // With the lock held: one that is idle too long, if any.
    std::unique_ptr<net::connection> take_expired() noexcept;
    void close_expired() noexcept;
    // With the lock held: sees to it that idle connections are closed in time.
    void watch_idle() noexcept;
    // Not with the lock held: when the context is gone, the lease ends here.
    static void post_completion(line::node_type woken) noexcept;
    void closed(net::connection const& one) const;

    net::phase_timer const events_;
    bool const reuse_;

    std::mutex mutable mutex_;
    policy::pool_policy policy_;
    std::vector<std::pair<id, std::unique_ptr<net::connection>>> idle_;
    line line_;
    bool closed_ = false;
    std::optional<net::background_timer> idle_timer_;
    bool idle_watched_ = false;
    // Its context is gone: nobody can be woken any more.
    bool gone_ = false;
};

} // namespace coauth::detail

#endif
