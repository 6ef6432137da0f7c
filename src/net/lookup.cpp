#include "net/lookup.hpp"

#include "saturated.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace coauth::net
{

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

// What the user's resolver has to answer. Nobody can do so any more once it is destroyed.
class lookup_cache::question
{
public:
    question(std::weak_ptr<lookup_cache> cache, key name, std::shared_ptr<flight> started)
        : cache_(std::move(cache))
        , name_(std::move(name))
        , flight_(std::move(started))
    {
    }
    ~question()
    {
        try
        {
            answer(asio::error::no_recovery, {});
        }
        catch (...) // NOLINT(bugprone-empty-catch)
        {
            // Without memory: those who wait are left to their deadline.
        }
    }
    question(question const&) = delete;
    question& operator=(question const&) = delete;

    void answer(error_code ec, endpoints const& found) const
    {
        if (auto const cache = cache_.lock())
            cache->land(name_, *flight_, ec, found);
    }

private:
    std::weak_ptr<lookup_cache> cache_;
    key name_;
    std::shared_ptr<flight> flight_;
};

lookup_cache::lookup_cache(asio::any_io_executor executor, connection_options const& options)
    : executor_(std::move(executor))
    , lifetime_(options.lookup_lifetime)
    , resolver_(options.resolver)
{
}

void lookup_cache::waiter::begin(std::string const& host, std::uint16_t port, handler done)
{
    key_ = {host, port};
    cache_->find(key_, *this, std::move(done));
}

void lookup_cache::waiter::cancel()
{
    cache_->leave(*this);
}

void lookup_cache::complete_later(handler done, error_code ec, endpoints const& found) noexcept
{
    try
    {
        asio::post(
            executor_, [done = std::move(done), ec, found = found]() mutable
            { std::move(done)(ec, std::move(found)); });
    }
    catch (...) // NOLINT(bugprone-empty-catch): destroyed, the handler ends what waits
    {
    }
}

void lookup_cache::find(key const& name, waiter& who, handler done)
{
    std::shared_ptr<flight> started;
    {
        std::lock_guard const lock(mutex_);
        auto& known = entries_[name];
        if (!known.found.empty() && steady_clock::now() < known.expires)
            return complete_later(std::move(done), {}, known.found);
        auto flying = known.in_flight.lock();
        if (!flying)
        {
            flying = started = std::make_shared<flight>();
            known.in_flight = started;
        }
        flying->waiting.emplace_back(&who, std::move(done));
    }
    if (started)
        launch(name, started);
}

void lookup_cache::leave(waiter& who)
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
    handler done;
    // Asio 1.26: the move assignment of this type calls itself for ever.
    done.swap(place->second);
    place->second.swap(waiting.back().second);
    place->first = waiting.back().first;
    waiting.pop_back();
    complete_later(std::move(done), asio::error::operation_aborted, {});
}

void lookup_cache::launch(key const& name, std::shared_ptr<flight> const& started)
{
    if (!resolver_)
        return ask_system(name, started);
    try
    {
        ask_user(name, started);
    }
    catch (...)
    {
        land(name, *started, asio::error::no_recovery, {});
    }
}

void lookup_cache::ask_system(key const& name, std::shared_ptr<flight> started)
{
    auto const resolver = std::make_shared<tcp::resolver>(executor_);
    resolver->async_resolve(
        name.first, std::to_string(name.second),
        [self = shared_from_this(), resolver, name,
         started = std::move(started)](error_code ec, tcp::resolver::results_type const& results)
        {
            try
            {
                endpoints found;
                for (auto const& one : results)
                    found.push_back(one.endpoint());
                self->land(name, *started, ec, found);
            }
            catch (...)
            {
                self->land(name, *started, asio::error::no_memory, {});
            }
        });
}

void lookup_cache::ask_user(key const& name, std::shared_ptr<flight> started)
{
    auto const asked = std::make_shared<question>(weak_from_this(), name, std::move(started));
    resolver_(
        name.first, name.second,
        [asked](error_code ec, std::vector<ip_endpoint> const& given)
        {
            endpoints found;
            for (auto const& one : given)
            {
                error_code bad;
                auto const address = asio::ip::make_address(one.address, bad);
                if (bad)
                    ec = ec ? ec : bad;
                else
                    found.emplace_back(address, one.port);
            }
            asked->answer(found.empty() ? ec : error_code(), found);
        });
}

void lookup_cache::land(key const& name, flight& landed, error_code ec, endpoints const& found)
{
    std::lock_guard const lock(mutex_);
    if (gone_ || landed.over)
        return;
    if (!ec && found.empty())
        ec = asio::error::host_not_found;
    if (ec)
        entries_.erase(name);
    else
        entries_[name] = {found, detail::after(steady_clock::now(), lifetime_), {}};
    landed.over = true;
    for (auto& [who, done] : landed.waiting)
        complete_later(std::move(done), ec, found);
    landed.waiting.clear();
}

void lookup_cache::context_gone() noexcept
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
