#include "client_pool.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace coauth::detail
{

namespace asio = boost::asio;
using std::chrono::steady_clock;

void client_pool::lease::replace(std::unique_ptr<net::connection> fresh)
{
    std::swap(connection_, fresh);
    if (fresh)
        pool_->closed(*fresh);
}

void client_pool::lease::release() &&
{
    auto const pool = std::move(pool_);
    pool->release(id_, std::move(connection_));
}

void client_pool::lease::drop() noexcept
{
    if (auto const pool = std::move(pool_))
        pool->drop(id_, std::move(connection_));
}

client_pool::client_pool(client_config const& config, asio::any_io_executor on)
    : executor(std::move(on))
    , events_(config.observer, {})
    , reuse_(config.connections.idle_timeout.count() > 0)
    , policy_(
          {config.connections.max_connections, config.connections.max_waiting,
           config.connections.idle_timeout})
{
}

client_pool::verdict client_pool::acquire(id operation, lease& granted)
{
    std::vector<std::unique_ptr<net::connection>> old;
    verdict outcome = verdict::granted;
    {
        std::lock_guard const lock(mutex_);
        auto const now = steady_clock::now();
        for (auto const expired : policy_.expire(now))
            old.push_back(take_idle(expired));
        auto const decided = policy_.acquire(operation, now);
        if (decided.evicted != 0)
            old.push_back(take_idle(decided.evicted));
        if (decided.what == policy::pool::verdict::refuse)
            outcome = verdict::refused;
        else if (decided.what == policy::pool::verdict::wait)
            outcome = verdict::wait;
        else
            granted = lease(
                shared_from_this(), decided.connection,
                decided.what == policy::pool::verdict::reuse ? take_idle(decided.connection)
                                                             : nullptr);
    }
    for (auto const& one : old)
        closed(*one);
    return outcome;
}

void client_pool::waiter::begin(handler done)
{
    pool_.wait(operation_, std::move(done));
}

void client_pool::waiter::cancel()
{
    pool_.leave(operation_);
}

void client_pool::wait(id operation, waiter::handler done)
{
    std::lock_guard const lock(mutex_);
    auto const early = std::find_if(
        early_.begin(), early_.end(), [&](auto const& one) { return one.first == operation; });
    if (early == early_.end())
    {
        line_.emplace(operation, std::move(done));
        return;
    }
    lease granted = std::move(early->second);
    early_.erase(early);
    complete_later(std::move(done), std::move(granted));
}

void client_pool::leave(id operation)
{
    std::lock_guard const lock(mutex_);
    if (!policy_.leave(operation))
        return;
    if (auto done = take_place(operation))
        complete_later(std::move(done), lease());
}

void client_pool::release(id connection, std::unique_ptr<net::connection> idle)
{
    if (!reuse_)
        return drop(connection, std::move(idle));
    std::unique_lock lock(mutex_);
    if (closed_)
    {
        lock.unlock();
        return drop(connection, std::move(idle));
    }
    if (auto const next = policy_.release(connection, steady_clock::now()))
        grant(*next, std::move(idle));
    else
        idle_.emplace_back(connection, std::move(idle));
}

void client_pool::drop(id connection, std::unique_ptr<net::connection> gone) noexcept
{
    if (gone)
        closed(*gone);
    gone.reset();
    std::lock_guard const lock(mutex_);
    if (gone_)
        return;
    if (auto const next = policy_.drop(connection))
        grant(*next, nullptr);
}

void client_pool::grant(policy::pool::grant const& next, std::unique_ptr<net::connection> idle)
{
    lease granted(shared_from_this(), next.next.connection, std::move(idle));
    auto done = take_place(next.operation);
    if (done)
        complete_later(std::move(done), std::move(granted));
    else
        early_.emplace_back(next.operation, std::move(granted));
}

std::unique_ptr<net::connection> client_pool::take_idle(id connection)
{
    // The most recent is the likeliest.
    auto const found = std::find_if(
        idle_.rbegin(), idle_.rend(), [&](auto const& one) { return one.first == connection; });
    auto taken = std::move(found->second);
    idle_.erase(std::next(found).base());
    return taken;
}

client_pool::waiter::handler client_pool::take_place(id operation)
{
    waiter::handler done;
    // Asio 1.26: the move assignment of this type calls itself for ever.
    if (auto node = line_.extract(operation))
        done.swap(node.mapped());
    return done;
}

void client_pool::complete_later(waiter::handler done, lease granted)
{
    asio::post(
        executor, [done = std::move(done), granted = std::move(granted)]() mutable
        { std::move(done)(std::move(granted)); });
}

void client_pool::closed(net::connection const& one) const
{
    events_.tell([&](observer& to) { to.on_connection_closed({one.requests()}); });
}

void client_pool::close()
{
    decltype(idle_) idle;
    {
        std::lock_guard const lock(mutex_);
        closed_ = true;
        idle.swap(idle_);
        for (auto const expired : policy_.expire(steady_clock::time_point::max()))
            (void)expired;
    }
    for (auto const& [number, one] : idle)
        closed(*one);
}

void client_pool::context_gone() noexcept
{
    decltype(idle_) idle;
    decltype(line_) line;
    decltype(early_) early;
    std::lock_guard const lock(mutex_);
    closed_ = gone_ = true;
    idle.swap(idle_);
    line.swap(line_);
    early.swap(early_);
}

void client_pool::count(client_counters& into) const
{
    std::lock_guard const lock(mutex_);
    into.open += policy_.open();
    into.idle += policy_.idle();
    into.waiting += policy_.waiting();
}

} // namespace coauth::detail
