#ifndef COAUTH_SRC_NET_RESOLVER_HPP
#define COAUTH_SRC_NET_RESOLVER_HPP

#include <coauth/client_config.hpp>

#include "net/continuation.hpp"
#include "net/stop_state.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace coauth::net
{

using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

// Name lookups of one client: at most one in in_flight_lookup for each name, its result kept for a
// while.
//
// A lookup runs in a thread that cannot be interrupted. Whoever waits for one may leave; it then
// ends into the cache.
class resolver : public std::enable_shared_from_this<resolver>
{
public:
    using handler = continuation<boost::system::error_code, endpoints>;

    resolver(boost::asio::any_io_executor executor, connection_options const& options);

    // Abandons those who wait, as the context does: its responses may come from elsewhere, later.
    void context_gone() noexcept;

    class launch;

    // One who waits. Has to live until its handler is called.
    class waiter final : public cancellable
    {
    public:
        explicit waiter(std::shared_ptr<resolver> cache) : cache_(std::move(cache)) {}

        // Calls the handler once, never within this call: with the addresses, what went wrong, or
        // operation_aborted. What it returns is to be called next, without a lock: it may ask the
        // user's resolver.
        launch begin(std::string const& host, std::uint16_t port, handler done);
        void cancel() noexcept override;

    private:
        friend class resolver;
        std::shared_ptr<resolver> cache_;
        std::pair<std::string, std::uint16_t> key_;
    };

private:
    using key = std::pair<std::string, std::uint16_t>;

    // Owned by the lookup itself: it goes with the context that abandons it.
    struct in_flight_lookup
    {
        std::vector<std::pair<waiter*, handler>> waiting;
        bool over = false;
    };
    struct entry
    {
        endpoints found;
        std::chrono::steady_clock::time_point expires;
        std::weak_ptr<in_flight_lookup> in_flight;
    };
    class question;

    // A lookup that has to be started, or nothing.
    std::shared_ptr<in_flight_lookup> find(key const& name, waiter& who, handler done);
    void leave(waiter& who) noexcept;
    void start(key const& name, std::shared_ptr<in_flight_lookup> const& started) noexcept;
    void resolve_system(key const& name, std::shared_ptr<in_flight_lookup> started);
    void resolve_user(key const& name, std::shared_ptr<in_flight_lookup> started);
    // The first time counts.
    void land(
        key const& name, in_flight_lookup& landed, boost::system::error_code ec,
        endpoints const& found) noexcept;

    boost::asio::any_io_executor executor_;
    std::chrono::milliseconds lifetime_;
    resolver_function resolver_;

    std::mutex mutex_;
    std::map<key, entry> entries_;
    bool gone_ = false;
};

// Starts a lookup, unless it is under way or known.
class resolver::launch
{
public:
    launch(
        std::shared_ptr<resolver> cache, key name,
        std::shared_ptr<in_flight_lookup> started) noexcept
        : cache_(std::move(cache))
        , name_(std::move(name))
        , started_(std::move(started))
    {
    }
    void operator()() noexcept
    {
        if (started_)
            cache_->start(name_, started_);
    }

private:
    std::shared_ptr<resolver> cache_;
    key name_;
    std::shared_ptr<in_flight_lookup> started_;
};

} // namespace coauth::net

#endif
