#include "token_store/redis_store.hpp"

#include "values/make_error.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/strand.hpp>

#include <utility>

// The operations of a store, their deadlines, and the servers that they go to.

namespace coauth::redis
{

namespace asio = boost::asio;

namespace
{

// Redis advises against clusters of more than 1,000 nodes. A server cannot make the client open
// connections without end.
constexpr std::size_t max_servers = 1'000;

} // namespace

store::store(asio::any_io_executor executor, redis_options options)
    : executor_(std::move(executor))
    , strand_(asio::make_strand(executor_))
    , timer_(strand_)
{
    auto settings = make_settings(std::move(options));
    if (settings)
    {
        settings_ = std::move(*settings);
        auto const& url = settings_->url;
        first_ = std::make_shared<pipeline>(strand_, settings_, url.host, url.port);
    }
    else
        status_ = settings.error();
    // Asio destroys the services of a context in the reverse order of their creation. This creates
    // those of sockets before that of `listen`, which is then the first to go.
    asio::ip::tcp::socket const creates_the_services(executor_);
    listen(asio::query(executor_, asio::execution::context));
}

store::~store() = default;

result<void> store::validate() const
{
    if (!status_ || !settings_->tls)
        return status_;
    auto const current = settings_->tls->current();
    return current ? result<void>() : current.error();
}

void store::start(verb_call call, token_store::time_point deadline, operation::handler_type handler)
{
    auto const added = std::make_shared<operation>(
        shared_from_this(), std::move(call), deadline, std::move(handler));
    added->connect_cancellation_slot();
    post([self = shared_from_this(), added] { self->add(added); });
}

void store::add(std::shared_ptr<operation> const& added)
{
    if (is_closed_)
        return added->abort(errc::cancelled);
    if (!status_)
        return added->fail(status_.error());
    try
    {
        running_.emplace(added->deadline(), added);
        arm_timer();
        added->start();
    }
    catch (std::bad_alloc const&)
    {
        added->abort(errc::out_of_memory);
    }
}

void store::remove(operation& completed) noexcept
{
    auto const [begin, end] = running_.equal_range(completed.deadline());
    for (auto i = begin; i != end; ++i)
    {
        if (i->second.get() != &completed)
            continue;
        running_.erase(i);
        break;
    }
    // Without operations the timer must not keep the context at work.
    if (running_.empty() && std::exchange(is_armed_, false))
        timer_->cancel();
}

void store::arm_timer()
{
    if (running_.empty())
        return;
    auto const earliest = running_.begin()->first;
    if (is_armed_ && earliest >= armed_until_)
        return;
    timer_->expires_at(earliest);
    armed_until_ = earliest;
    is_armed_ = true;
    timer_->async_wait(
        [weak = weak_from_this()](boost::system::error_code ec)
        {
            auto const self = weak.lock();
            if (!ec && self)
                self->on_timer();
        });
}

void store::on_timer()
{
    is_armed_ = false;
    auto const now = std::chrono::steady_clock::now();
    while (!running_.empty() && running_.begin()->first <= now)
    {
        auto const late = running_.begin()->second;
        late->abort(errc::timeout);
    }
    try
    {
        arm_timer();
    }
    catch (std::bad_alloc const&)
    {
        // Better too early than never.
        is_armed_ = false;
        while (!running_.empty())
        {
            auto const one = running_.begin()->second;
            one->abort(errc::out_of_memory);
        }
    }
}

void store::close() noexcept
{
    post([self = shared_from_this()] { self->close_on_strand(); });
}

void store::close_on_strand() noexcept
{
    is_closed_ = true;
    while (!running_.empty())
    {
        auto const one = running_.begin()->second;
        one->abort(errc::cancelled);
    }
    if (first_)
        first_->close();
    for (auto const& [name, server] : others_)
        server->close();
}

void store::on_context_shutdown() noexcept
{
    // The operations that are destroyed here may be the only owners of the store.
    auto const self = weak_from_this().lock();
    is_closed_ = true;
    {
        std::lock_guard const lock(mutex_);
        strand_ = {};
    }
    timer_.reset();
    auto const destroyed = std::exchange(running_, {});
    slots_.clear();
    auto const others = std::exchange(others_, {});
    for (auto const& [name, server] : others)
        server->on_context_shutdown();
    if (auto const first = std::exchange(first_, nullptr))
        first->on_context_shutdown();
}

std::shared_ptr<pipeline> store::server_of(std::string const& name)
{
    if (slots_.empty())
        return first_;
    auto const found = slots_.find(slot_of(prefix(), name));
    return found == slots_.end() ? first_ : found->second;
}

std::shared_ptr<pipeline> store::find_server(std::string const& host, std::uint16_t port)
{
    if (host == settings_->url.host && port == settings_->url.port)
        return first_;
    auto const known = others_.find({host, port});
    if (known != others_.end())
        return known->second;
    // Of a cluster that has moved.
    if (others_.size() >= max_servers)
        std::erase_if(others_, [](auto const& entry) { return entry.second.use_count() == 1; });
    if (others_.size() >= max_servers)
        return nullptr;
    auto added = std::make_shared<pipeline>(strand_, settings_, host, port);
    others_.emplace(std::pair(host, port), added);
    return added;
}

void store::on_moved(std::uint16_t slot, std::shared_ptr<pipeline> to)
{
    slots_[slot] = std::move(to);
}

bool store::forget(pipeline const& failed)
{
    if (&failed == first_.get())
        return false;
    std::erase_if(slots_, [&](auto const& entry) { return entry.second.get() == &failed; });
    return true;
}

} // namespace coauth::redis
