#ifndef COAUTH_SRC_NET_RESOLVER_HPP
#define COAUTH_SRC_NET_RESOLVER_HPP

#include <coauth/client_config.hpp>
#include <coauth/export.hpp>

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

// Name lookups of one client: at most one in flight for each name (single flight), and a cache of
// the results.
//
// A lookup runs in a thread that cannot be interrupted. A wait for it can be cancelled; its result
// then only goes to the cache.
class COAUTH_DECL resolver : public std::enable_shared_from_this<resolver>
{
public:
    using handler = continuation<boost::system::error_code, endpoints>;

    resolver(boost::asio::any_io_executor executor, connection_options const& options);

    // Destroys the waiting handlers, as the context does. Later results of a user's resolver are
    // ignored.
    void on_context_shutdown() noexcept;

    class launch;

    // One wait. It must live until its handler is called.
    class waiter final : public cancellable
    {
    public:
        explicit waiter(std::shared_ptr<resolver> owner) : owner_(std::move(owner)) {}

        // Calls the handler once, never within this call: with the addresses, an error, or
        // operation_aborted. Call the returned function next, without a lock: it may call the
        // user's resolver.
        launch begin(std::string const& host, std::uint16_t port, handler completion);
        void cancel() noexcept override;

    private:
        friend class resolver;
        std::shared_ptr<resolver> owner_;
        std::pair<std::string, std::uint16_t> key_;
    };

private:
    using key = std::pair<std::string, std::uint16_t>;

    // Owned by the lookup's own handler: a context that abandons the lookup destroys it.
    struct in_flight_lookup
    {
        std::vector<std::pair<waiter*, handler>> waiting;
        bool completed = false;
    };
    struct entry
    {
        endpoints found;
        std::chrono::steady_clock::time_point expires;
        std::weak_ptr<in_flight_lookup> in_flight;
    };
    class callback;

    // Returns a lookup to be started, or null.
    std::shared_ptr<in_flight_lookup> enqueue(key const& name, waiter& waiting, handler completion);
    void cancel_wait(waiter& cancelled) noexcept;
    void start(key const& name, std::shared_ptr<in_flight_lookup> const& lookup) noexcept;
    void resolve_system(key const& name, std::shared_ptr<in_flight_lookup> lookup);
    void resolve_user(key const& name, std::shared_ptr<in_flight_lookup> lookup);
    // Only the first call for a lookup has an effect.
    void complete(
        key const& name, in_flight_lookup& lookup, boost::system::error_code ec,
        endpoints const& found) noexcept;

    boost::asio::any_io_executor executor_;
    std::chrono::milliseconds cache_ttl_;
    resolver_function user_resolver_;

    std::mutex mutex_;
    std::map<key, entry> entries_;
    bool context_destroyed_ = false;
};

// Starts a lookup, unless one is in flight or its result is cached.
class resolver::launch
{
public:
    launch(
        std::shared_ptr<resolver> owner, key name,
        std::shared_ptr<in_flight_lookup> lookup) noexcept
        : owner_(std::move(owner))
        , name_(std::move(name))
        , lookup_(std::move(lookup))
    {
    }
    void operator()() noexcept
    {
        if (lookup_)
            owner_->start(name_, lookup_);
    }

private:
    std::shared_ptr<resolver> owner_;
    key name_;
    std::shared_ptr<in_flight_lookup> lookup_;
};

} // namespace coauth::net

#endif
