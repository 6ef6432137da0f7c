#ifndef COAUTH_SRC_CLIENT_CONNECTION_POOL_HPP
#define COAUTH_SRC_CLIENT_CONNECTION_POOL_HPP

#include <coauth/client.hpp>

#include "net/background_timer.hpp"
#include "net/connection.hpp"
#include "net/continuation.hpp"
#include "policy/pool_policy.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coauth::detail
{

// The connections to one origin, and the queue of operations that wait for one. Thread-safe.
class connection_pool : public std::enable_shared_from_this<connection_pool>
{
public:
    // The right to use one connection. Destroyed without `release`, it closes the connection.
    class lease
    {
    public:
        lease() = default;
        // With the lock of the pool held.
        lease(
            std::shared_ptr<connection_pool> pool, policy::pool_policy::id id,
            std::unique_ptr<net::connection> idle)
            : pool_(std::move(pool))
            , id_(id)
            , pool_is_shared_(pool_->policy_.is_shared())
            , connection_(std::move(idle))
        {
        }
        ~lease() { abandon(); }
        lease(lease&& other) noexcept
            : pool_(std::move(other.pool_))
            , id_(other.id_)
            , pool_is_shared_(other.pool_is_shared_)
            , connection_(std::move(other.connection_))
        {
        }
        lease& operator=(lease&& other) noexcept
        {
            std::swap(pool_, other.pool_);
            std::swap(id_, other.id_);
            std::swap(pool_is_shared_, other.pool_is_shared_);
            std::swap(connection_, other.connection_);
            return *this;
        }

        explicit operator bool() const noexcept { return pool_ != nullptr; }
        // A reused connection; null: one has to be opened.
        [[nodiscard]] net::connection* connection() const { return connection_.get(); }
        // Whether other operations used the pool when this lease was granted.
        [[nodiscard]] bool pool_is_shared() const noexcept { return pool_is_shared_; }
        // Closes the present connection.
        void replace(std::unique_ptr<net::connection> next);
        // Returns the connection to the pool.
        void release() &&;

    private:
        void abandon() noexcept;

        std::shared_ptr<connection_pool> pool_;
        policy::pool_policy::id id_ = 0;
        bool pool_is_shared_ = false;
        std::unique_ptr<net::connection> connection_;
    };

    enum class acquire_result
    {
        granted,
        queued,
        queue_full,
    };

    // `origin`: its URL, for events.
    connection_pool(
        client_config const& config, std::string_view origin,
        boost::asio::any_io_executor executor);

    // An operation that may have to queue. Has to live until its handler is called.
    class waiter final : public net::cancellable
    {
    public:
        using handler_type = net::continuation<lease>;

        waiter(connection_pool& pool, policy::pool_policy::id operation)
            : pool_(pool)
            , operation_(operation)
        {
        }
        ~waiter()
        {
            if (is_queued_)
                pool_.abandon_wait(operation_);
        }
        waiter(waiter const&) = delete;
        waiter& operator=(waiter const&) = delete;

        // Sets `granted`, or enqueues the operation, which then has to call `async_wait`.
        acquire_result acquire(lease& granted);
        // Calls the handler once, never within this call. An empty lease: the wait was cancelled.
        void async_wait(handler_type handler);
        void cancel() noexcept override;

    private:
        connection_pool& pool_;
        policy::pool_policy::id operation_;
        bool is_queued_ = false;
    };

    // Closes the connections that are idle since before `then`.
    void close_idle_since_before(std::chrono::steady_clock::time_point then) noexcept;
    // Closes a connection that no lease owns.
    void close(std::unique_ptr<net::connection> unused) const noexcept;
    // How long the server took for its last response.
    void set_response_time(std::chrono::nanoseconds took) noexcept { response_time_ = took; }
    [[nodiscard]] std::chrono::nanoseconds response_time() const noexcept { return response_time_; }
    // Closes the idle connections, and from now on each connection that is released.
    void close() noexcept;
    void context_gone() noexcept;
    void add_to(client_counters& counters) const;

    boost::asio::any_io_executor const executor;

private:
    using id = policy::pool_policy::id;

    // Allocated before another operation can grant it a connection: a grant must not fail.
    struct queue_entry
    {
        // Empty until `async_wait`.
        waiter::handler_type handler;
        lease granted;
    };
    using wait_queue = std::unordered_map<id, queue_entry>;

    acquire_result acquire(id operation, lease& granted);
    // With the lock held.
    acquire_result enqueue(id operation);
    void async_wait(id operation, waiter::handler_type handler);
    void cancel_wait(id operation) noexcept;
    // The operation is destroyed without having been completed.
    void abandon_wait(id operation) noexcept;
    void release(id connection, std::unique_ptr<net::connection> idle) noexcept;
    // False: the connection has to be closed.
    bool return_idle(id connection, std::unique_ptr<net::connection>& idle);
    void abandon(id connection, std::unique_ptr<net::connection> unusable) noexcept;
    // With the lock held: gives a connection to the next in the queue. Returns its entry if it
    // waits already.
    wait_queue::node_type
    grant(policy::pool_policy::grant const& next, std::unique_ptr<net::connection> idle) noexcept;
    std::unique_ptr<net::connection> pop_idle(id connection) noexcept;
    // With the lock held: null: no idle connection has expired.
    std::unique_ptr<net::connection>
    pop_expired(std::chrono::steady_clock::time_point now) noexcept;
    void close_expired() noexcept;
    // With the lock held.
    void start_idle_timer() noexcept;
    // Without the lock: if the context is gone, this destroys the lease.
    static void post_completion(wait_queue::node_type completed) noexcept;
    // Each while the policy names one.
    template <class Pop>
    void close_each(Pop pop) noexcept;
    void notify_closed(net::connection const& closed) const noexcept;

    std::string const name_;
    std::string const origin_;
    net::phase_timer const events_;
    bool const reuse_;
    std::atomic<std::chrono::nanoseconds> response_time_{};

    std::mutex mutable mutex_;
    policy::pool_policy policy_;
    std::vector<std::pair<id, std::unique_ptr<net::connection>>> idle_;
    wait_queue queue_;
    bool closed_ = false;
    std::optional<net::background_timer> idle_timer_;
    bool idle_timer_runs_ = false;
    bool context_is_gone_ = false;
};

} // namespace coauth::detail

#endif
