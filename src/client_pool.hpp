#ifndef COAUTH_SRC_CLIENT_POOL_HPP
#define COAUTH_SRC_CLIENT_POOL_HPP

#include <coauth/client.hpp>

#include "net/connection.hpp"
#include "policy/pool.hpp"

#include <boost/asio/any_completion_handler.hpp>

#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coauth::detail
{

// The connections of a client, and the line of those who wait for one.
class client_pool : public std::enable_shared_from_this<client_pool>
{
public:
    // The right to use one connection. Gone without `release`: the connection is closed.
    class lease
    {
    public:
        lease() = default;
        lease(
            std::shared_ptr<client_pool> pool, policy::pool::id id,
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

        std::shared_ptr<client_pool> pool_;
        policy::pool::id id_ = 0;
        std::unique_ptr<net::connection> connection_;
    };

    enum class verdict
    {
        granted,
        wait,
        refused,
    };

    client_pool(client_config const& config, boost::asio::any_io_executor executor);

    // A lease now, a place in line to be waited for with `waiter`, or neither.
    verdict acquire(policy::pool::id operation, lease& granted);

    // Waits in line. Has to live until its handler is called.
    class waiter final : public net::cancellable
    {
    public:
        using handler = boost::asio::any_completion_handler<void(lease)>;

        waiter(client_pool& pool, policy::pool::id operation) : pool_(pool), operation_(operation)
        {
        }

        // Calls the handler once, never within this call; with no lease when aborted.
        void begin(handler done);
        void cancel() override;

    private:
        client_pool& pool_;
        policy::pool::id operation_;
    };

    // Closes the idle connections.
    void close();
    void context_gone() noexcept;
    void count(client_counters& into) const;

    boost::asio::any_io_executor const executor;

private:
    using id = policy::pool::id;

    void wait(id operation, waiter::handler done);
    void leave(id operation);
    void release(id connection, std::unique_ptr<net::connection> idle);
    void drop(id connection, std::unique_ptr<net::connection> closed) noexcept;
    // With the lock held: hands a connection to the next in line.
    void grant(policy::pool::grant const& next, std::unique_ptr<net::connection> idle);
    std::unique_ptr<net::connection> take_idle(id connection);
    waiter::handler take_place(id operation);
    void complete_later(waiter::handler done, lease granted);
    void closed(net::connection const& one) const;

    net::phase_clock const events_;
    bool const reuse_;

    std::mutex mutable mutex_;
    policy::pool policy_;
    std::vector<std::pair<id, std::unique_ptr<net::connection>>> idle_;
    std::unordered_map<id, waiter::handler> line_;
    // Granted between `acquire` and `waiter::begin`.
    std::vector<std::pair<id, lease>> early_;
    bool closed_ = false;
    // Its context is gone: nobody can be woken any more.
    bool gone_ = false;
};

} // namespace coauth::detail

#endif
