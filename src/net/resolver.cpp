#include "net/resolver.hpp"

#include "values/saturating_time.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <utility>

namespace coauth::net
{

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

// Completes a lookup of the user's resolver; destroyed without a call, it completes with an error.
class resolver::callback
{
public:
    callback(std::weak_ptr<resolver> owner, key name, std::shared_ptr<in_flight_lookup> lookup)
        : owner_(std::move(owner))
        , name_(std::move(name))
        , lookup_(std::move(lookup))
    {
    }
    ~callback() { complete(asio::error::no_recovery, {}); }
    callback(callback const&) = delete;
    callback& operator=(callback const&) = delete;

    void complete(error_code ec, endpoints const& found) const noexcept
    {
        if (auto const owner = owner_.lock())
            owner->complete(name_, *lookup_, ec, found);
    }

private:
    std::weak_ptr<resolver> owner_;
    key name_;
    std::shared_ptr<in_flight_lookup> lookup_;
};

resolver::resolver(asio::any_io_executor executor, connection_options const& options)
    : executor_(std::move(executor))
    , cache_ttl_(options.dns_cache_ttl)
    , user_resolver_(options.resolver)
{
}

resolver::launch
resolver::waiter::begin(std::string const& host, std::uint16_t port, handler completion)
{
    key_ = {host, port};
    auto owner = owner_;
    auto name = key_;
    auto lookup = owner->enqueue(name, *this, std::move(completion));
    return {std::move(owner), std::move(name), std::move(lookup)};
}

void resolver::waiter::cancel() noexcept
{
    owner_->cancel_wait(*this);
}

std::shared_ptr<resolver::in_flight_lookup>
resolver::enqueue(key const& name, waiter& waiting, handler completion)
{
    std::lock_guard const lock(mutex_);
    auto& cached = entries_[name];
    if (!cached.found.empty() && steady_clock::now() < cached.expires)
    {
        auto found = cached.found;
        completion.post({}, std::move(found));
        return nullptr;
    }
    auto lookup = cached.in_flight.lock();
    std::shared_ptr<in_flight_lookup> to_start;
    if (!lookup)
    {
        lookup = to_start = std::make_shared<in_flight_lookup>();
        cached.in_flight = lookup;
    }
    lookup->waiting.emplace_back(&waiting, std::move(completion));
    return to_start;
}

void resolver::cancel_wait(waiter& cancelled) noexcept
{
    std::lock_guard const lock(mutex_);
    auto const cached = entries_.find(cancelled.key_);
    auto const lookup = cached != entries_.end() ? cached->second.in_flight.lock() : nullptr;
    if (!lookup)
        return;
    auto& waiting = lookup->waiting;
    auto const position = std::find_if(
        waiting.begin(), waiting.end(),
        [&](auto const& other) { return other.first == &cancelled; });
    if (position == waiting.end())
        return;
    auto completion = std::move(position->second);
    if (position != std::prev(waiting.end()))
        *position = std::move(waiting.back());
    waiting.pop_back();
    completion.post(asio::error::operation_aborted, {});
}

void resolver::start(key const& name, std::shared_ptr<in_flight_lookup> const& lookup) noexcept
{
    try
    {
        if (user_resolver_)
            resolve_user(name, lookup);
        else
            resolve_system(name, lookup);
    }
    catch (std::bad_alloc const&)
    {
        complete(name, *lookup, asio::error::no_memory, {});
    }
    catch (...)
    {
        complete(name, *lookup, asio::error::no_recovery, {});
    }
}

void resolver::resolve_system(key const& name, std::shared_ptr<in_flight_lookup> lookup)
{
    auto const system = std::make_shared<tcp::resolver>(executor_);
    system->async_resolve(
        name.first, std::to_string(name.second),
        [self = shared_from_this(), system, name,
         lookup = std::move(lookup)](error_code ec, tcp::resolver::results_type const& results)
        {
            endpoints found;
            try
            {
                for (auto const& result : results)
                    found.push_back(result.endpoint());
            }
            catch (...)
            {
                ec = asio::error::no_memory;
            }
            self->complete(name, *lookup, ec, found);
        });
}

void resolver::resolve_user(key const& name, std::shared_ptr<in_flight_lookup> lookup)
{
    auto const reply = std::make_shared<callback>(weak_from_this(), name, std::move(lookup));
    user_resolver_(
        name.first, name.second,
        [reply](error_code ec, std::vector<ip_endpoint> const& addresses)
        {
            endpoints found;
            try
            {
                for (auto const& text : addresses)
                {
                    error_code malformed;
                    auto const address = asio::ip::make_address(text.address, malformed);
                    if (malformed)
                        ec = ec ? ec : malformed;
                    else
                        found.emplace_back(address, text.port);
                }
            }
            catch (...)
            {
                found.clear();
                ec = asio::error::no_memory;
            }
            reply->complete(found.empty() ? ec : error_code(), found);
        });
}

void resolver::complete(
    key const& name, in_flight_lookup& lookup, error_code ec, endpoints const& found) noexcept
{
    std::lock_guard const lock(mutex_);
    if (context_destroyed_ || lookup.completed)
        return;
    lookup.completed = true;
    if (!ec && found.empty())
        ec = asio::error::host_not_found;
    try
    {
        if (ec)
            entries_.erase(name);
        else
            entries_[name] = {found, detail::after(steady_clock::now(), cache_ttl_), {}};
        for (auto& [waiting, completion] : lookup.waiting)
            completion.post(ec, found);
    }
    catch (...) // NOLINT(bugprone-empty-catch)
    {
        // Without memory the handlers are destroyed, which ends their waits.
    }
    lookup.waiting.clear();
}

void resolver::on_context_shutdown() noexcept
{
    std::map<key, entry> entries;
    {
        std::lock_guard const lock(mutex_);
        context_destroyed_ = true;
        entries.swap(entries_);
    }
    // Nobody else uses the lists of waiting handlers any more.
    for (auto const& [name, cached] : entries)
        if (auto const lookup = cached.in_flight.lock())
            lookup->waiting.clear();
}

} // namespace coauth::net
