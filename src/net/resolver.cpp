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

// What the user's resolver has to response. Nobody can do so any more once it is destroyed.
class resolver::question
{
public:
    question(std::weak_ptr<resolver> cache, key name, std::shared_ptr<in_flight_lookup> started)
        : cache_(std::move(cache))
        , name_(std::move(name))
        , flight_(std::move(started))
    {
    }
    ~question() { response(asio::error::no_recovery, {}); }
    question(question const&) = delete;
    question& operator=(question const&) = delete;

    void response(error_code ec, endpoints const& found) const noexcept
    {
        if (auto const cache = cache_.lock())
            cache->land(name_, *flight_, ec, found);
    }

private:
    std::weak_ptr<resolver> cache_;
    key name_;
    std::shared_ptr<in_flight_lookup> flight_;
};

resolver::resolver(asio::any_io_executor executor, connection_options const& options)
    : executor_(std::move(executor))
    , lifetime_(options.dns_cache_ttl)
    , resolver_(options.resolver)
{
}

resolver::launch resolver::waiter::begin(std::string const& host, std::uint16_t port, handler done)
{
    key_ = {host, port};
    auto cache = cache_;
    auto name = key_;
    auto started = cache->find(name, *this, std::move(done));
    return {std::move(cache), std::move(name), std::move(started)};
}

void resolver::waiter::cancel() noexcept
{
    cache_->leave(*this);
}

std::shared_ptr<resolver::in_flight_lookup>
resolver::find(key const& name, waiter& who, handler done)
{
    std::lock_guard const lock(mutex_);
    auto& known = entries_[name];
    if (!known.found.empty() && steady_clock::now() < known.expires)
    {
        auto found = known.found;
        done.post({}, std::move(found));
        return nullptr;
    }
    auto flying = known.in_flight.lock();
    std::shared_ptr<in_flight_lookup> started;
    if (!flying)
    {
        flying = started = std::make_shared<in_flight_lookup>();
        known.in_flight = started;
    }
    flying->waiting.emplace_back(&who, std::move(done));
    return started;
}

void resolver::leave(waiter& who) noexcept
{
    std::lock_guard const lock(mutex_);
    auto const known = entries_.find(who.key_);
    auto const flying = known != entries_.end() ? known->second.in_flight.lock() : nullptr;
    if (!flying)
        return;
    auto& waiting = flying->waiting;
    auto const place = std::find_if(
        waiting.begin(), waiting.end(), [&](auto const& one) { return one.first == &who; });
    if (place == waiting.end())
        return;
    auto done = std::move(place->second);
    if (place != std::prev(waiting.end()))
        *place = std::move(waiting.back());
    waiting.pop_back();
    done.post(asio::error::operation_aborted, {});
}

void resolver::start(key const& name, std::shared_ptr<in_flight_lookup> const& started) noexcept
{
    try
    {
        if (resolver_)
            resolve_user(name, started);
        else
            resolve_system(name, started);
    }
    catch (std::bad_alloc const&)
    {
        land(name, *started, asio::error::no_memory, {});
    }
    catch (...)
    {
        land(name, *started, asio::error::no_recovery, {});
    }
}

void resolver::resolve_system(key const& name, std::shared_ptr<in_flight_lookup> started)
{
    auto const system = std::make_shared<tcp::resolver>(executor_);
    system->async_resolve(
        name.first, std::to_string(name.second),
        [self = shared_from_this(), system, name,
         started = std::move(started)](error_code ec, tcp::resolver::results_type const& results)
        {
            endpoints found;
            try
            {
                for (auto const& one : results)
                    found.push_back(one.endpoint());
            }
            catch (...)
            {
                ec = asio::error::no_memory;
            }
            self->land(name, *started, ec, found);
        });
}

void resolver::resolve_user(key const& name, std::shared_ptr<in_flight_lookup> started)
{
    auto const asked = std::make_shared<question>(weak_from_this(), name, std::move(started));
    resolver_(
        name.first, name.second,
        [asked](error_code ec, std::vector<ip_endpoint> const& given)
        {
            endpoints found;
            try
            {
                for (auto const& one : given)
                {
                    error_code bad;
                    auto const address = asio::ip::make_address(one.address, bad);
                    if (bad)
                        ec = ec ? ec : bad;
                    else
                        found.emplace_back(address, one.port);
                }
            }
            catch (...)
            {
                found.clear();
                ec = asio::error::no_memory;
            }
            asked->response(found.empty() ? ec : error_code(), found);
        });
}

void resolver::land(
    key const& name, in_flight_lookup& landed, error_code ec, endpoints const& found) noexcept
{
    std::lock_guard const lock(mutex_);
    if (gone_ || landed.over)
        return;
    landed.over = true;
    if (!ec && found.empty())
        ec = asio::error::host_not_found;
    try
    {
        if (ec)
            entries_.erase(name);
        else
            entries_[name] = {found, detail::after(steady_clock::now(), lifetime_), {}};
        for (auto& [who, done] : landed.waiting)
            done.post(ec, found);
    }
    catch (...) // NOLINT(bugprone-empty-catch)
    {
        // Without memory: dropped, their handlers end what waits.
    }
    landed.waiting.clear();
}

void resolver::context_gone() noexcept
{
    std::map<key, entry> entries;
    {
        std::lock_guard const lock(mutex_);
        gone_ = true;
        entries.swap(entries_);
    }
    // Nobody else looks at those who wait any more.
    for (auto const& [name, known] : entries)
        if (auto const flying = known.in_flight.lock())
            flying->waiting.clear();
}

} // namespace coauth::net
